import { assert, assertEquals, assertRejects } from "@std/assert";
import { RelayError } from "@nostrify/nostrify";
import { EventStore } from "../../src/nostr/event_store.ts";
import { claimDue } from "../../src/nostr/outbox_claims.ts";
import { outboxBacklog, receiptsOf } from "../../src/nostr/outbox.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { onEachDatabase, onPostgres } from "../support/databases.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { testPool, until } from "../support/wire.ts";
import { Ahead, merchant, now, posted, signed, states, workerOf } from "./outbox_harness.ts";

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
        { purpose: "reply" },
      ),
      true,
    );
    assertEquals(await posted(db, await signed(), ["wss://a.example"], { purpose: "reply" }), false);
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
  await using db = await freshDatabase();
  await using pool = testPool({ signer: merchant, relayOptions: { publishTimeoutMs: 250 } });
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

Deno.test("a refusal without a known word ends after a few tries, a final one at once", async () => {
  await using vague = await FakeRelay.start({ refuse: "just no" });
  const words = ["blocked: not you", "restricted: members", "invalid: created_at", "pow: 28 bits needed"];
  const final = await Promise.all(words.map((refuse) => FakeRelay.start({ refuse })));
  await using db = await freshDatabase();
  await using pool = testPool({ signer: merchant });
  const clock = new Ahead();
  await using _worker = await workerOf(db, pool, clock);
  const event = await signed();
  await posted(db, event, [vague.url, ...final.map((relay) => relay.url)]);
  await until(async () => {
    clock.ms += 1_000;
    return (await states(db, event)).every((state) => state === "failed");
  });
  assertEquals([vague, ...final].map((relay) => relay.frames.length), [4, 1, 1, 1, 1]);
  const answers = new Map((await receiptsOf(db, event.id)).map((r) => [r.relay, r.answer]));
  assertEquals(final.map((relay) => answers.get(relay.url)), words);
  for (const relay of final) await relay.stop();
});

Deno.test("a relay that says rate-limited is left in peace as a whole, each time longer, and then gets everything", async () => {
  await using relay = await FakeRelay.start({ refuse: "rate-limited: 10 a minute" });
  await using db = await freshDatabase();
  await using pool = testPool({ signer: merchant });
  const clock = new Ahead();
  // As long as a receipt takes before it counts as late.
  clock.longestMs = 1_000;
  await using _worker = await workerOf(db, pool, clock);
  const events = await Promise.all([...Array(60)].map(() => signed()));
  for (const event of events) await posted(db, event, [relay.url]);
  await until(async () => (await receiptsOf(db, events[0]!.id))[0]!.attempts === 1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const first = relay.frames.length;
  assert(first <= 16, `${first} of 60 were tried`);
  clock.ms += 6_000;
  await until(() => relay.frames.length > first);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const second = relay.frames.length;
  assert(second <= first + 16, `${second} after the first rest`);
  clock.ms += 6_000;
  await new Promise((resolve) => setTimeout(resolve, 200));
  assertEquals(relay.frames.length, second);
  relay.is.refuse = null;
  await until(async () => {
    clock.ms += 1_000;
    return (await outboxBacklog(db)).pending === 0;
  });
  assertEquals(new Set(relay.events.map((e) => e.id)), new Set(events.map((e) => e.id)));
});

onEachDatabase("a relay's answer may be anything, and is recorded", async (db) => {
  await using relay = await FakeRelay.start({ refuse: "blocked: \u0000\u001b[2J\ud800" });
  await using pool = testPool({ signer: merchant });
  await using _worker = await workerOf(db, pool);
  const event = await signed();
  await posted(db, event, [relay.url]);
  await until(async () => (await states(db, event))[0] === "failed");
  assertEquals((await receiptsOf(db, event.id))[0]!.answer, "blocked:   [2J\ufffd");
});

Deno.test("what waits for a relay goes out as soon as it is connected again", async () => {
  await using relay = await FakeRelay.start({ noOk: true });
  await using db = await freshDatabase();
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
  await using db = await freshDatabase();
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
  await using db = await freshDatabase();
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
  const clock = new Ahead();
  // On PostgreSQL, where others may be at work, a new process doesn't hasten what failed.
  clock.ms = 3_600_000;
  await using _worker = await workerOf(db, pool, clock);
  await until(async () => (await outboxBacklog(db)).pending === 0);
  assertEquals(new Set(relay.events.map((e) => e.id)), new Set(events.map((e) => e.id)));
});

Deno.test("what a relay doesn't answer in time holds up what comes next for a second, and not beyond its room", async () => {
  await using silent = await FakeRelay.start({ noOk: true });
  await using db = await freshDatabase();
  await using pool = testPool({ signer: merchant, relayOptions: { publishTimeoutMs: 60_000 } });
  await using _worker = await workerOf(db, pool);
  const events = await Promise.all([...Array(100)].map(() => signed()));
  for (const event of events) await posted(db, event, [silent.url]);
  await until(() => silent.frames.length === 64);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assertEquals(silent.frames.length, 64);
});

onEachDatabase(
  "what waits for a relay that takes nothing is in no other's way, however much it is",
  async (db) => {
    await using silent = await FakeRelay.start({ noOk: true });
    await using relay = await FakeRelay.start();
    await using pool = testPool({ signer: merchant, relayOptions: { publishTimeoutMs: 60_000 } });
    const events = await Promise.all([...Array(300)].map(() => signed()));
    for (const event of events) await posted(db, event, [silent.url]);
    const last = await signed();
    await posted(db, last, [silent.url, relay.url]);
    const claims = async (busy: string[]) =>
      (await claimDue(db, { now: Date.now(), limit: 200, perLane: 32, leaseMs: 1, busy, held: new Set() }))
        .map((item) => item.relay);
    assertEquals(await claims([`${merchant.pubkey} ${silent.url}`]), [relay.url]);
    const both = await claims([]);
    assertEquals([both.length, both.filter((url) => url === relay.url).length], [33, 1]);
    await using _worker = await workerOf(db, pool);
    await until(() => relay.events.some(({ id }) => id === last.id));
  },
);

onPostgres("a worker that stops gives back what it didn't send: another has it at once", async (shared) => {
  await using silent = await FakeRelay.start({ noOk: true });
  const [one, two] = [await shared.open(), await shared.open()];
  await using pool = testPool({ signer: merchant, relayOptions: { publishTimeoutMs: 60_000 } });
  const first = await workerOf(one, pool);
  const events = await Promise.all([...Array(60)].map(() => signed()));
  await Promise.all(events.map((event) => posted(one, event, [silent.url])));
  await until(() => silent.frames.length >= 16);
  await first.stop();
  silent.is.noOk = false;
  await using other = testPool({ signer: merchant });
  await using _second = await workerOf(two, other);
  await until(async () => (await outboxBacklog(two)).pending === 0);
  assertEquals(new Set(silent.events.map((event) => event.id)), new Set(events.map((event) => event.id)));
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
