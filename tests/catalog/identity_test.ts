import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { publishIdentity } from "../../src/catalog/identity_queue.ts";
import { updateMerchant } from "../../src/catalog/merchants.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { Press } from "./press.ts";

const one = "wss://one.example";
const two = "wss://two.example";
const own = "wss://shop.example/relay";

async function open(database: Parameters<typeof Press.open>[0]): Promise<Press> {
  const [press] = await Press.open(database, { withoutIdentity: false });
  press.relays.push(one);
  press.dmRelays = [one];
  press.publicRelayUrl = own;
  press.holds.set(one, []);
  await named(press, "Tea shop");
  return press;
}

function named(press: Press, name: string) {
  return press.database.transaction((tx) =>
    updateMerchant(tx, { pubkey: press.merchant, input: { name }, now: press.clock.now() })
  );
}

function again(press: Press): Promise<void> {
  return press.database.transaction((tx) => publishIdentity(tx, press.merchant, press.clock.now()));
}

Deno.test("a new key gets its profile and relay lists, once", async () => {
  await using database = await freshDatabase();
  const press = await open(database);
  await press.run();
  await again(press);
  await press.run();
  assertEquals(
    (await press.posted()).map(({ event, relays }) => [event.kind, event.content, event.tags, relays]),
    [
      [0, '{"name":"Tea shop"}', [], [one]],
      [10002, "", [["r", one], ["r", own]], [one]],
      [10050, "", [["relay", one], ["relay", own]], [one]],
    ],
  );
  await press.clock.advance(1_000);
  await named(press, "Teas");
  press.relays.push(two);
  press.holds.set(two, []);
  await press.run();
  const later = (await press.posted()).slice(3).map(({ event }) => event);
  assertEquals(later.map((event) => event.kind), [0, 10002]);
  assertEquals(later[1]!.tags, [["r", one], ["r", two], ["r", own]]);
});

Deno.test("a profile that somebody else made stays, whatever we would say", async () => {
  await using database = await freshDatabase();
  const press = await open(database);
  press.holds.set(one, [press.foreign({ kind: 0, content: '{"name":"Me"}', tags: [], created_at: 1 })]);
  await press.run();
  assertEquals((await press.posted()).map(({ event }) => event.kind), [10002, 10050]);
  assert(press.log.lines.some((line) => line.event === "identity.left_alone"));
});

Deno.test("a relay list that somebody else made gets ours added, once", async () => {
  await using database = await freshDatabase();
  const press = await open(database);
  const created_at = press.clock.now() / 1000 + 5;
  const list = (tags: string[][], at: number) =>
    press.foreign({ kind: 10002, content: "", tags, created_at: at });
  press.holds.set(one, [list([["r", two, "read"]], created_at)]);
  await press.run();
  const merged = (await press.posted()).find(({ event }) => event.kind === 10002)!.event;
  assertEquals(merged.tags, [["r", two, "read"], ["r", one], ["r", own]]);
  assert(merged.created_at > created_at);
  // The merchant takes us out again: so be it.
  press.holds.set(one, [list([["r", two]], created_at + 60)]);
  await press.clock.advance(120_000);
  await again(press);
  await press.run();
  assertEquals((await press.posted()).filter(({ event }) => event.kind === 10002).length, 1);
});

Deno.test("what can't be read isn't written", async () => {
  await using database = await freshDatabase();
  const press = await open(database);
  press.holds.clear();
  await press.run();
  await press.pass(600_000, 15_000);
  assertEquals(await press.posted(), []);
  assertStringIncludes(press.waiting[0]!, one);
  press.holds.set(one, []);
  await press.pass(15_000);
  assertEquals((await press.posted()).length, 3);
});

Deno.test("nothing is announced that nobody could reach", async () => {
  await using database = await freshDatabase();
  const [press] = await Press.open(database, { withoutIdentity: false });
  await press.run();
  assertEquals(await press.posted(), []);
});
