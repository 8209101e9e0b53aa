import type { Tx } from "../db/database.ts";
import { enqueueReply } from "./apply.ts";
import { addTimeline, lockOrder, type OrderRow } from "./orders_store.ts";
import type { ReplyKind } from "./types.ts";

/** Has the customer told again where the order stands. The order itself doesn't change. Throws when there is none. */
export async function resend(tx: Tx, orderId: string, now: number): Promise<OrderRow> {
  const order = await lockOrder(tx, orderId);
  if (!order) throw new Error(`there is no order ${orderId}`);
  const seq = await addTimeline(tx, order.id, now, "resent", "The merchant had the present state sent again.");
  await enqueueReply(tx, order, replyOf(order), `${seq}.0`, undefined, now);
  return order;
}

function replyOf(order: OrderRow): ReplyKind {
  switch (order.payment) {
    case "quoting":
    case "awaiting":
    case "held":
      return "payment_request";
    case "expired":
    case "rejected":
    case "failed":
      return "refusal";
    case "cancelled":
      return "cancelled";
    default:
      return "state";
  }
}
