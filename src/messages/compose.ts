import { formatSat } from "../money/msat.ts";
import type { OrderItemRow, OrderRow } from "../orders/orders_store.ts";
import { statusOf } from "../orders/status.ts";
import type { PaymentOption, Reply, ReplyKind } from "../orders/types.ts";

/** The order's open invoice, as far as a customer is told. */
export interface OpenInvoice {
  id: string;
  bolt11: string;
  amountMsat: bigint;
  expiresAt: number;
}

/** Everything that an answer may speak of. */
export interface Subject {
  order: OrderRow;
  items: OrderItemRow[];
  invoice: OpenInvoice | null;
  /** What a buyer of digital goods gets; only for `delivered`. */
  digitalContent: string[];
  note: string | null;
  now: number;
}

/**
 * What an answer of this kind says now. Null when it has nothing to say any more: a payment request for an order that
 * doesn't wait for money, or whose invoice has run out.
 */
export function compose(kind: ReplyKind, subject: Subject): Reply | null {
  const { order, note } = subject;
  switch (kind) {
    case "payment_request":
    case "underpaid":
      return paymentRequest(kind, subject);
    case "refusal":
      return {
        kind: "refusal",
        reason: note ?? order.reason ?? "This order can't be fulfilled.",
        cancelled: false,
        orderStands: stands(order),
      };
    case "cancelled":
      return {
        kind: "refusal",
        reason: note ?? order.reason ?? "This order was cancelled.",
        cancelled: true,
      };
    case "apology":
      return {
        kind: "refusal",
        reason: note ?? "We can't make an invoice right now. We're sorry: please try again later.",
        cancelled: false,
        orderStands: stands(order),
      };
    default:
      return status(subject, note ?? statusText(kind, subject));
  }
}

/** Only a change was refused, or the invoice is late: the order itself waits on. */
function stands(order: OrderRow): boolean {
  return order.payment === "quoting" || order.payment === "awaiting" || order.payment === "held";
}

function paymentRequest(kind: ReplyKind, subject: Subject): Reply | null {
  const { order, invoice, now } = subject;
  if (invoice === null || order.payment !== "awaiting" || invoice.expiresAt <= now) return null;
  const option: PaymentOption = {
    type: "ln",
    link: invoice.bolt11,
    amountSat: invoice.amountMsat / 1000n,
    expirySeconds: Math.floor((invoice.expiresAt - now) / 1000),
  };
  return {
    kind: "payment_request",
    options: [option],
    message: requestText(kind, subject, invoice),
    paymentId: invoice.id,
  };
}

function requestText(kind: ReplyKind, { order, items }: Subject, invoice: OpenInvoice): string {
  const goods = items.map((item) => `${item.quantity} × ${item.name}`).join(", ");
  const parts = kind === "underpaid"
    ? [
      `We received ${formatSat(BigInt(order.received_msat))} of ${
        formatSat(BigInt(order.total_msat))
      }. Please pay the rest: ${formatSat(invoice.amountMsat)}.`,
    ]
    : [`${goods}: ${formatSat(invoice.amountMsat)} in all, shipping included.`];
  const rate = order.rate === null ? null : JSON.parse(order.rate) as { currency: string; per_btc: string };
  if (rate) parts.push(`1 BTC = ${rate.per_btc} ${rate.currency}.`);
  if (items.some((item) => item.digital === 0) && !order.address) {
    parts.push("Please tell us where to send it: answer this message with your address.");
  }
  return parts.join(" ");
}

function status({ order, items }: Subject, message: string): Reply {
  const paid = ["paid", "overpaid", "refund_due"].includes(order.payment);
  const digital = items.length > 0 && items.every((item) => item.digital === 1);
  return {
    kind: "status",
    status: statusOf({ payment: order.payment, fulfilment: order.fulfilment }),
    paid,
    // Digital goods are never on the way: sent is delivered.
    shipped: order.fulfilment === "shipped" || (order.fulfilment === "delivered" && !digital),
    delivered: order.fulfilment === "delivered",
    message,
  };
}

function statusText(kind: ReplyKind, { order, digitalContent }: Subject): string {
  switch (kind) {
    case "paid":
      return order.payment === "overpaid"
        ? `Payment received: ${formatSat(BigInt(order.received_msat))}, more than the ${
          formatSat(BigInt(order.total_msat))
        } owed. We'll come back to you about the rest.`
        : `Payment received: ${formatSat(BigInt(order.received_msat))}. Thank you!`;
    case "shipped": {
      const { carrier, tracking } = order.tracking === null
        ? { carrier: null, tracking: null }
        : JSON.parse(order.tracking) as { carrier: string | null; tracking: string | null };
      return `Your order is on its way.${carrier ? ` Carrier: ${carrier}.` : ""}${
        tracking ? ` Tracking: ${tracking}.` : ""
      }`;
    }
    case "delivered":
      return digitalContent.length > 0 ? digitalContent.join("\n\n") : "Your order is complete.";
    case "refund_due":
      return "Your payment arrived, but the goods can't be given for it any more. You'll get it back.";
    case "refunded":
      return "Your payment was refunded.";
    default:
      return stateText(order);
  }
}

/** Where an order stands, for a customer who asks again. */
function stateText(order: OrderRow): string {
  if (order.fulfilment === "delivered") return "This order is complete.";
  if (order.fulfilment === "shipped") return "This order is paid and on its way.";
  if (order.payment === "refund_due") {
    return "This order was paid and can't be fulfilled. You'll get your payment back.";
  }
  if (order.payment === "refunded") return "This order was refunded.";
  return "This order is paid and will be sent.";
}
