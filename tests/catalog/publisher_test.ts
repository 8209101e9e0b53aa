import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type ProductInput, productInput } from "../../src/catalog/product_input.ts";
import { changeStock, deleteProduct, getProduct, updateProduct } from "../../src/catalog/products.ts";
import { deleteStall, updateStall } from "../../src/catalog/stalls.ts";
import type { Database } from "../../src/db/database.ts";
import { EventStore } from "../../src/nostr/event_store.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { onEachDatabase } from "../support/databases.ts";
import { Press } from "./press.ts";

const one = "wss://one.example";
const two = "wss://two.example";

function stock(press: Press, n: number) {
  return press.database.transaction((tx) =>
    changeStock(tx, { merchant: press.merchant, id: "cup", change: { set: n }, now: press.clock.now() })
  );
}

async function edit(press: Press, change: Partial<ProductInput>): Promise<void> {
  const input = productInput.parse({ stall_id: "tea", name: "Cup", price: 100, ...change });
  const done = await press.database.transaction((tx) =>
    updateProduct(tx, { merchant: press.merchant, id: "cup", input, now: press.clock.now() })
  );
  assert(done.ok);
}

function stored(database: Database, press: Press) {
  return new EventStore(database.kysely).query([{ authors: [press.merchant] }]);
}

onEachDatabase(
  "a product's stall is published before it, and both say so in their rows",
  async (database) => {
    const [press, shop] = await Press.open(database);
    press.relays.push(one);
    press.holds.set(one, []);
    await shop.stall();
    // The product's job alone, as when it overtakes the stall's.
    await database.kysely.deleteFrom("jobs").execute();
    await shop.product({ categories: ["cups"] });
    await press.run();
    const posted = await press.posted();
    assertEquals(posted.map(({ event, relays }) => [event.kind, relays]), [[30017, [one]], [30018, [one]]]);
    assertEquals(posted[1]!.event.tags, [["d", "cup"], ["t", "cups"]]);
    const product = await getProduct(database.kysely, { id: "cup" });
    assert(product.ok);
    assertEquals(product.product.event_id, posted[1]!.event.id);
    assertEquals(product.product.published_at, new Date(posted[1]!.event.created_at * 1000).toISOString());
    assertEquals((await stored(database, press)).length, 2);
  },
);

Deno.test("what says the same isn't published again", async () => {
  await using database = await freshDatabase();
  const [press, shop] = await Press.open(database);
  await shop.stall();
  await shop.product();
  await press.run();
  await press.pass(5_000);
  await edit(press, {});
  await stock(press, 5);
  await press.pass(5_000);
  assertEquals(await press.told(), ["30017 tea", "30018 cup 5"]);
});

Deno.test("stock changes are gathered for a second; an edit takes them along", async () => {
  await using database = await freshDatabase();
  const [press, shop] = await Press.open(database);
  await shop.stall();
  await shop.product();
  await press.run();
  await press.pass(5_000);
  for (const n of [4, 3, 2]) await stock(press, n);
  await press.run();
  assertEquals((await press.told()).length, 2);
  await press.pass(1_000);
  await stock(press, 1);
  await edit(press, { name: "Mug" });
  await press.pass(1_000);
  assertEquals(await press.told(), ["30017 tea", "30018 cup 5", "30018 cup 2", "30018 cup 1"]);
});

Deno.test("an address' clock only goes up and stays within a second of now, however often it is edited", async () => {
  await using database = await freshDatabase();
  const [press, shop] = await Press.open(database);
  await shop.stall();
  await shop.product();
  for (let i = 0; i < 40; i++) {
    await edit(press, { name: `Cup ${i}` });
    await press.pass(100);
    const newest = (await press.posted()).at(-1)!.event;
    assert(newest.created_at * 1000 <= press.clock.now() + 1_000, "ahead of now");
  }
  await press.pass(1_000);
  const versions = (await press.posted()).map(({ event }) => event).filter((event) => event.kind === 30018);
  for (const [i, version] of versions.entries()) {
    if (i > 0) assert(version.created_at > versions[i - 1]!.created_at);
  }
  assert(versions.length <= 7, `${versions.length} versions`);
  assertStringIncludes(versions.at(-1)!.content, "Cup 39");
});

Deno.test("a version that somebody else made is left alone, before the first of ours and after it", async () => {
  await using database = await freshDatabase();
  const [press, shop] = await Press.open(database);
  press.relays.push(one, two);
  const tags = [["d", "cup"]];
  const theirs = press.foreign({ kind: 30018, content: "{}", tags, created_at: 1_000_000_000 });
  press.holds.set(one, []);
  press.holds.set(two, [theirs]);
  await shop.stall();
  await shop.product();
  await press.run();
  assertEquals(await press.told(), ["30017 tea"]);
  assertStringIncludes(press.dead[0]!, theirs.id);
  assertEquals(press.log.lines.filter((line) => line.event === "catalog.foreign_version").length, 1);

  press.holds.set(two, []);
  await edit(press, { name: "Mug" });
  await press.run();
  assertEquals((await press.told()).length, 2);
  await press.pass(5_000);
  const newer = press.foreign({ kind: 30018, content: "{}", tags, created_at: press.clock.now() / 1000 });
  await new EventStore(database.kysely).event(newer);
  await edit(press, { name: "Jug" });
  await press.pass(5_000);
  assertEquals((await press.told()).length, 2);
  assertStringIncludes(press.dead[1]!, newer.id);
});

Deno.test("relays that can't be read are waited for; then the others get it, and the late one once it was read", async () => {
  await using database = await freshDatabase();
  const [press, shop] = await Press.open(database);
  press.relays.push(one, two);
  press.holds.set(one, []);
  await shop.stall();
  await press.run();
  assertEquals(await press.told(), []);
  assertStringIncludes(press.waiting[0]!, two);
  await press.pass(60_000, 5_000);
  assertEquals((await press.posted()).map(({ relays }) => relays), [[one]]);
  // Edits don't go to it either.
  const { random, merchant } = shop;
  const input = { name: "Teas", currency: "sat" };
  await database.transaction((tx) =>
    updateStall(tx, { merchant, id: "tea", input, now: press.clock.now(), random })
  );
  await press.pass(1_000);
  assertEquals((await press.posted()).map(({ relays }) => relays), [[one], [one]]);

  press.holds.set(two, []);
  await press.pass(120_000, 20_000);
  const posted = await press.posted();
  assertEquals(posted.map(({ relays }) => relays), [[one], [one], [two]]);
  assertEquals(posted[2]!.event.content, posted[1]!.event.content);
});

Deno.test("a late relay that turns out to hold somebody else's version is never written to", async () => {
  await using database = await freshDatabase();
  const [press, shop] = await Press.open(database);
  press.relays.push(one, two);
  press.holds.set(one, []);
  await shop.stall();
  await press.pass(60_000, 5_000);
  const tags = [["d", "tea"]];
  press.holds.set(two, [
    press.foreign({ kind: 30017, content: "{}", tags, created_at: press.clock.now() / 1000 }),
  ]);
  await press.pass(120_000, 20_000);
  assertEquals((await press.posted()).map(({ relays }) => relays), [[one]]);
  assertEquals(press.dead.length, 1);
});

onEachDatabase("a deletion is quantity 0 first, then kind 5; the stall goes last", async (database) => {
  const [press, shop] = await Press.open(database);
  press.relays.push(one);
  press.holds.set(one, []);
  await shop.stall();
  await shop.product({ quantity: null });
  await press.run();
  const { merchant } = press;
  await press.pass(10_000);
  await database.transaction((tx) => deleteStall(tx, { merchant, id: "tea", now: press.clock.now() }));
  await press.pass(10_000, 1_000);
  // The relay hasn't taken quantity 0 yet.
  assertEquals(await press.told(), ["30017 tea", "30018 cup null", "30018 cup 0"]);
  await press.deliver();
  await press.pass(10_000, 1_000);
  assertEquals((await press.told()).slice(3), ["5 30018:m:cup", "5 30017:m:tea"]);
  const [, , empty, gone] = (await press.posted()).map(({ event }) => event);
  assertEquals(gone!.tags, [["e", empty!.id], ["a", `30018:${merchant}:cup`], ["k", "30018"]]);
  assert(gone!.created_at > empty!.created_at);
  assertEquals((await stored(database, press)).map((event) => event.kind), [5, 5]);
  // What is made again under the id is later than its deletion, or relays would refuse it.
  await shop.stall();
  await shop.product();
  await press.run();
  assertEquals((await press.told()).slice(5), ["30017 tea", "30018 cup 5"]);
  assertEquals((await stored(database, press)).length, 4);
});

Deno.test("a relay that never takes quantity 0 doesn't stop the deletion for ever", async () => {
  await using database = await freshDatabase();
  const [press, shop] = await Press.open(database);
  press.relays.push(one);
  press.holds.set(one, []);
  await shop.stall();
  await shop.product();
  await press.run();
  await press.pass(10_000);
  const { merchant } = press;
  await database.transaction((tx) => deleteProduct(tx, { merchant, id: "cup", now: press.clock.now() }));
  await press.pass(70_000, 1_000);
  assertEquals((await press.told()).slice(2), ["30018 cup 0", "5 30018:m:cup"]);
});

Deno.test("what was never published needs no deletion", async () => {
  await using database = await freshDatabase();
  const [press, shop] = await Press.open(database);
  await shop.stall();
  await shop.product();
  const { merchant } = press;
  await database.transaction((tx) => deleteStall(tx, { merchant, id: "tea", now: press.clock.now() }));
  await press.pass(5_000, 1_000);
  assertEquals(await press.told(), []);
  assertEquals(await database.kysely.selectFrom("jobs").selectAll().execute(), []);
});

onEachDatabase("two processes that publish one product at once make one version", async (database) => {
  const [press, shop] = await Press.open(database);
  await shop.stall();
  await shop.product();
  const run = (id: number) =>
    press.handlers["catalog.publish"]!.run({
      id,
      kind: "catalog.publish",
      payload: { merchant: press.merchant, kind: 30018, d: "cup" },
      attempt: 1,
      signal: new AbortController().signal,
      complete: () => Promise.resolve(),
    });
  await Promise.all([run(1), run(2), run(3)]);
  await press.pass(3_000, 500);
  assertEquals(await press.told(), ["30017 tea", "30018 cup 5"]);
});

Deno.test("a job that names nothing gives up; one of a key that isn't served here yet doesn't at once", async () => {
  await using database = await freshDatabase();
  const [press] = await Press.open(database);
  for (
    const payload of [{ merchant: "bb".repeat(32), kind: 30018, d: "cup" }, {
      merchant: press.merchant,
      kind: 1,
      d: "",
    }]
  ) {
    await database.kysely.insertInto("jobs").values({
      kind: "catalog.publish",
      payload: JSON.stringify(payload),
      state: "ready",
      run_at: 0,
      attempts: 0,
      max_attempts: 1,
      created_at: 0,
    }).execute();
  }
  await press.run();
  assertEquals(press.dead.length, 1);
});
