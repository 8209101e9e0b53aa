import { assert, assertEquals, assertMatch } from "@std/assert";
import { pullForward } from "../../src/app/clock_store.ts";
import { ClockJumps } from "../../src/clock.ts";
import type { Database } from "../../src/db/database.ts";
import { enqueue } from "../../src/jobs/queue.ts";
import { ClockWatch } from "../../src/notifications/clock_watch.ts";
import { raised } from "../../src/notifications/conditions_store.ts";
import { requestIn, toldIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog, silentLog } from "../support/log.ts";
import { Shop } from "../support/shop.ts";

const DAY = 24 * 3_600_000;
const merchant = "a".repeat(64);

Deno.test("a clock that is set is told from time that passes, and from drift", () => {
  const clock = new FakeClock();
  const jumps = new ClockJumps(clock);
  clock.jump(400 * DAY);
  assertEquals(jumps.look(), 0);
  clock.set(120_000);
  assertEquals(jumps.look(), 0);
  clock.set(120_001);
  assertEquals(jumps.look(), 120_001);
  assertEquals(jumps.look(), 0);
  clock.set(-400 * DAY);
  clock.jump(1_000);
  assertEquals(jumps.look(), -400 * DAY);
});

Deno.test("a clock 400 days ahead expires nothing before the wallet answers; what was paid meanwhile is paid", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const request = requestIn(await alice.orders());
  shop.wallet.faults.always("lookup", { do: "fail", kind: "unreachable" });
  shop.clock.set(400 * DAY);
  for (let i = 0; i < 10; i++) await shop.pass(60_000);
  assertEquals((await shop.order()).payment, "awaiting");
  assertEquals((await shop.stock()).held, 1);
  await shop.paid(request.payment_options![0]!.link, { late: true, silently: true });
  shop.wallet.faults.always("lookup", null);
  for (let i = 0; i < 3; i++) await shop.pass(60_000);
  assertEquals((await shop.order()).payment, "paid");
  assertEquals(await shop.stock(), { onHand: 4, held: 0 });
  assertMatch(toldIn(await alice.hears())[0]!, /^processing, paid/);
});

Deno.test("a clock that jumped delays a silent wallet's expiry by its 30 minutes, not for ever", async () => {
  await using shop = await Shop.open();
  requestIn(await shop.customer().orders());
  shop.wallet.faults.always("lookup", { do: "fail", kind: "unreachable" });
  shop.clock.set(400 * DAY);
  for (let i = 0; i < 28; i++) await shop.pass(60_000);
  assertEquals((await shop.order()).payment, "awaiting");
  for (let i = 0; i < 60 && (await shop.order()).payment !== "expired"; i++) await shop.pass(60_000);
  assertEquals((await shop.order()).payment, "expired");
});

Deno.test("a clock that was ahead and is right again leaves no look-up for next year", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const request = requestIn(await alice.orders());
  shop.wallet.faults.always("lookup", { do: "fail", kind: "unreachable" });
  shop.clock.set(400 * DAY);
  await shop.pass(60_000);
  shop.clock.set(-400 * DAY);
  shop.wallet.faults.always("lookup", null);
  await shop.pass(2_000);
  await shop.paid(request.payment_options![0]!.link, { silently: true });
  await shop.pass(60_000);
  await shop.pass(2_000);
  assertEquals((await shop.order()).payment, "paid");
});

Deno.test("a clock set back dates answers behind the last one, up to 15 minutes ahead", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const [first] = await alice.orders();
  shop.clock.set(-10 * 60_000);
  const [second] = await alice.orders();
  assertEquals(second!.created_at, first!.created_at + 1);
});

Deno.test("a clock set back further holds answers back until it is right again, however long that takes", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const [first] = await alice.orders();
  shop.clock.set(-5 * 3_600_000);
  await alice.writes({ type: 0, id: "order-1", items: [{ product_id: "cup", quantity: 1 }], address: "x" });
  for (let i = 0; i < 120; i++) await shop.pass(61_000);
  assertEquals(await alice.hears(), []);
  shop.clock.set(5 * 3_600_000);
  await shop.pass(61_000);
  const [second] = await alice.hears();
  assert(second!.created_at > first!.created_at);
});

/** A process that watches its clock. */
async function watching(database: Database, clock: FakeClock, log = silentLog) {
  const watch = new ClockWatch({ database, clock, log, merchants: () => [merchant], setBack: pullForward });
  await watch.start();
  return Object.assign(watch, { [Symbol.asyncDispose]: () => watch.stop() });
}

async function pass(clock: FakeClock, ms: number): Promise<void> {
  await clock.asleep();
  await clock.advance(1_000);
  await clock.asleep();
  clock.jump(ms);
  await clock.advance(1_000);
  await clock.asleep();
}

const told = async (database: Database) =>
  (await database.kysely.selectFrom("jobs").select("payload").where("kind", "=", "owners.tell").orderBy("id")
    .execute())
    .map((job) => JSON.parse(job.payload).detail);

onEachDatabase(
  "a jump is logged, is a condition, and is told once; all is well ten even minutes later",
  async (database) => {
    const clock = new FakeClock();
    const { log, lines } = recordingLog();
    await using _ = await watching(database, clock, log);
    await pass(clock, 9 * 60_000);
    clock.set(400 * DAY);
    await pass(clock, 0);
    clock.set(3 * 60_000);
    await pass(clock, 0);
    assertEquals(lines.map((line) => [line.event, line.fields.ms]), [["clock.jumped", 400 * DAY], [
      "clock.jumped",
      180_000,
    ]]);
    assertEquals(await told(database), ["It moved ahead by 400 days. Check the time of this machine."]);
    assertEquals((await raised(database.kysely)).map((row) => row.name), ["clock"]);
    await pass(clock, 9 * 60_000);
    assertEquals((await raised(database.kysely)).length, 1);
    await pass(clock, 2 * 60_000);
    assertEquals(await raised(database.kysely), []);
  },
);

onEachDatabase("a start with an earlier clock than the last one seen is told", async (database) => {
  const clock = new FakeClock();
  {
    await using _ = await watching(database, clock);
    await pass(clock, 60_000);
  }
  clock.set(-3 * DAY);
  await using _ = await watching(database, clock);
  assertEquals(await told(database), ["It moved back by 3 days. Check the time of this machine."]);
});

onEachDatabase(
  "what was put off while the clock ran ahead is due again when it is set back",
  async (database) => {
    const clock = new FakeClock();
    await using _ = await watching(database, clock);
    const add = (key: string, ms: number) =>
      database.transaction((tx) =>
        enqueue(tx, { kind: "work", merchant: "", key, payload: {}, runAt: clock.now() + ms }, clock.now())
      );
    await add("before", 7_200_000);
    await pass(clock, 0);
    clock.set(400 * DAY);
    await pass(clock, 0);
    await add("meanwhile", 60_000);
    clock.set(-400 * DAY);
    await pass(clock, 0);
    const jobs = await database.kysely.selectFrom("jobs").select(["key", "run_at"]).where("kind", "=", "work")
      .orderBy("key").execute();
    const minutes = jobs.map((job) => [job.key, Math.round((job.run_at - clock.now()) / 60_000)]);
    assertEquals(minutes, [["before", 120], ["meanwhile", 1]]);
  },
);
