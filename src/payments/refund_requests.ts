import type { Tx } from "../db/database.ts";
import { formatSat, type Msat } from "../money/msat.ts";
import { apply } from "../orders/apply.ts";
import { lockOrder, type OrderRow } from "../orders/orders_store.ts";
import { personOf } from "../orders/till.ts";
import { lockPayment } from "./payments_store.ts";
import type { Decided } from "./refund_decisions.ts";
import { askFor, note, tell } from "./refund_telling.ts";
import { openRefund, payable } from "./refunds.ts";
import { refundsOf } from "./refunds_store.ts";

const UNPAID: OrderRow["payment"][] = ["quoting", "awaiting", "held"];

/**
 * The merchant gives money of an order back. Without an amount: what is too much of an order that goes on, else everything,
 * which cancels a paid order. The customer reads the reason. `fact` is the request's own: the same is carried out once.
 */
export async function refundOrder(
  tx: Tx,
  o: { orderId: string; amountMsat?: Msat | undefined; reason: string; fact: string },
  now: number,
): Promise<Decided> {
  const order = await lockOrder(tx, o.orderId);
  if (!order) return { ok: false, code: "not_found", reason: `There is no order ${o.orderId}.` };
  if (UNPAID.includes(order.payment)) return no("This order still waits for its payment: cancel it instead.");
  const left = BigInt(order.received_msat) - BigInt(order.refunding_msat);
  if (left <= 0n) {
    return no(order.received_msat === 0 ? "Nothing was received for this order." : ALL_THERE);
  }
  const amount = o.amountMsat ?? usual(order, left);
  if (amount <= 0n) return no("Nothing was paid too much: name the amount that shall go back.");
  if (amount > left) return no(`At most ${formatSat(left)} can still go back.`);
  if (amount === left && order.fulfilment !== "none") return await wholeBack(tx, order, o.reason, now);
  const opened = await openRefund(tx, {
    merchant: order.merchant,
    orderId: order.id,
    customer: personOf(order),
    amountMsat: payable(amount),
    reason: o.reason,
    fact: o.fact,
  }, now);
  if (!opened.ok) return no(opened.reason);
  const text = `The merchant gives back ${formatSat(BigInt(opened.refund.amount_msat))}: ${o.reason}`;
  await note(tx, opened.refund, { text, say: text }, now);
  return opened;
}

/** The same of a payment that matches no order. Only the customer that the merchant names can say where it goes. */
export async function refundPayment(
  tx: Tx,
  o: {
    paymentId: string;
    amountMsat?: Msat | undefined;
    reason: string;
    customer: string | null;
    fact: string;
  },
  now: number,
): Promise<Decided> {
  const payment = await lockPayment(tx, o.paymentId);
  if (!payment) return { ok: false, code: "not_found", reason: `There is no payment ${o.paymentId}.` };
  if (payment.order_id !== null) return no(`This payment belongs to order ${payment.order_id}: refund that.`);
  const left = BigInt(payment.amount_msat) - BigInt(payment.refunding_msat);
  if (left <= 0n) return no(ALL_THERE);
  const opened = await openRefund(tx, {
    merchant: payment.merchant,
    paymentId: payment.id,
    customer: o.customer,
    amountMsat: o.amountMsat ?? payable(left),
    reason: o.reason,
    fact: o.fact,
  }, now);
  if (!opened.ok) return no(opened.reason);
  const text = `A payment of yours belongs to no order and goes back to you. ${askFor(opened.refund)}`;
  await tell(tx, opened.refund, text, "ask", now);
  return opened;
}

const ALL_THERE = "All of it is going back already or has gone back: see its refunds.";

function usual(order: OrderRow, left: Msat): Msat {
  const tooMuch = left - BigInt(order.total_msat);
  return order.payment === "paid" || order.fulfilment === "none" ? left : tooMuch;
}

/** Everything goes back: nothing will be sent any more. */
async function wholeBack(tx: Tx, order: OrderRow, reason: string, now: number): Promise<Decided> {
  const { outcome } = await apply(tx, order.id, { type: "merchantCancelled", reason }, now);
  const refund = (await refundsOf(tx, order.id)).findLast((one) => one.state === "due");
  return outcome.ignored || !refund ? no(outcome.timeline) : { ok: true, refund };
}

function no(reason: string): Decided {
  return { ok: false, code: "conflict", reason };
}
