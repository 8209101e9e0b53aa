import { assert, assertEquals } from "@std/assert";
import { systemRandom } from "../../src/random.ts";
import { receiptsOf } from "../../src/nostr/outbox.ts";
import { ReadBack } from "../../src/nostr/read_back.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { onEachDatabase } from "../support/databases.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { silentLog } from "../support/log.ts";
import { testPool, until } from "../support/wire.ts";
import { Ahead, alertsIn, merchant, posted, said, signed, states, workerOf } from "./outbox_harness.ts";

const asked = (relay: FakeRelay) => relay.reqs.filter((filters) => filters[0]?.ids).length;

onEachDatabase(
  "a relay that accepts and stores nothing gets a message again, three times, then it counts as lost",
  async (db) => {
    await using liar = await FakeRelay.start({ lies: true });
    await using pool = testPool({ signer: merchant });
    await using _worker = await workerOf(db, pool, new Ahead());
    const event = await signed();
    await said(db, event, [liar.url], { reads: [liar.url] });
    await until(async () => (await states(db, event))[0] === "failed");
    assertEquals(liar.frames, Array(4).fill(JSON.stringify(["EVENT", event])));
    assertEquals((await receiptsOf(db, event.id))[0]!.answer, "accepted but not stored");
    assertEquals((await alertsIn(db)).map((one) => one.kind), ["delivery_failed"]);
  },
);

Deno.test("a relay that stores it the second time is believed then", async () => {
  await using relay = await FakeRelay.start({ lies: true });
  await using db = await freshDatabase();
  await using pool = testPool({ signer: merchant });
  await using _worker = await workerOf(db, pool, new Ahead());
  const event = await signed({ kind: 30018, d: "cup" });
  await posted(db, event, [relay.url]);
  await until(() => relay.frames.length === 1);
  relay.is.lies = false;
  await until(() => relay.frames.length === 2);
  const before = asked(relay);
  await until(() => asked(relay) > before);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assertEquals([await states(db, event), relay.frames.length], [["delivered"], 2]);
});

Deno.test("however many a relay has lost, all of them are sent again", async () => {
  await using relay = await FakeRelay.start({ lies: true });
  await using db = await freshDatabase();
  await using pool = testPool({ signer: merchant });
  const events = await Promise.all([...Array(35)].map(() => signed()));
  for (const event of events) await posted(db, event, [relay.url]);
  // Afterwards: its clock runs fast, and the first would be given up before the last is posted.
  await using _worker = await workerOf(db, pool, new Ahead());
  await until(() => relay.frames.length >= 35);
  relay.is.lies = false;
  await until(() => events.every(({ id }) => relay.events.some((one) => one.id === id)));
});

onEachDatabase("what was accepted shortly before a crash is asked for by the next process", async (db) => {
  await using relay = await FakeRelay.start({ lies: true });
  await using pool = testPool({ signer: merchant });
  const event = await signed({ kind: 30018, d: "cup" });
  {
    await using _first = await workerOf(db, pool);
    await posted(db, event, [relay.url]);
    await until(async () => (await states(db, event))[0] === "delivered");
  }
  relay.is.lies = false;
  await using _second = await workerOf(db, pool, new Ahead());
  await until(() => relay.events.some((one) => one.id === event.id));
});

onEachDatabase("of processes that start together one asks for what was accepted before", async (db) => {
  if (db.dialect === "sqlite") return;
  await using relay = await FakeRelay.start();
  await using pool = testPool({ signer: merchant });
  const event = await signed({ kind: 30018, d: "cup" });
  {
    await using _first = await workerOf(db, pool);
    await posted(db, event, [relay.url]);
    await until(async () => (await states(db, event))[0] === "delivered");
  }
  await using _second = await workerOf(db, pool, new Ahead());
  await using _third = await workerOf(db, pool, new Ahead());
  await until(() => asked(relay) > 0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assertEquals(asked(relay), 1);
});

onEachDatabase(
  "who takes over from a process that is gone asks for what that one's relays accepted",
  async (db) => {
    if (db.dialect === "sqlite") return;
    await using relay = await FakeRelay.start({ lies: true });
    await using pool = testPool({ signer: merchant });
    const event = await signed({ kind: 30018, d: "cup" });
    await using second = await workerOf(db, pool, new Ahead());
    const lease = () =>
      db.kysely.selectFrom("leases").selectAll().where("name", "=", "outbox.recall").execute();
    await until(async () => (await lease()).length === 1);
    {
      await using _gone = await workerOf(db, pool);
      await posted(db, event, [relay.url]);
      await until(async () => (await states(db, event))[0] === "delivered");
      await until(() => second.takeOver().then(() => true));
    }
    relay.is.lies = false;
    await until(() => relay.events.some((one) => one.id === event.id));
  },
);

onEachDatabase("an honest relay is asked once for all it accepted, and then left alone", async (db) => {
  await using relay = await FakeRelay.start();
  await using pool = testPool({ signer: merchant });
  await using _worker = await workerOf(db, pool, new Ahead());
  const events = await Promise.all([...Array(10)].map(() => signed()));
  for (const event of events) await posted(db, event, [relay.url]);
  await until(() => asked(relay) > 0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert(asked(relay) <= 10);
  assertEquals(relay.frames.length, 10);
});

Deno.test("what a relay may rightly not show proves nothing", async () => {
  await using relay = await FakeRelay.start({ lies: true });
  await using closed = await FakeRelay.start({ closed: "restricted: no reading" });
  await using db = await freshDatabase();
  await using pool = testPool({ signer: merchant });
  await using _worker = await workerOf(db, pool, new Ahead());
  // A wrap for somebody else, a deletion, what expires, what was replaced or deleted since, and a relay that can't be asked.
  const wrap = await signed({ kind: 1059 });
  const old = await signed({ kind: 30018, d: "cup" });
  const deletion = await merchant.signEvent({
    kind: 5,
    content: "",
    tags: [["e", "a".repeat(64)]],
    created_at: old.created_at,
  });
  const expiring = await merchant.signEvent({
    kind: 4,
    content: "x",
    tags: [["expiration", String(old.created_at + 3600)]],
    created_at: old.created_at,
  });
  const message = await signed();
  for (const event of [wrap, deletion, expiring]) await posted(db, event, [relay.url]);
  await posted(db, old, [relay.url]);
  await posted(db, message, [closed.url]);
  await until(() => relay.frames.length === 4 && closed.frames.length === 1);
  await posted(db, await signed({ kind: 30018, d: "cup", at: old.created_at + 1 }), []);
  await until(() => asked(relay) >= 1 && asked(closed) >= 1);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assertEquals([relay.frames.length, closed.frames.length], [4, 1]);
});

Deno.test("where a relay shows others' wraps, a missing one is sent again", async () => {
  await using relay = await FakeRelay.start();
  await using db = await freshDatabase();
  await using pool = testPool({ signer: merchant });
  await using _worker = await workerOf(db, pool, new Ahead());
  const [kept, lost] = [await signed({ kind: 1059 }), await signed({ kind: 1059 })];
  await posted(db, kept, [relay.url]);
  await posted(db, lost, [relay.url]);
  await until(() => relay.events.length === 2);
  relay.events = relay.events.filter((event) => event.id !== lost.id);
  await until(() => relay.events.some((event) => event.id === lost.id));
  assertEquals(relay.frames.length, 3);
});

Deno.test("under load a sample is asked for, and no more is kept in mind", async () => {
  await using relay = await FakeRelay.start();
  await using db = await freshDatabase();
  await using pool = testPool({ signer: merchant });
  const clock = new Ahead();
  clock.sleep = (ms, signal) =>
    clock.ms >= ms ? Promise.resolve() : new Promise((resolve) => {
      const timer = setInterval(() => {
        if (clock.ms < ms && !signal?.aborted) return;
        clearInterval(timer);
        resolve();
      }, 5);
    });
  const identity = {
    pubkey: merchant.pubkey,
    signer: merchant,
    pool,
    relays: [],
    dmRelays: [],
    publicRelayUrl: null,
  };
  const readBack = new ReadBack({
    database: db,
    clock,
    random: systemRandom,
    log: silentLog,
    identityOf: () => identity,
  });
  const event = await signed();
  for (let i = 0; i < 10_000; i++) {
    readBack.accepted({
      merchant: merchant.pubkey,
      relay: relay.url,
      event: { ...event, id: i.toString(16).padStart(64, "0") },
    });
  }
  clock.ms = 60_000;
  await until(() => asked(relay) > 0);
  const ids = relay.reqs[0]![0]!.ids!;
  assertEquals(ids.length, 50);
  assert(ids.some((id) => parseInt(id.slice(-8), 16) >= 1_000), "the later ones have their chance");
  await readBack.stop();
});
