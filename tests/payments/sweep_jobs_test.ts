import { assertEquals, assertRejects } from "@std/assert";
import { GiveUp, RetryLater } from "../../src/jobs/runner.ts";
import type { Sweep } from "../../src/payments/sweep.ts";
import { nextNight, sweepJobs, sweepSoon } from "../../src/payments/sweep_jobs.ts";
import { WalletError } from "../../src/payments/wallet.ts";
import { onEachDatabase } from "../support/databases.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { checkBooks } from "../support/books.ts";
import { requestIn } from "../support/customer.ts";
import { Shop as WholeShop } from "../support/shop.ts";
import { MERCHANT, Shop } from "./shop.ts";

const DAY = 24 * 3_600_000;
const HOUR = 3_600_000;

async function jobsOf(shop: Shop) {
  const rows = await shop.database.kysely.selectFrom("jobs").selectAll().where("kind", "=", "payments.sweep")
    .execute();
  return rows.map((row) => [JSON.parse(row.payload).how, row.state, row.run_at - shop.clock.now()]);
}

Deno.test("nextNight() is the next three o'clock UTC", () => {
  const day = Date.UTC(2026, 0, 1);
  for (
    const [now, next] of [[0, 3 * HOUR], [3 * HOUR - 1, 3 * HOUR], [3 * HOUR, DAY + 3 * HOUR], [
      DAY - 1,
      DAY + 3 * HOUR,
    ]] as const
  ) assertEquals(nextNight(day + now), day + next);
});

onEachDatabase("a sweep is asked for once, however many start, and follows every night", async (database) => {
  const shop = new Shop(database);
  const now = shop.clock.now();
  for (let n = 0; n < 3; n++) await database.transaction((tx) => sweepSoon(tx, MERCHANT, now));
  assertEquals(await jobsOf(shop), [["soon", "ready", 5_000]]);
  const ran: string[] = [];
  const run = (merchant: string, how: string) => Promise.resolve(void ran.push(`${merchant} ${how}`));
  const sweep = { run } as unknown as Sweep;
  const [row] = await database.kysely.selectFrom("jobs").selectAll().execute();
  const complete = (tx: Parameters<typeof sweepSoon>[0]) =>
    tx.deleteFrom("jobs").where("id", "=", row!.id).execute().then(() => {});
  const job = { ...shop.job(""), payload: JSON.parse(row!.payload), complete };
  await sweepJobs({ ...shop.common, sweep })["payments.sweep"]!.run(job);
  assertEquals(ran, [`${MERCHANT} soon`]);
  assertEquals(await jobsOf(shop), [["nightly", "ready", 3 * HOUR]]);
});

Deno.test("a wallet that can't be swept is tried again, and the job never dies of it", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  await database.transaction((tx) => sweepSoon(tx, MERCHANT, shop.clock.now()));
  const sweep = { run: () => Promise.reject(new WalletError("no_answer", "silence")) } as unknown as Sweep;
  const run = sweepJobs({ ...shop.common, sweep })["payments.sweep"]!.run;
  const job = { ...shop.job(""), payload: { merchant: MERCHANT, how: "soon" } };
  const error = await assertRejects(() => run(job), RetryLater, "silence") as RetryLater;
  assertEquals([error.delayMs, error instanceof GiveUp], [300_000, false]);
  const [row] = await database.kysely.selectFrom("jobs").select("max_attempts").execute();
  assertEquals(row!.max_attempts >= 100_000, true);
});

onEachDatabase(
  "a start finds what was paid while nothing ran, and every night finds the rest",
  async (database) => {
    const shop = await WholeShop.open({ database });
    const { clock, wallet } = shop;
    const alice = shop.customer();
    const requests = [requestIn(await alice.orders()), requestIn(await alice.orders({ id: "order-2" }))];
    await shop.pass(901_000);
    await shop.stops();
    // Longer than anybody asks about an invoice.
    await clock.advance(3 * DAY);
    const [first, second] = requests.map((request) => request.payment_options![0]!.link);
    await wallet.settle(first!, { late: true, silently: true });
    await clock.advance(HOUR);
    await using again = await shop.another();
    for (let n = 0; n < 3; n++) await again.pass(6_000);
    // So late it goes back.
    assertEquals((await again.order("order-1")).payment, "refund_due");
    await wallet.settle(second!, { late: true, silently: true });
    await again.pass(5 * DAY);
    await again.pass(6_000);
    assertEquals((await again.order("order-2")).payment, "refund_due");
    await checkBooks(again);
  },
);
