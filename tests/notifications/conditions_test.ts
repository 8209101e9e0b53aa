import { assertEquals } from "@std/assert";
import type { Database } from "../../src/db/database.ts";
import { Lease } from "../../src/jobs/lease.ts";
import { clear, listConditions, raise, raised } from "../../src/notifications/conditions_store.ts";
import { ConditionsWatcher, type Observation } from "../../src/notifications/conditions_watcher.ts";
import { onEachDatabase } from "../support/databases.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { silentLog } from "../support/log.ts";

const merchant = "a".repeat(64);
const wallet = { merchant, name: "wallet", detail: "no answer" };

/** A process that watches one wallet. */
class Watching implements AsyncDisposable {
  up: boolean | null = true;
  /** Others beside the wallet. */
  others: Observation[] = [];
  readonly #watcher: ConditionsWatcher;

  constructor(database: Database, clock: FakeClock, holder = "one") {
    const lease = new Lease({ database, clock, log: silentLog, name: "conditions", holder, ttlMs: 20_000 });
    const observe = (): Observation[] => [
      { ...wallet, up: this.up, kinds: { down: "wallet_down", up: "wallet_up" } },
      ...this.others,
    ];
    this.#watcher = new ConditionsWatcher({ database, clock, log: silentLog, lease, observe });
  }

  async start(): Promise<this> {
    await this.#watcher.start();
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#watcher.stop();
  }
}

/** Time passes no faster than the processes that watch. */
async function pass(clock: FakeClock, ms: number, processes = 1): Promise<void> {
  for (let passed = 0; passed < ms; passed += 5_000) {
    await clock.asleep(processes);
    await clock.advance(5_000);
  }
  await clock.asleep(processes);
}

const told = async (database: Database) =>
  (await database.kysely.selectFrom("jobs").select("payload").where("kind", "=", "owners.tell").orderBy("id")
    .execute())
    .map((job) => JSON.parse(job.payload).kind);

onEachDatabase("a condition is raised once until it is cleared, and can come again", async (database) => {
  const at = (now: number, work: typeof raise) => database.transaction((tx) => work(tx, wallet, now));
  assertEquals(await at(1, raise), true);
  assertEquals(await at(2, raise), false);
  assertEquals((await raised(database.kysely)).map((row) => row.raised_at), [1]);
  const cleared = (now: number) => database.transaction((tx) => clear(tx, wallet, now));
  assertEquals([await cleared(3), await cleared(4)], [true, false]);
  assertEquals(await at(5, raise), true);
  const rows = await listConditions(database.kysely, {}, { limit: 10 });
  assertEquals(rows.map((row) => [row.raised_at, row.cleared_at]), [[5, null], [1, 3]]);
  const older = await listConditions(database.kysely, {}, { limit: 10, after: [5, merchant, "wallet"] });
  assertEquals(older.map((row) => row.raised_at), [1]);
  assertEquals((await listConditions(database.kysely, { raised: true }, { limit: 10 })).length, 1);
});

onEachDatabase("of processes that raise the same condition at once one does", async (database) => {
  const all = await Promise.all([1, 2, 3, 4].map((n) => database.transaction((tx) => raise(tx, wallet, n))));
  assertEquals(all.filter((one) => one).length, 1);
});

Deno.test("what is down for a minute is told, and its return after 15 seconds; shorter gaps aren't", async () => {
  await using database = await freshDatabase();
  const clock = new FakeClock();
  await using watching = await new Watching(database, clock).start();
  await pass(clock, 10_000);
  watching.up = false;
  await pass(clock, 50_000);
  watching.up = true;
  await pass(clock, 20_000);
  assertEquals(await told(database), []);
  watching.up = false;
  await pass(clock, 70_000);
  assertEquals(await told(database), ["wallet_down"]);
  watching.up = true;
  await pass(clock, 10_000);
  watching.up = false;
  await pass(clock, 10_000);
  assertEquals(await told(database), ["wallet_down"]);
  watching.up = true;
  await pass(clock, 25_000);
  assertEquals(await told(database), ["wallet_down", "wallet_up"]);
  await pass(clock, 300_000);
  assertEquals(await told(database), ["wallet_down", "wallet_up"]);
});

Deno.test("a restart tells nothing twice and forgets no return", async () => {
  await using database = await freshDatabase();
  const clock = new FakeClock();
  {
    await using watching = await new Watching(database, clock).start();
    watching.up = false;
    await pass(clock, 70_000);
  }
  {
    await using watching = await new Watching(database, clock, "two").start();
    watching.up = false;
    await pass(clock, 200_000);
    assertEquals(await told(database), ["wallet_down"]);
  }
  await using _ = await new Watching(database, clock, "three").start();
  await pass(clock, 30_000);
  assertEquals(await told(database), ["wallet_down", "wallet_up"]);
});

onEachDatabase("processes that see it differently don't contradict each other", async (database) => {
  const clock = new FakeClock();
  await using one = await new Watching(database, clock, "one").start();
  await pass(clock, 5_000);
  await using two = await new Watching(database, clock, "two").start();
  one.up = false;
  two.up = true;
  await pass(clock, 300_000, 2);
  assertEquals(await told(database), ["wallet_down"]);
});

Deno.test("what nobody knows is no condition; a relay that isn't set up any more ends its own without a word", async () => {
  await using database = await freshDatabase();
  const clock = new FakeClock();
  await database.transaction((tx) =>
    raise(tx, { merchant, name: "relay wss://gone", detail: "" }, clock.now())
  );
  await database.transaction((tx) => raise(tx, { merchant, name: "clock", detail: "" }, clock.now()));
  await using watching = await new Watching(database, clock).start();
  watching.up = null;
  await pass(clock, 120_000);
  assertEquals((await raised(database.kysely)).map((row) => row.name), ["clock"]);
  assertEquals(await told(database), []);
});

Deno.test("a clock that is set doesn't make a short gap long", async () => {
  await using database = await freshDatabase();
  const clock = new FakeClock();
  await using watching = await new Watching(database, clock).start();
  watching.up = false;
  await pass(clock, 20_000);
  clock.set(3_600_000);
  await pass(clock, 20_000);
  assertEquals(await told(database), []);
  await pass(clock, 30_000);
  assertEquals(await told(database), ["wallet_down"]);
});
