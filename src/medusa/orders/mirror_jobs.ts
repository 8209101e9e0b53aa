import type { Clock } from "../../clock.ts";
import type { Database } from "../../db/database.ts";
import type { Log } from "../../log.ts";
import { type JobHandlers, RetryLater, type RunningJob } from "../../jobs/runner.ts";
import { applyTo } from "../../orders/apply.ts";
import { LATE_JOB, MIRROR_JOB } from "../../orders/mirror.ts";
import { lockOrder, updateOrder } from "../../orders/orders_store.ts";
import { MedusaError } from "../medusa_error.ts";
import { findMedusaOrder } from "./medusa_orders_store.ts";
import { Mirroring } from "./mirroring.ts";
import type { TheirOrders } from "./their_orders.ts";
import { waitsForStock } from "./wanted.ts";

/** More at once makes Medusa no faster. */
const AT_ONCE = 2;
/** A call may take its time, and others go before it. */
const LEASE_MS = 60_000;
/** Nobody waits longer than this for Medusa's word. */
const GIVE_UP_AFTER_MS = 2 * 3_600_000;
const AWAY_MS = 5_000;
const LONGEST_AWAY_MS = 60_000;

const LATE =
  "It takes longer than usual to check that everything is in stock. Your invoice follows as soon as we know.";
/** For the customer: what is wrong between the shop's two systems isn't theirs to read. */
export const AWAY = "We can't check our stock at the moment. Please try again later.";

export interface MirrorOptions {
  database: Database;
  clock: Clock;
  log: Log;
  /** Null: there is no Medusa any more. */
  theirs: TheirOrders | null;
  /** Whether Medusa decides who gets the goods, or is told. */
  authority: "medusa" | "local";
  /** What becomes of orders while it is away. */
  whenDown: "wait" | "refuse";
}

/** The handlers of `order.mirror` and `order.mirror_late` {order_id}. */
export function mirrorJobs(o: MirrorOptions): JobHandlers {
  return {
    [MIRROR_JOB]: { concurrency: AT_ONCE, leaseMs: LEASE_MS, run: (job) => run(o, job) },
    [LATE_JOB]: { run: (job) => tellLate(o, job) },
  };
}

async function run(o: MirrorOptions, job: RunningJob): Promise<void> {
  const orderId = String(job.payload.order_id);
  if (o.theirs === null) return await giveUp(o, job, orderId);
  try {
    await new Mirroring({ ...o, theirs: o.theirs }, job, orderId).run();
  } catch (error) {
    if (!(error instanceof MedusaError)) throw error;
    o.log.warn("medusa.order_failed", { order: orderId, kind: error.kind, error: error.message });
    if (await waitedLongEnough(o, orderId, error)) return await giveUp(o, job, orderId);
    const pause = Math.min(AWAY_MS * 2 ** Math.min(job.attempt - 1, 10), LONGEST_AWAY_MS);
    throw new RetryLater(error.message, pause);
  }
}

/** Whether an order that waits for Medusa's word is told that there will be none. */
async function waitedLongEnough(
  { database, clock, whenDown }: MirrorOptions,
  orderId: string,
  { mayHaveHappened }: MedusaError,
): Promise<boolean> {
  return await database.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId);
    if (!order || !waitsForStock(order)) return false;
    if (clock.now() - order.created_at >= GIVE_UP_AFTER_MS) return true;
    const row = await findMedusaOrder(tx, orderId);
    const asked = row !== undefined && (row.medusa_order !== null || row.call !== null);
    return whenDown === "refuse" && !asked && !mayHaveHappened;
  });
}

/** The order waits no longer. What Medusa may have of it is cleared up as soon as it answers. */
async function giveUp(
  { database, clock, theirs }: MirrorOptions,
  job: RunningJob,
  orderId: string,
): Promise<void> {
  await database.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId);
    if (order && waitsForStock(order)) {
      await updateOrder(tx, orderId, { delay_told: 0 });
      await applyTo(tx, { ...order, delay_told: 0 }, { type: "stockRefused", reason: AWAY }, clock.now());
    }
    if (theirs === null || order) await job.complete(tx);
  });
}

/** The customer hears once that it takes longer. */
async function tellLate({ database, clock }: MirrorOptions, job: RunningJob): Promise<void> {
  const orderId = String(job.payload.order_id);
  await database.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId);
    const row = order && await findMedusaOrder(tx, orderId);
    if (order && waitsForStock(order) && order.delay_told === 0 && row?.state !== "held") {
      await updateOrder(tx, orderId, { delay_told: 1 });
      await applyTo(tx, { ...order, delay_told: 1 }, { type: "invoiceDelayed", reason: LATE }, clock.now());
    }
    await job.complete(tx);
  });
}
