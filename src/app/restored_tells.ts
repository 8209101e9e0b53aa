import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { type JobHandler, RetryLater } from "../jobs/runner.ts";
import { saidAbout } from "../orders/said_before_store.ts";
import { findOrder } from "../orders/orders_store.ts";
import { findPayment } from "../payments/payments_store.ts";
import type { RestoreFence } from "./restore_fence.ts";

/** News of an order that come again when it is taken again after a restore. */
const AGAIN: ReadonlySet<string> = new Set(["order_paid", "order_cancelled", "refund_due", "refund_sent"]);
/** Until then the orders of before have found their payments. */
const SETTLED_MS = 10 * 60_000;
const LOOK_MS = 60_000;
const UNMATCHED = /^payment:(.+):unmatched$/;

/**
 * `owners.tell` after a restore: of an order whose customer was answered before, the owners have heard before; and a payment
 * that matches no order yet may belong to one that is taken again in a moment.
 */
export function restoredTells(
  { database, clock, fence }: { database: Database; clock: Clock; fence: RestoreFence },
  handler: JobHandler,
): JobHandler {
  return {
    ...handler,
    async run(job) {
      if (!fence.any) return await handler.run(job);
      const { kind, fact, order_id } = job.payload as { kind: string; fact: string; order_id?: string };
      const payment = UNMATCHED.exec(fact)?.[1];
      const done = payment !== undefined
        ? await foundItsOrder(database, payment)
        : AGAIN.has(kind) && order_id !== undefined && await heardBefore(database, order_id);
      if (done) return;
      const liftedAt = fence.fact?.lifted_at ?? clock.now();
      if (payment !== undefined && clock.now() < liftedAt + SETTLED_MS) {
        throw new RetryLater("orders of before the restore are still being taken again", LOOK_MS, false);
      }
      await handler.run(job);
    },
  };
}

async function foundItsOrder(database: Database, id: string): Promise<boolean> {
  const payment = await findPayment(database.kysely, id);
  return payment !== undefined && payment.state !== "unmatched";
}

async function heardBefore(database: Database, orderId: string): Promise<boolean> {
  const order = await findOrder(database.kysely, orderId);
  if (!order) return false;
  const { merchant, customer, customer_order_id: orderRef } = order;
  return (await saidAbout(database.kysely, { merchant, customer, orderRef })).some(({ kind }) =>
    kind === "status"
  );
}
