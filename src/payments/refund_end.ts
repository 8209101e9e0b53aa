import type { Tx } from "../db/database.ts";
import { apply, wouldTake } from "../orders/apply.ts";
import { lockOrder } from "../orders/orders_store.ts";
import { lockPayment } from "./payments_store.ts";
import { alarm, amountText, note } from "./refund_telling.ts";
import { markPaymentRefunded, type RefundRow, refundsOfPayment } from "./refunds_store.ts";
import { hasEnded } from "./refunds.ts";

/**
 * The money has gone back: the customer is told, the owners too, and the order (or payment) is refunded if this was the last
 * of what it owed. `text` stands in the order's timeline.
 */
export async function ended(tx: Tx, refund: RefundRow, text: string, now: number): Promise<void> {
  const say = `${amountText(refund)} have been sent back to you.`;
  const whole = await endsOrder(tx, refund, now);
  await note(tx, refund, whole ? { text } : { text, say, purpose: "sent" }, now);
  if (whole) await apply(tx, refund.order_id!, { type: "refunded" }, now);
  if (refund.payment_id !== null) await endPayment(tx, refund.payment_id);
  const detail = refund.state === "by_hand"
    ? `${amountText(refund)} were marked as given back by hand.`
    : `${amountText(refund)} were sent back to the customer.`;
  await alarm(tx, refund, { kind: "refund_sent", fact: "sent", detail }, now);
}

async function endsOrder(tx: Tx, refund: RefundRow, now: number): Promise<boolean> {
  const order = refund.order_id === null ? undefined : await lockOrder(tx, refund.order_id);
  return order !== undefined && await wouldTake(tx, order, { type: "refunded" }, now);
}

async function endPayment(tx: Tx, paymentId: string): Promise<void> {
  const payment = await lockPayment(tx, paymentId);
  const refunds = await refundsOfPayment(tx, paymentId);
  if (payment && payment.refunding_msat === payment.amount_msat && refunds.every(hasEnded)) {
    await markPaymentRefunded(tx, paymentId);
  }
}
