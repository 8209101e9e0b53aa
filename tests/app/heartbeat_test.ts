import { assertEquals } from "@std/assert";
import { Heartbeat } from "../../src/app/heartbeat.ts";
import { beat, bury } from "../../src/app/heartbeat_store.ts";
import type { Database } from "../../src/db/database.ts";
import { claim } from "../../src/jobs/claims_store.ts";
import { Lease } from "../../src/jobs/lease.ts";
import { claimDue } from "../../src/nostr/outbox_claims.ts";
import { posted, signed } from "../nostr/outbox_harness.ts";
import { memoryDatabase } from "../support/database.ts";
import { onPostgres } from "../support/databases.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { add } from "../support/jobs.ts";
import { recordingLog, silentLog } from "../support/log.ts";

const MINUTE_MS = 60_000;

/** A process that lives as long as its clock goes. */
function processOn(database: Database, clock: FakeClock, holder: string) {
  const taken = { over: 0 };
  const { log, lines } = recordingLog();
  const heartbeat = new Heartbeat({
    database,
    clock,
    log,
    holder,
    onTakenOver: () => Promise.resolve(void taken.over++),
  });
  return { heartbeat, taken, lines };
}

/** What a process reserves for itself. Each answers whether this one gets it now. */
function reserving(database: Database, clock: FakeClock, holder: string) {
  const now = () => clock.now();
  return {
    lease: () =>
      new Lease({ database, clock, log: silentLog, name: "inbox", holder, ttlMs: MINUTE_MS }).acquire(),
    job: async () => {
      const wanted = [{ kind: "work", merchant: "", limit: 1, leaseMs: MINUTE_MS }];
      return (await database.transaction((tx) => claim(tx, wanted, holder, now()))).length === 1;
    },
    event: async () =>
      (await claimDue(database, {
        now: now(),
        limit: 10,
        perLane: 10,
        leaseMs: MINUTE_MS,
        busy: [],
        held: new Set(),
      })).length === 1,
  };
}

/** Seconds pass, and all who wait for them have done what they do then. */
async function passes(clock: FakeClock, seconds: number, living: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    await clock.advance(1_000);
    await clock.asleep(living);
  }
}

onPostgres(
  "a process that was killed: after five seconds of silence all that it had reserved is another's, and one of them is told",
  async (shared) => {
    const database = await shared.open();
    // The killed one's stands still.
    const [clock, stopped] = [new FakeClock(), new FakeClock()];
    const killed = processOn(database, stopped, "killed");
    const living = ["first", "second"].map((name) => processOn(database, clock, name));
    for (const { heartbeat } of [killed, ...living]) await heartbeat.start();
    await stopped.asleep(1);
    await clock.asleep(2);

    await add(database, clock, {});
    await posted(database, await signed(), ["wss://relay.example"], { at: clock.now() });
    await openInvoice(database, clock.now() + MINUTE_MS);
    const its = reserving(database, stopped, "killed");
    assertEquals([await its.lease(), await its.job(), await its.event()], [true, true, true]);
    const mine = reserving(database, clock, "first");
    const tries = async () => [await mine.lease(), await mine.job(), await mine.event()];

    await passes(clock, 4, 2);
    assertEquals(await tries(), [false, false, false]);
    await passes(clock, 3, 2);
    assertEquals(await tries(), [true, true, true]);
    const [invoice] = await database.kysely.selectFrom("invoices").select("next_lookup_at").execute();
    assertEquals(invoice!.next_lookup_at! <= clock.now(), true);
    assertEquals(living.map(({ taken }) => taken.over).sort(), [0, 1]);
    const told = living.flatMap(({ lines }) => lines).filter(({ event }) => event === "heartbeat.taken_over");
    assertEquals(told.map(({ fields }) => fields.process), ["killed"]);
    assertEquals(await alive(database), ["first", "second"]);

    await passes(clock, 20, 2);
    assertEquals(await alive(database), ["first", "second"]);
    for (const { heartbeat } of [killed, ...living]) await heartbeat.stop();
    assertEquals(await alive(database), []);
  },
);

onPostgres("a process that stalled and is buried lives again as soon as it goes on", async (shared) => {
  const database = await shared.open();
  const [clock, slow] = [new FakeClock(), new FakeClock()];
  const [stalled, other] = [processOn(database, slow, "stalled"), processOn(database, clock, "other")];
  for (const { heartbeat } of [stalled, other]) await heartbeat.start();
  await Promise.all([slow.asleep(1), clock.asleep(1)]);
  await passes(clock, 10, 1);
  assertEquals([other.taken.over, await alive(database)], [1, ["other"]]);
  slow.jump(8_000);
  await passes(slow, 2, 1);
  assertEquals([stalled.taken.over, await alive(database)], [0, ["other", "stalled"]]);
  await passes(clock, 1, 1);
  assertEquals([other.taken.over, await alive(database)], [1, ["other", "stalled"]]);
  for (const { heartbeat } of [stalled, other]) await heartbeat.stop();
});

onPostgres("bury() refuses who lives, and who was buried by another at the same time", async (shared) => {
  const database = await shared.open();
  const clock = new FakeClock();
  const until = clock.now() + 5_000;
  await beat(database, "one", until);
  const its = reserving(database, clock, "one");
  const other = reserving(database, clock, "other");
  const buries = (at: number) => database.transaction((tx) => bury(tx, "one", at));
  assertEquals([await its.lease(), await buries(until - 1), await other.lease()], [true, false, false]);
  const [first, second] = [await shared.open(), await shared.open()];
  const both = [first, second].map((each) => each.transaction((tx) => bury(tx, "one", until)));
  assertEquals((await Promise.all(both)).sort(), [false, true]);
  assertEquals([await other.lease(), await buries(until)], [true, false]);
});

onPostgres("a process that ends by itself leaves nothing to be taken over", async (shared) => {
  const database = await shared.open();
  const clock = new FakeClock();
  const [ending, other] = [processOn(database, clock, "ending"), processOn(database, clock, "other")];
  for (const { heartbeat } of [ending, other]) await heartbeat.start();
  await clock.asleep(2);
  await ending.heartbeat.stop();
  await passes(clock, 10, 1);
  assertEquals([other.taken.over, await alive(database)], [0, ["other"]]);
  await other.heartbeat.stop();
});

Deno.test("on SQLite there is one process: nothing is said, and nobody is looked after", async () => {
  await using database = await memoryDatabase();
  const clock = new FakeClock();
  const { heartbeat, lines } = processOn(database, clock, "only");
  await heartbeat.start();
  for (let i = 0; i < 10; i++) await clock.advance(1_000);
  assertEquals([await alive(database), lines], [[], []]);
  await heartbeat.stop();
});

async function alive(database: Database): Promise<string[]> {
  const rows = await database.kysely.selectFrom("leases").select("name").where("name", "like", "process:%")
    .orderBy("name").execute();
  return rows.map(({ name }) => name.slice("process:".length));
}

async function openInvoice(database: Database, nextLookUpAt: number): Promise<void> {
  await database.kysely.insertInto("invoices").values({
    id: "i",
    merchant: "",
    order_id: "o",
    attempt: 1,
    type: "ln",
    wallet: "w",
    state: "open",
    amount_msat: 1_000,
    next_lookup_at: nextLookUpAt,
    created_at: 0,
    updated_at: 0,
  }).execute();
}
