import { assert, assertEquals } from "@std/assert";
import { seconds } from "../../src/clock.ts";
import { arrive, readCursor } from "../../src/nostr/arrivals.ts";
import type { Admission } from "../../src/nostr/intake.ts";
import { pureCrypto, type Verifier } from "../../src/nostr/verify.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { onEachDatabase } from "../support/databases.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { testPool, until } from "../support/wire.ts";
import {
  believing,
  caughtUp,
  count,
  inbox,
  intakeOf,
  merchant,
  message,
  now,
  unsigned,
} from "./intake_harness.ts";

onEachDatabase(
  "stored and live events become inbox rows, raw, with the relay that brought them",
  async (db) => {
    await using relay = await FakeRelay.start();
    const stored = message({ text: "stored" });
    // The order in it may be 48 h old and its wrap dated back by as much again (NIP-59).
    const wrap = message({ kind: 1059, text: "wrap", at: now - 95 * 3_600 });
    relay.events.push(stored, wrap, message({ at: now - 3 * 86_400, text: "too old" }));
    await using pool = testPool({ signer: merchant });
    await using intake = await intakeOf(db, pool, [relay]);
    await caughtUp(intake);
    const live = message({ text: "live" });
    relay.publish(live);
    await until(async () => await count(db) === 3);
    const rows = await inbox(db);
    assertEquals(rows.map((r) => r.event_id).sort(), [stored.id, wrap.id, live.id].sort());
    assertEquals(JSON.parse(rows[2]!.event), live);
    assertEquals([rows[2]!.merchant, rows[2]!.relay, rows[2]!.kind, rows[2]!.author, rows[2]!.state], [
      merchant.pubkey,
      relay.url,
      4,
      live.pubkey,
      "new",
    ]);
    await until(() => intake.status().received === 3);
  },
);

Deno.test("a subscription survives drops, CLOSED, binary frames and AUTH, twice in a row", async () => {
  await using relay = await FakeRelay.start({ auth: true });
  await using db = await freshDatabase();
  await using pool = testPool({ signer: merchant });
  await using intake = await intakeOf(db, pool, [relay]);
  let expected = 0;
  const hurts = [
    () => relay.drop(),
    () => relay.binary(),
    () => relay.closeSubscriptions("error: shutting down"),
  ];
  for (const hurt of [...hurts, ...hurts]) {
    await caughtUp(intake);
    relay.publish(message());
    await until(async () => await count(db) === expected + 1);
    const restarts = intake.status().relays[0]!.restarts;
    hurt();
    relay.events.push(message());
    await until(() => intake.status().relays[0]!.restarts > restarts);
    await until(async () => await count(db) === expected + 2);
    expected += 2;
  }
  assert(relay.auths.length >= 7, "authenticates again on each connection");
});

Deno.test("silence after connecting is not trusted", async () => {
  await using relay = await FakeRelay.start({ noEose: true });
  await using db = await freshDatabase();
  await using pool = testPool({ relayOptions: { silenceMs: 60 } });
  await using intake = await intakeOf(db, pool, [relay]);
  await until(() => relay.connections >= 3);
  relay.is.noEose = false;
  await caughtUp(intake);
});

Deno.test("a relay that is dead at the start is read when it appears", async () => {
  await using relay = await FakeRelay.start();
  await relay.stop();
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay]);
  await until(() => pool.status()[0]!.error !== null);
  relay.events.push(message());
  await relay.start();
  await until(async () => await count(db) === 1);
  assertEquals(intake.status().relays[0]!.connected, true);
});

Deno.test("1,200 missed events come in pages of what the relay gives", async () => {
  await using relay = await FakeRelay.start({ limit: 100 });
  for (let i = 0; i < 1_200; i++) relay.events.push(unsigned(i, now - Math.floor(i / 7), i % 2 ? 4 : 1059));
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay], { verifier: believing });
  await until(async () => await count(db) === 1_200);
  await caughtUp(intake);
  assertEquals(intake.status().relays[0]!.hidden, 0);
});

Deno.test("more events in one second than the relay gives are reported as hidden", async () => {
  await using relay = await FakeRelay.start({ limit: 20 });
  for (let i = 0; i < 30; i++) relay.events.push(unsigned(i, now - 50));
  relay.events.push(unsigned(30, now - 60));
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay], { verifier: believing });
  await caughtUp(intake);
  await until(async () => await count(db) === 21);
  assertEquals(intake.status().relays[0]!.hidden, 1);
});

Deno.test("a forged copy doesn't hide the real event, before it or beside it", async () => {
  await using relay = await FakeRelay.start();
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay]);
  await caughtUp(intake);
  const real = message({ text: "real" });
  relay.publish({ ...real, sig: "0".repeat(128) });
  relay.publish({ ...real, content: "forged" });
  await until(() => intake.status().invalid === 2);
  const beside = message({ text: "beside" });
  relay.publish(real);
  relay.publish({ ...beside, content: "forged" });
  relay.publish(beside);
  await until(async () => await count(db) === 2);
  assertEquals((await inbox(db)).map((r) => JSON.parse(r.event).content), ["real", "beside"]);
  assertEquals(intake.status().invalid, 3);
});

Deno.test("an event that several relays have is verified and stored once", async () => {
  await using one = await FakeRelay.start({ twice: true });
  await using two = await FakeRelay.start();
  let verified = 0;
  const counting: Verifier = { verify: (event) => (verified++, pureCrypto.verify(event)) };
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [one, two], { verifier: counting });
  await caughtUp(intake);
  const event = message();
  one.publish(event);
  await until(async () => await count(db) === 1);
  two.publish(event);
  await until(() => intake.status().duplicates === 2);
  assertEquals([verified, await count(db)], [1, 1]);
});

Deno.test("what is refused isn't stored, and is counted by reason", async () => {
  await using relay = await FakeRelay.start();
  relay.events.push(message(), message(), message({ text: "fine" }));
  await using db = await freshDatabase();
  await using pool = testPool();
  const admission: Admission = {
    admit: (event) =>
      Promise.resolve(event.content === "fine" ? { ok: true } : { ok: false, reason: "banned" }),
  };
  await using intake = await intakeOf(db, pool, [relay], { admission });
  await until(() => intake.status().refused["banned"] === 2);
  await until(async () => await count(db) === 1);
});

Deno.test("the cursor moves only in the transaction that stores the events", async () => {
  await using relay = await FakeRelay.start();
  relay.events.push(message());
  await using db = await freshDatabase();
  await using pool = testPool();
  let broken = true;
  let tried = 0;
  const receive: typeof arrive = async (tx, arrivals, at) => {
    tried++;
    const added = await arrive(tx, arrivals, at);
    if (broken) throw new Error("disk full");
    return added;
  };
  await using intake = await intakeOf(db, pool, [relay], { receive });
  await until(() => tried >= 1);
  assertEquals(await count(db), 0);
  assertEquals(await readCursor(db, merchant.pubkey, relay.url), null);
  broken = false;
  await until(async () => await readCursor(db, merchant.pubkey, relay.url) !== null);
  assertEquals(await count(db), 1);
  const before = await readCursor(db, merchant.pubkey, relay.url);
  await caughtUp(intake);
  await new Promise((resolve) => setTimeout(resolve, 5));
  relay.publish(message());
  await until(async () => await count(db) === 2);
  assert((await readCursor(db, merchant.pubkey, relay.url))! > before!);
});

Deno.test("stop() ends at once while the database refuses, and while a relay is dead", async () => {
  await using relay = await FakeRelay.start();
  relay.events.push(message());
  await using db = await freshDatabase();
  await using pool = testPool();
  let tried = 0;
  const receive = () => (tried++, Promise.reject(new Error("disk full")));
  const intake = await intakeOf(db, pool, [relay], { receive });
  await until(() => tried > 0);
  await relay.stop();
  await intake.stop();
  assertEquals(await count(db), 0);
});

Deno.test("after a stop, what came meanwhile is found from the cursor, 3 days back", async () => {
  await using relay = await FakeRelay.start();
  await using db = await freshDatabase();
  await using pool = testPool();
  const first = await intakeOf(db, pool, [relay]);
  await until(async () => await readCursor(db, merchant.pubkey, relay.url) !== null);
  await first.stop();
  const cursor = seconds((await readCursor(db, merchant.pubkey, relay.url))!);
  relay.events.push(message({ at: now - 71 * 3_600 }));
  await using _intake = await intakeOf(db, pool, [relay]);
  await until(async () => await count(db) === 1);
  assertEquals(relay.reqs.at(-1)!.every((f) => f.since === cursor - 3 * 86_400), true);
});

Deno.test("a full queue ends the live subscription, and nothing is lost", async () => {
  await using relay = await FakeRelay.start();
  await using db = await freshDatabase();
  await using pool = testPool();
  const gate = Promise.withResolvers<void>();
  const slow: Admission = {
    admit: async () => {
      await gate.promise;
      return { ok: true };
    },
  };
  await using intake = await intakeOf(db, pool, [relay], {
    verifier: believing,
    admission: slow,
    queue: { maxEntries: 50, maxWeight: 1e6 },
  });
  await caughtUp(intake);
  // Until the catch-up's cursor is stored the gate isn't what holds the queue up.
  await until(async () => await readCursor(db, merchant.pubkey, relay.url) !== null);
  // Not the file's own time: what is older than the subscription asks for wouldn't come live.
  const at = Math.floor(Date.now() / 1000);
  for (let i = 0; i < 400; i++) relay.publish(unsigned(i, at));
  try {
    await until(() => relay.subscriptions.length === 0);
    assert(intake.status().queued <= 51, `bounded, and has ${intake.status().queued}`);
    assertEquals(intake.status().relays[0]!.connected, false);
  } finally {
    gate.resolve();
  }
  await until(async () => await count(db) === 400);
  await caughtUp(intake);
});

Deno.test("catchUpAgain() brings back what was shed from the inbox since, without a new connection", async () => {
  await using relay = await FakeRelay.start();
  relay.events.push(message({ text: "stored" }));
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay]);
  await caughtUp(intake);
  relay.publish(message({ text: "live" }));
  await until(async () => await count(db) === 2);
  await db.kysely.deleteFrom("inbox").execute();
  intake.catchUpAgain();
  await until(async () => await count(db) === 2);
  await caughtUp(intake);
  assertEquals([relay.connections, intake.status().relays[0]!.error], [1, null]);
});
