import { assert, assertEquals } from "@std/assert";
import { finalizeEvent } from "nostr-tools/pure";
import type { NostrEvent } from "@nostrify/types";
import { orderStory } from "../../src/reports/order_story.ts";
import { SAID_AGAIN } from "../../src/nostr/said_again.ts";
import { requestIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { keyPair } from "../support/keys.ts";
import { ExampleGuard, named } from "../support/open_guard.ts";
import { Shop, type ShopOptions } from "../support/shop.ts";
import { testPool, until } from "../support/wire.ts";

/** A list of relays that Alice has published. */
function listOf(kind: number, tags: string[][]): NostrEvent {
  const event = finalizeEvent(
    { kind, content: "", tags, created_at: 1_760_000_000 },
    keyPair("alice").secretKey,
  );
  return JSON.parse(JSON.stringify(event));
}

/** A shop at real relays, and a pool that ends after it. */
async function shopAt(relays: FakeRelay[], o: ShopOptions = {}) {
  const guard = new ExampleGuard();
  const urls = relays.map((relay) => relay.url);
  const pool = testPool({ trusted: urls, guard, relayOptions: { publishTimeoutMs: 1_000 } });
  const shop = await Shop.open({ relays: urls, pool, guard, ...o });
  return Object.assign(shop, {
    guard,
    story: async () =>
      (await orderStory(shop.database.kysely, await shop.order())).map((entry) => entry.text),
    [Symbol.asyncDispose]: async () => {
      await Shop.prototype[Symbol.asyncDispose].call(shop);
      await pool[Symbol.asyncDispose]();
    },
  });
}

const nothingPending = (shop: Shop) => async () =>
  (await shop.database.kysely.selectFrom("outbox").select("relay").where("state", "=", "pending").execute())
    .length === 0;

onEachDatabase(
  "a customer who reads a relay that isn't ours gets the payment request there, and the timeline says so",
  async (db) => {
    await using ours = await FakeRelay.start();
    await using theirs = await FakeRelay.start();
    await using stranger = await FakeRelay.start();
    const inbox = named(theirs.url, "inbox.alice.example");
    const hostile = [
      stranger.url,
      stranger.url.replace("ws:", "wss:"),
      "wss://localhost:8787/relay",
      "wss://[::1]",
    ];
    ours.events.push(listOf(10050, [...hostile, inbox].map((url) => ["relay", url])));
    await using shop = await shopAt([ours], { database: db });
    const alice = shop.customer("alice", "nip17");
    requestIn(await alice.orders({}, { relay: ours.url }));
    await until(() => theirs.events.length > 0);
    await until(nothingPending(shop));
    // The wrap for Alice, not our own copy.
    assertEquals(theirs.events.map((event) => [event.kind, event.tags]), [[1059, [["p", alice.pubkey]]]]);
    assertEquals(stranger.connections, 0);
    assertEquals(await shop.story(), [
      `The customer's order came in a gift wrap (NIP-17), first by ${ours.url}.`,
      ...await shop.timeline(await shop.order()),
      `Payment request delivered: accepted by ${
        [`${ours.url} (the customer reads it)`, `${inbox} (the customer reads it)`].sort().join(" and ")
      }.`,
    ]);
    // From now on at once, without another look-up.
    const asked = ours.reqs.length;
    await shop.happens(await shop.order(), { type: "merchantCancelled", reason: "closed" });
    await until(() => theirs.events.length === 2);
    assertEquals(ours.reqs.slice(asked).filter(([filter]) => filter?.kinds?.includes(10050)), []);
  },
);

Deno.test("the first answer doesn't wait for a look-up that nobody answers", async () => {
  await using ours = await FakeRelay.start({ noEose: true });
  await using shop = await shopAt([ours]);
  const alice = shop.customer("alice");
  await alice.writes({ type: 0, id: "1", items: [{ product_id: "cup", quantity: 1 }], address: "here" }, {
    relay: ours.url,
  });
  await until(() => ours.events.some((event) => event.kind === 4));
  const jobs = await shop.database.kysely.selectFrom("jobs").select("kind").execute();
  assertEquals(jobs.map((job) => job.kind).includes("recipient.look_up"), true);
});

Deno.test("partial delivery: each relay's answer stands in the timeline, and one accepting relay is enough", async () => {
  await using good = await FakeRelay.start();
  await using limited = await FakeRelay.start({ refuse: "rate-limited: slow down" });
  await using blocked = await FakeRelay.start({ refuse: "blocked: not you" });
  await using work = await FakeRelay.start({ refuse: "pow: 28 bits needed" });
  await using members = await FakeRelay.start({ refuse: "restricted: members only" });
  await using locked = await FakeRelay.start({ auth: true });
  await using dead = await FakeRelay.start();
  await dead.stop();
  const all = [good, limited, blocked, work, members, locked, dead];
  await using shop = await shopAt(all);
  requestIn(await shop.customer("alice").orders({}, { relay: good.url }));
  const entry = async () => {
    const story = await orderStory(shop.database.kysely, await shop.order());
    return story.find((one) => one.event === "delivery")!;
  };
  await until(async () =>
    (await entry()).delivery!.relays.every((row) => row.attempts > 0 || row.relay === dead.url)
  );
  const { text, delivery } = await entry();
  const state = (relay: FakeRelay) => delivery!.relays.find((row) => row.relay === relay.url)!.state;
  assertEquals(delivery!.state, "delivered");
  assertEquals(all.map(state), [
    "delivered",
    "pending",
    "failed",
    "failed",
    "failed",
    "delivered",
    "pending",
  ]);
  assert(text.startsWith("Payment request delivered to 2 of 7 relays: accepted by "), text);
  for (
    const part of [
      `${good.url} (the customer reads it)`,
      `${limited.url} hasn't taken it (rate-limited: slow down), tried again at 2026-01-01 00:00:05 UTC`,
      `${blocked.url} refused it (blocked: not you)`,
      `${work.url} wants proof of work, which a signed message can't be given later (pow: 28 bits needed)`,
      `${members.url} refused it (restricted: members only)`,
    ]
  ) assert(text.includes(part), `${part} in: ${text}`);
});

for (const envelope of ["nip04", "nip17"] as const) {
  onEachDatabase(
    `who asks again while no relay can be reached gets one answer when it is back, by ${envelope}`,
    async (db) => {
      await using relay = await FakeRelay.start();
      await relay.stop();
      await using shop = await shopAt([relay], { database: db });
      const alice = shop.customer(envelope, envelope);
      const rows = () =>
        shop.database.kysely.selectFrom("outbox").selectAll().where("relay", "=", relay.url).execute();
      const copies = envelope === "nip04" ? 1 : 2;
      const order = { type: 0, id: envelope, items: [{ product_id: "cup", quantity: 1 }], address: "here" };
      for (let times = 1; times <= 3; times++) {
        await shop.clock.advance(1_000);
        await alice.writes(order, { relay: relay.url });
        await until(async () => {
          const all = await rows();
          const tried = all.filter(({ state, attempts }) => state === "pending" && attempts === 1).length;
          return all.length === times * copies && tried === copies;
        });
      }
      assertEquals((await rows()).filter(({ answer }) => answer === SAID_AGAIN).length, 2 * copies);
      const told = (await shop.story()).filter((text) => text.startsWith("Payment request not"));
      assertEquals(told.length, 1, told.join("\n"));
      await relay.start();
      await until(async () => {
        await shop.clock.advance(1_000);
        return (await rows()).every(({ state }) => state !== "pending");
      });
      const messages = relay.events.filter(({ kind }) => kind === 4 || kind === 1059);
      assertEquals(messages.length, copies);
    },
  );
}

onEachDatabase(
  "a process that dies between answer and look-up: the next one brings it to the customer",
  async (db) => {
    await using ours = await FakeRelay.start({ noEose: true });
    await using theirs = await FakeRelay.start();
    {
      await using shop = await shopAt([ours], { database: db });
      await shop.customer("alice").writes({
        type: 0,
        id: "1",
        items: [{ product_id: "cup", quantity: 1 }],
        address: "here",
      });
      await until(() => ours.events.some((event) => event.kind === 4));
    }
    ours.is.noEose = false;
    ours.events.push(listOf(10002, [["r", named(theirs.url)], ["r", "wss://write.alice.example", "write"]]));
    const guard = new ExampleGuard();
    await using pool = testPool({ trusted: [ours.url], guard });
    await using shop = await Shop.process({ database: db, relays: [ours.url], pool, guard });
    await until(async () => {
      // What the first process had claimed is free when its lease ends.
      await shop.clock.advance(10_000);
      return theirs.events.length === 1;
    });
    assertEquals(theirs.events[0]!.kind, 4);
  },
);

Deno.test("a refusal is called one, and what came by the built-in relay is delivered by being stored", async () => {
  await using shop = await Shop.open();
  await shop.customer().orders({ items: [{ product_id: "moon", quantity: 1 }] });
  const [first, ...rest] = await orderStory(shop.database.kysely, await shop.order());
  assertEquals(
    first!.text,
    "The customer's order came as an encrypted message (NIP-04), first by our own relay.",
  );
  assertEquals(rest.at(-1)!.text, "Refusal delivered: accepted by our own relay (the customer reads it).");
});
