import type { Clock } from "../../clock.ts";
import type { Database, Tx } from "../../db/database.ts";
import { enqueue } from "../../jobs/queue.ts";
import { type JobHandlers, RetryLater, type RunningJob } from "../../jobs/runner.ts";
import { mirror } from "../../orders/mirror.ts";
import type { MedusaOrder } from "./medusa_order.ts";
import { orderOfMedusa, unsettled, updateMedusaOrder } from "./medusa_orders_store.ts";
import { nextStep } from "./plan.ts";
import { notedOf, situationOf } from "./situation.ts";
import type { TheirOrders } from "./their_orders.ts";

/** The job that looks at all orders that aren't at their end in Medusa. */
export const ORDERS_JOB = "medusa.orders";

const EVERY_MS = 5 * 60_000;
const PAGE = 50;
const MAX_ATTEMPTS = 100_000;
/** `cancelledThere` and its like stand for what happened there; anything but rest is the mirror's work. */
const AWAY_MS = 60_000;

/** Has it done at `runAt`, or before. */
export function sweepOrders(tx: Tx, merchant: string, runAt: number, now: number): Promise<void> {
  const job = { kind: ORDERS_JOB, merchant, payload: { merchant }, key: merchant, maxAttempts: MAX_ATTEMPTS };
  return enqueue(tx, { ...job, runAt }, now);
}

/** Medusa says that something happened to this order of its own: a hint, so it is looked at. False: it isn't one of ours. */
export async function orderHint(
  tx: Tx,
  medusaOrder: string,
  merchant: string,
  now: number,
): Promise<boolean> {
  const id = await orderOfMedusa(tx, medusaOrder);
  if (id === undefined) return false;
  // What was at its end may have been taken up again there.
  await updateMedusaOrder(tx, id, { settled: 0, updated_at: now });
  await mirror(tx, { id, merchant, mirror: "follow" }, now);
  return true;
}

/**
 * The handler of `medusa.orders` {merchant}. Hints get lost, and while one side was down it missed them: every five minutes all that
 * isn't at its end is read, many orders with one call, and those that differ are mirrored.
 */
export function orderSweep(
  o: { database: Database; clock: Clock; theirs: TheirOrders },
): JobHandlers {
  return { [ORDERS_JOB]: { concurrency: 1, run: (job) => sweep(o, job) } };
}

async function sweep(
  { database, clock, theirs }: { database: Database; clock: Clock; theirs: TheirOrders },
  job: RunningJob,
): Promise<void> {
  const merchant = String(job.payload.merchant);
  const before = clock.now();
  for (;;) {
    const page = await unsettled(database.kysely, { merchant, before, limit: PAGE });
    if (page.length === 0) break;
    const ids = page.flatMap((row) => row.medusa_order ?? []);
    const found = ids.length === 0 ? [] : await theirs.list(ids, job.signal);
    const byId = new Map(found.map((one) => [one.id, one]));
    for (const row of page) {
      const one = row.medusa_order === null ? null : byId.get(row.medusa_order) ?? null;
      await database.transaction((tx) => compare(tx, row.order_id, one, clock.now()));
    }
    if (job.signal.aborted) throw new RetryLater("the program stops", AWAY_MS, false);
  }
  await database.transaction(async (tx) => {
    await job.complete(tx);
    const now = clock.now();
    await sweepOrders(tx, merchant, now + EVERY_MS, now);
  });
}

async function compare(tx: Tx, orderId: string, theirs: MedusaOrder | null, now: number): Promise<void> {
  const here = await situationOf(tx, orderId);
  await updateMedusaOrder(tx, orderId, { looked_at: now });
  if (!here?.row) return;
  const step = nextStep(here.ours, notedOf(here.row), here.row.call === null ? theirs : "unknown");
  if (step.do !== "rest") await mirror(tx, { ...here.order, mirror: here.order.mirror ?? "follow" }, now);
}
