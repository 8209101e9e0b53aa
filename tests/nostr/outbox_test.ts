import { assertEquals, assertRejects } from "@std/assert";
import { RelayError } from "@nostrify/nostrify";
import type { NostrEvent } from "@nostrify/types";
import { type Clock, seconds, systemClock } from "../../src/clock.ts";
import type { Database } from "../../src/db/database.ts";
import { EventStore } from "../../src/nostr/event_store.ts";
import type { IdentityOf } from "../../src/nostr/identity.ts";
import { outboxBacklog, OutboxWorker, post, receiptsOf } from "../../src/nostr/outbox.ts";
import type { RelayPool } from "../../src/nostr/relay_pool.ts";
import { systemRandom } from "../../src/random.ts";
import { memoryDatabase } from "../support/database.ts";
import { onEachDatabase, onPostgres } from "../support/databases.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { silentLog } from "../support/log.ts";
import { testPool, testSigner, until } from "../support/wire.ts";

const merchant = testSigner();
const now = seconds(systemClock.now());
let made = 0;

function signed(o: { kind?: number; d?: string; at?: number; content?: string } = {}): Promise<NostrEvent> {
  return merchant.signEvent({
    kind: o.kind ?? 4,
    content: o.content ?? `message ${made++}`,
    tags: o.d === undefined ? [["p", "c".repeat(64)]] : [["d", o.d]],
    created_at: o.at ?? now,
  });
}

const posted = (db: Database, event: NostrEvent, relays: string[], purpose = event.id) =>
  db.transaction((tx) => post(tx, { merchant: merchant.pubkey, purpose, event, relays }, systemClock.now()));

/** The machine's time; a test moves it forward to reach the next step of the ladder. */
class Ahead implements Clock {
  ms = 0;
  now = () => systemClock.now() + this.ms;
  sleep = (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 20), signal);
}

async function workerOf(db: Database, pool: RelayPool, clock: Clock = systemClock) {
  const identity = {
    pubkey: merchant.pubkey,
    signer: merchant,
    pool,
    relays: [],
    dmRelays: [],
    publicRelayUrl: null,
  };
  const identityOf: IdentityOf = (pubkey) => pubkey === merchant.pubkey ? identity : undefined;
  const worker = new OutboxWorker({ database: db, clock, random: systemRandom, log: silentLog, identityOf });
  await worker.start();
  return Object.assign(worker, { [Symbol.asyncDispose]: () => worker.stop() });
}

const states = async (db: Database, event: NostrEvent) =>
  (await receiptsOf(db, event.id)).map((r) => r.state);

onEachDatabase(
  "post() stores, queues for each relay once, and does nothing for a purpose that was posted",
  async (db) => {
    const woken: string[] = [];
    const ends = [
      db.listen("event", (ids) => woken.push(...ids)),
      db.listen("outbox", () => woken.push("outbox")),
    ];
    const event = await signed();
    assertEquals(
      await posted(
        db,
        event,
        ["wss://a.example/", "wss://A.example", "wss://b.example", "nonsense"],
        "reply",
      ),
      true,
    );
    assertEquals(await posted(db, await signed(), ["wss://a.example"], "reply"), false);
    assertEquals((await receiptsOf(db, event.id)).map((r) => [r.relay, r.state]), [
      ["nonsense", "failed"],
      ["wss://a.example", "pending"],
      ["wss://b.example", "pending"],
    ]);
    assertEquals(await new EventStore(db.kysely).query([{ kinds: [4] }]), [event]);
    await until(() => woken.length === 2);
    assertEquals(woken.sort(), [event.id, "outbox"].sort());
    assertEquals((await outboxBacklog(db)).pending, 2);
    for (const end of ends) end();
  },
);

onEachDatabase("post() of a deleted event changes nothing", async (db) => {
  const event = await signed();
  const deletion = await merchant.signEvent({
    kind: 5,
    content: "",
    tags: [["e", event.id]],
    created_at: now,
  });
  await posted(db, deletion, []);
  await assertRejects(() => posted(db, event, ["wss://a.example"]), RelayError);
  assertEquals(await receiptsOf(db, event.id), []);
});

onEachDatabase("a newer version of an address ends what waits for the same relays", async (db) => {
  const [a, b] = ["wss://a.example", "wss://b.example"];
  const first = await signed({ kind: 30018, d: "mug", at: now });
  const other = await signed({ kind: 30018, d: "cup", at: now });
  const second = await signed({ kind: 30018, d: "mug", at: now + 1 });
  const profile = await signed({ kind: 0, at: now });
  const newProfile = await signed({ kind: 0, at: now + 1 });
  await posted(db, first, [a, b]);
  await posted(db, other, [a]);
  await posted(db, second, [a]);
  await posted(db, profile, [a]);
  await posted(db, newProfile, [a]);
  assertEquals(await states(db, first), ["failed", "pending"]);
  assertEquals(await states(db, other), ["pending"]);
  assertEquals(await states(db, second), ["pending"]);
  assertEquals([await states(db, profile), await states(db, newProfile)], [["failed"], ["pending"]]);
});

onEachDatabase("each relay's receipt is recorded, and a dead one holds up no other", async (db) => {
  await using good = await FakeRelay.start();
  await using busy = await FakeRelay.start({ refuse: "rate-limited: slow down" });
  await using known = await FakeRelay.start();
  await using dead = await FakeRelay.start();
  await dead.stop();
  await using pool = testPool({ signer: merchant, relayOptions: { publishTimeoutMs: 500 } });
  await using _worker = await workerOf(db, pool);
  const events = await Promise.all([...Array(40)].map(() => signed()));
  known.events.push(...events);
  for (const event of events) await posted(db, event, [good.url, busy.url, known.url, dead.url]);
  await until(() => events.every((event) => good.events.some((e) => e.id === event.id)));
  await until(async () => (await receiptsOf(db, events[0]!.id)).every((r) => r.attempts === 1));
  const receipts = new Map((await receiptsOf(db, events[0]!.id)).map((r) => [r.relay, r]));
  assertEquals(receipts.get(good.url)!.state, "delivered");
  assertEquals([receipts.get(known.url)!.state, receipts.get(known.url)!.answer], [
    "delivered",
    "duplicate: have it",
  ]);
  assertEquals([receipts.get(busy.url)!.state, receipts.get(busy.url)!.answer], [
    "pending",
    "rate-limited: slow down",
  ]);
  assertEquals(receipts.get(dead.url)!.state, "pending");
});

Deno.test("a later try sends the same bytes", async () => {
  await using relay = await FakeRelay.start({ noOk: true });
  await using db = await memoryDatabase();
  await using pool = testPool({ signer: merchant, relayOptions: { publishTimeoutMs: 50 } });
  const clock = new Ahead();
  await using _worker = await workerOf(db, pool, clock);
  const event = await signed({ content: 'quotes " and \u2028 and ü' });
  await posted(db, event, [relay.url]);
  await until(async () => (await receiptsOf(db, event.id))[0]!.attempts === 1);
  clock.ms += 6_000;
  await until(async () => (await receiptsOf(db, event.id))[0]!.attempts === 2);
  relay.is.noOk = false;
  clock.ms += 34_000;
  await until(async () => (await states(db, event))[0] === "delivered");
  assertEquals(relay.frames, Array(3).fill(JSON.stringify(["EVENT", event])));
});

Deno.test("a refusal ends after a few tries", async () => {
  await using relay = await FakeRelay.start({ refuse: "blocked: not you" });
  await using db = await memoryDatabase();
  await using pool = testPool({ signer: merchant });
  const clock = new Ahead();
  await using _worker = await workerOf(db, pool, clock);
  const event = await signed();
  await posted(db, event, [relay.url]);
  await until(async () => {
    clock.ms += 1_000;
    return (await states(db, event))[0] === "failed";
  });
  assertEquals(relay.frames.length, 4);
});

Deno.test("what waits for a relay goes out as soon as it is connected again", async () => {
  await using relay = await FakeRelay.start({ noOk: true });
  await using db = await memoryDatabase();
  await using pool = testPool({ signer: merchant, relayOptions: { publishTimeoutMs: 100 } });
  await using _worker = await workerOf(db, pool);
  const event = await signed();
  await posted(db, event, [relay.url]);
  await until(async () => (await receiptsOf(db, event.id))[0]!.attempts === 1);
  relay.is.noOk = false;
  relay.drop();
  await until(() => pool.status()[0]!.state !== "connected");
  await pool.link(relay.url).query([{ kinds: [1] }]);
  await until(async () => (await states(db, event))[0] === "delivered", 4_500);
});

onEachDatabase("AUTH is done for an event that needs it", async (db) => {
  await using relay = await FakeRelay.start({ auth: true });
  await using pool = testPool({ signer: merchant });
  await using _worker = await workerOf(db, pool);
  const event = await signed();
  await posted(db, event, [relay.url]);
  await until(async () => (await states(db, event))[0] === "delivered");
  assertEquals(relay.auths, [merchant.pubkey]);
});

Deno.test("stop() doesn't count what it cuts off as a try", async () => {
  await using relay = await FakeRelay.start({ noOk: true });
  await using db = await memoryDatabase();
  await using pool = testPool({ signer: merchant, relayOptions: { publishTimeoutMs: 60_000 } });
  const worker = await workerOf(db, pool, new Ahead());
  const event = await signed();
  await posted(db, event, [relay.url]);
  await until(() => relay.frames.length === 1);
  await worker.stop();
  assertEquals((await receiptsOf(db, event.id)).map((r) => [r.state, r.attempts]), [["pending", 0]]);
});

Deno.test("workers that are stopped again and again lose nothing", async () => {
  await using relay = await FakeRelay.start();
  await using db = await memoryDatabase();
  const events = await Promise.all([...Array(120)].map(() => signed()));
  for (const event of events.slice(0, 60)) await posted(db, event, [relay.url]);
  for (let round = 0; round < 4; round++) {
    // Without its pool, what the worker has under way is lost, as in a crash.
    const pool = testPool({ signer: merchant });
    const worker = await workerOf(db, pool);
    for (const event of events.slice(60 + round * 15, 75 + round * 15)) await posted(db, event, [relay.url]);
    await until(() => relay.frames.length > round * 5);
    await pool[Symbol.asyncDispose]();
    await worker.stop();
  }
  await using pool = testPool({ signer: merchant });
  await using _worker = await workerOf(db, pool);
  await until(async () => (await outboxBacklog(db)).pending === 0);
  assertEquals(new Set(relay.events.map((e) => e.id)), new Set(events.map((e) => e.id)));
});

onPostgres("two processes share the work, and each event is sent once", async (shared) => {
  await using relay = await FakeRelay.start();
  const [one, two] = [await shared.open(), await shared.open()];
  await using poolOne = testPool({ signer: merchant });
  await using poolTwo = testPool({ signer: merchant });
  await using _first = await workerOf(one, poolOne);
  await using _second = await workerOf(two, poolTwo);
  const events = await Promise.all([...Array(100)].map(() => signed()));
  await Promise.all(events.map((event) => posted(one, event, [relay.url])));
  await until(async () => (await outboxBacklog(one)).pending === 0, 10_000);
  assertEquals(relay.frames.length, 100);
});
