import type { Tx } from "../db/database.ts";
import { enqueue } from "../jobs/queue.ts";
import { openStates, type OrderRow } from "./orders_store.ts";

/** The job {order_id} that brings an order and what another system has of it to the same end. */
export const MIRROR_JOB = "order.mirror";
/** The job {order_id} that tells the customer of goods that aren't confirmed yet. */
export const LATE_JOB = "order.mirror_late";

/** The customer hears of the delay after this, as with an invoice (design §5). */
const TELL_AFTER_MS = 25_000;
/** The other system may be away for days; what that means for the order is for the job to say. */
const MAX_ATTEMPTS = 100_000;

/** Has another system follow what became of an order; nothing where there is none. However much happens, one job waits. */
export async function mirror(
  tx: Tx,
  order: Pick<OrderRow, "id" | "merchant" | "mirror">,
  now: number,
): Promise<void> {
  if (order.mirror === null) return;
  await enqueue(tx, {
    kind: MIRROR_JOB,
    merchant: order.merchant,
    payload: { order_id: order.id },
    key: order.id,
    maxAttempts: MAX_ATTEMPTS,
  }, now);
}

/** Has the customer told when the goods aren't confirmed in time. */
export async function tellIfLate(tx: Tx, { id, merchant }: OrderRow, now: number): Promise<void> {
  const job = { kind: LATE_JOB, merchant, payload: { order_id: id }, key: id };
  await enqueue(tx, { ...job, runAt: now + TELL_AFTER_MS }, now);
}

/** Whether what became of an order is another system's concern: it holds the goods for as long as the order waits for money. */
export function concerns(before: OrderRow, after: OrderRow): boolean {
  return stage(before) !== stage(after) || before.fulfilment !== after.fulfilment ||
    before.revision !== after.revision || before.tracking !== after.tracking;
}

function stage({ payment }: OrderRow): string {
  return openStates.includes(payment) ? "open" : payment;
}

/** Whether a new order is to be followed: one that was refused at once holds nothing anywhere. */
export function isOpen({ payment }: Pick<OrderRow, "payment">): boolean {
  return payment === "quoting";
}
