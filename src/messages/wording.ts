import { formatSat } from "../money/msat.ts";
import type { OrderRow } from "../orders/orders_store.ts";
import type { ReplyKind } from "../orders/types.ts";

/** What a customer is told of something that has happened to a paid order. */
export function statusText(kind: ReplyKind, order: OrderRow): string {
  switch (kind) {
    case "paid":
      return paidText(order);
    case "shipped":
      return shippedText(order);
    case "delivered":
      return "Your order is complete.";
    case "refund_due":
      return "Your payment arrived, but the goods can't be given for it any more. You'll get it back.";
    case "refunded":
      return "Your payment was refunded.";
    default:
      return stateText(order);
  }
}

/** Where a paid order stands, for a customer who asks again. */
export function stateText(order: OrderRow): string {
  if (order.payment === "refunded") return "This order was refunded.";
  if (order.payment === "refund_due" && order.fulfilment === "none") {
    const why = order.reason === null ? "" : ` ${order.reason}`;
    return `This order can't be fulfilled.${why} You'll get your payment back.`;
  }
  const twice = order.payment === "refund_due"
    ? " You have paid more than once: you'll get the excess back."
    : "";
  if (order.fulfilment === "delivered") return `This order is complete.${twice}`;
  if (order.fulfilment === "shipped") return `This order is paid and on its way.${twice}`;
  return `This order is paid and will be sent.${twice}`;
}

function paidText(order: OrderRow): string {
  const received = formatSat(BigInt(order.received_msat));
  return order.payment === "overpaid"
    ? `Payment received: ${received}, more than the ${
      formatSat(BigInt(order.total_msat))
    } owed. We'll come back to you about the rest.`
    : `Payment received: ${received}. Thank you!`;
}

function shippedText(order: OrderRow): string {
  const { carrier, tracking } = order.tracking === null
    ? { carrier: null, tracking: null }
    : JSON.parse(order.tracking) as { carrier: string | null; tracking: string | null };
  const parts = ["Your order is on its way."];
  if (carrier !== null) parts.push(`Carrier: ${carrier}.`);
  if (tracking !== null) parts.push(`Tracking: ${tracking}.`);
  return parts.join(" ");
}
