import { alert } from "../alert.ts";
import type { Tx } from "../db/database.ts";
import { formatSat } from "../money/msat.ts";
import { isUnassigned, lockPayment, matchPayment, type NewPayment, recordPayment } from "./payments_store.ts";
import type { OrdersPort } from "./orders_port.ts";

/**
 * Writes money down that is the merchant's and no order's, and has the owners told; false when it is in the books already.
 * `hint` is a sentence for the owners on where it may belong.
 */
export async function recordUnmatched(
  tx: Tx,
  payment: Omit<NewPayment, "orderId">,
  hint: string,
): Promise<boolean> {
  if (!await recordPayment(tx, { ...payment, orderId: null })) return false;
  const detail = `${formatSat(payment.amountMsat)} arrived that match no order. ${hint}`;
  await alert(tx, {
    merchant: payment.merchant,
    kind: "payment_unmatched",
    fact: `payment:${payment.id}:unmatched`,
    detail,
  }, payment.now);
  return true;
}

export type Assigned = { ok: true } | { ok: false; code: "not_found" | "conflict"; reason: string };

/**
 * Gives an unmatched payment to an order of the same merchant: from then on it is that order's money, with all that follows
 * by its life cycle (paid, a rest, paid twice, to be refunded).
 */
export async function assignPayment(
  tx: Tx,
  o: {
    paymentId: string;
    orderId: string;
    orders: Omit<OrdersPort, "paymentHeld">;
    now: number;
  },
): Promise<Assigned> {
  const { paymentId, orderId, orders, now } = o;
  // Orders are locked before payments, as everywhere.
  const order = await orders.orderOf(tx, orderId);
  const payment = await lockPayment(tx, paymentId);
  if (!payment) return { ok: false, code: "not_found", reason: `There is no payment ${paymentId}.` };
  if (!order || order.merchant !== payment.merchant) {
    return { ok: false, code: "not_found", reason: `There is no order ${orderId} of this merchant.` };
  }
  if (!isUnassigned(payment)) {
    const reason = payment.order_id !== null
      ? `The payment belongs to order ${payment.order_id} already.`
      : "The payment is being refunded or was.";
    return { ok: false, code: "conflict", reason };
  }
  const amountMsat = BigInt(payment.amount_msat);
  await matchPayment(tx, paymentId, { orderId, invoiceId: payment.invoice_id });
  const text = `The merchant assigned a payment of ${formatSat(amountMsat)} that had matched no order.`;
  await orders.apply(tx, orderId, { type: "noted", text }, now);
  // Whoever assigns it takes it.
  await orders.paymentArrived(tx, { order: orderId, amountMsat, paidAt: null, now });
  return { ok: true };
}
