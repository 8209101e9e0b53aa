import type { Tx } from "../db/database.ts";
import { openRefund, payable, withdrawOpen } from "../payments/refunds.ts";
import { refundSums } from "../payments/refunds_store.ts";
import type { OrderRow } from "./orders_store.ts";
import { personOf } from "./till.ts";
import type { RefundSums } from "./types.ts";

const NONE: RefundSums = { openMsat: 0n, outMsat: 0n, backMsat: 0n };

/** What of the order's money goes back, for the life cycle. Most orders need no look at the ledger. */
export async function refundsInLedger(tx: Tx, order: OrderRow): Promise<RefundSums> {
  return order.refunding_msat === 0 ? NONE : await refundSums(tx, order.id);
}

/**
 * The effect `refund`: opens one in the ledger, in the transaction of the fact; `seq` is the fact's line of the timeline.
 * Null: all that was received and isn't in the ledger. Answers the order as it is then.
 */
export async function refundOwed(
  tx: Tx,
  order: OrderRow,
  amountMsat: bigint | null,
  seq: number,
  now: number,
): Promise<OrderRow> {
  const left = BigInt(order.received_msat) - BigInt(order.refunding_msat);
  const amount = payable(amountMsat ?? left);
  if (amount <= 0n) return order;
  const opened = await openRefund(tx, {
    merchant: order.merchant,
    orderId: order.id,
    customer: personOf(order),
    amountMsat: amount,
    reason: order.reason ?? "Paid more than once.",
    fact: `order:${order.id}:${seq}`,
  }, now);
  // Only what was received is ever owed back, and nothing is in the ledger twice.
  if (!opened.ok) {
    throw new Error(`order ${order.id}: a refund that is owed can't be opened: ${opened.reason}`);
  }
  return { ...order, refunding_msat: order.refunding_msat + Number(amount) };
}

/** The effect `cancelRefunds`. */
export async function refundsOff(tx: Tx, order: OrderRow, now: number): Promise<OrderRow> {
  const off = await withdrawOpen(tx, order.id, "The order was accepted after all.", now);
  return { ...order, refunding_msat: order.refunding_msat - Number(off) };
}
