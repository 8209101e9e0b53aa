import type { Tx } from "../db/database.ts";
import { digitalShare } from "./digital.ts";
import { addTimeline, itemsOf, lockOrder, type OrderRow } from "./orders_store.ts";
import { enqueueReplies, type QueuedReply } from "./replies.ts";
import { callTill } from "./till.ts";

/** Has the customer told again where the order stands, or the till whose it is. The order itself doesn't change. Throws when there is none. */
export async function resend(tx: Tx, orderId: string, now: number): Promise<OrderRow> {
  const order = await lockOrder(tx, orderId);
  if (!order) throw new Error(`there is no order ${orderId}`);
  const replies = await repliesFor(tx, order);
  const text = replies.length === 0
    ? "The merchant asked for the present state to be sent; the payment request follows when it is there."
    : "The merchant had the present state sent again.";
  const seq = await addTimeline(tx, order.id, now, [{ event: "resent", text }]);
  await enqueueReplies(tx, order, seq, replies, now);
  await callTill(tx, order, seq, now);
  return order;
}

async function repliesFor(tx: Tx, order: OrderRow): Promise<QueuedReply[]> {
  switch (order.payment) {
    case "quoting":
      return [];
    case "awaiting":
    case "held":
      return [{ reply: "payment_request" }];
    case "expired":
    case "cancelled":
      return [{ reply: "cancelled" }];
    case "rejected":
    case "failed":
      return [{ reply: "refusal" }];
    case "refund_due":
    case "refunded":
      return [{ reply: "state" }];
    case "paid":
    case "overpaid": {
      // Whoever lost the message gets the goods again.
      const share = await digitalShare(tx, order.merchant, await itemsOf(tx, [order.id]));
      return share === "none" ? [{ reply: "state" }] : [{ reply: "state" }, { reply: "digital" }];
    }
  }
}
