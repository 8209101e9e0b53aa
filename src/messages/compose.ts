import { formatSat } from "../money/msat.ts";
import { list, shortened } from "../orders/naming.ts";
import { isPaid, isShipped, statusOf } from "../orders/status.ts";
import type { OrderSubject } from "../orders/subject.ts";
import type { Reply, ReplyKind } from "../orders/types.ts";
import { splitText } from "./split_text.ts";
import { stateText, statusText } from "./wording.ts";

/** Everything that an answer may speak of. */
export interface Subject extends OrderSubject {
  /** What a buyer of digital goods gets; only for `digital`. */
  digitalContent: string[];
  note: string | null;
  now: number;
}

/** Bytes of digital goods in one message: whatever is escaped and encrypted on its way, every relay takes it. */
const MOST_DIGITAL_BYTES = 8_000;

const CONTENT_GONE =
  "What you bought can't be sent by itself at the moment. The merchant will come back to you.";
const INVOICE_OVER =
  "The payment request has run out. If you have paid it, you'll hear from us as soon as your " +
  "payment is seen; otherwise please order again.";
const UNHELD = "Nothing is reserved for you: the goods are assigned at payment. " +
  "If they are gone by then, you get your money back.";
const ON_ITS_WAY = "Your payment is on its way. You'll hear from us as soon as it is there.";

/**
 * What an answer of this kind says as the order stands now, in the order of reading. Nothing when another answer says it: a
 * payment request that is still being made, or that an order doesn't wait for any more.
 */
export function compose(kind: ReplyKind, subject: Subject): Reply[] {
  const { order, note } = subject;
  switch (kind) {
    case "payment_request":
    case "underpaid":
      return paymentRequest(subject);
    case "refusal":
      return [refusal(subject, note ?? order.reason ?? "This order can't be fulfilled.", false)];
    case "cancelled":
      return [refusal(subject, note ?? order.reason ?? "This order was cancelled.", true)];
    case "apology":
      return [
        refusal(
          subject,
          note ?? "We can't make an invoice right now. We're sorry: please try again later.",
          false,
        ),
      ];
    case "digital": {
      const text = subject.digitalContent.join("\n\n");
      return splitText(text === "" ? CONTENT_GONE : text, MOST_DIGITAL_BYTES).map((part) =>
        status(subject, part)
      );
    }
    case "state":
      return [status(subject, withAsk(note ?? stateText(order), subject))];
    case "refund_due":
      return [status(subject, withAsk(note ?? statusText(kind, order), subject))];
    default:
      return [status(subject, note ?? statusText(kind, order))];
  }
}

/** `orderStands`: only a change was refused, or the invoice is late; the order itself waits on. */
function refusal({ order }: Subject, reason: string, cancelled: boolean): Reply {
  const stands = order.payment === "quoting" || order.payment === "awaiting" || order.payment === "held";
  return { kind: "refusal", reason, cancelled, orderStands: stands };
}

function paymentRequest(subject: Subject): Reply[] {
  const { order, invoice, now } = subject;
  if (order.payment === "held" || subject.comesOnChain) return [refusal(subject, ON_ITS_WAY, false)];
  // Expiry itself tells nobody, so who asked just before would wait in vain.
  if (order.payment === "expired") return compose("cancelled", { ...subject, note: null });
  if (order.payment !== "awaiting" || invoice === null) return [];
  const seconds = Math.floor((invoice.expiresAt - now) / 1000);
  if (seconds <= 0) return [refusal(subject, INVOICE_OVER, false)];
  return [{
    kind: "payment_request",
    options: [{ type: "ln" as const, link: invoice.bolt11 }, ...invoice.links].map((option) => ({
      ...option,
      amountSat: invoice.amountMsat / 1000n,
      expirySeconds: seconds,
    })),
    message: requestText(subject, invoice.amountMsat, seconds),
    paymentId: invoice.id,
  }];
}

function requestText({ order, items }: Subject, amountMsat: bigint, seconds: number): string {
  const goods = list(items.map((item) => `${item.quantity} × ${shortened(item.name)}`));
  const ships = items.some((item) => item.digital === 0);
  const parts = order.received_msat > 0
    ? [
      `We received ${formatSat(BigInt(order.received_msat))} of ${formatSat(BigInt(order.total_msat))}.`,
      `Please pay the rest: ${formatSat(amountMsat)}.`,
    ]
    : [`${goods}: ${formatSat(amountMsat)} in all${ships ? ", shipping included" : ""}.`];
  const rate = order.rate === null ? null : JSON.parse(order.rate) as { currency: string; per_btc: string };
  if (rate) parts.push(`1 BTC = ${rate.per_btc} ${rate.currency}.`);
  if (order.unheld === 1) parts.push(UNHELD);
  if (order.brief === 1) parts.push(brief(seconds));
  if (order.price_note !== null) parts.push(order.price_note);
  if (ships && (order.address ?? "").trim() === "") {
    parts.push("Please tell us where to send it: answer this message with your address.");
  }
  return parts.join(" ");
}

/** What holds more than a new customer's share is to be paid sooner than usual. */
function brief(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  const time = minutes < 1 ? "less than a minute" : minutes === 1 ? "1 minute" : `${minutes} minutes`;
  return `It is reserved for you for ${time} only: please pay by then.`;
}

function status({ order, items }: Subject, message: string): Reply {
  const ships = items.some((item) => item.digital === 0);
  return {
    kind: "status",
    status: statusOf(order),
    paid: isPaid(order),
    // Digital goods are never on the way: sent is delivered.
    shipped: ships && isShipped(order),
    delivered: order.fulfilment === "delivered",
    message,
  };
}

/** Money that goes back needs a destination, which only the customer can name (design §5). */
function withAsk(text: string, { refundsAwaited }: Subject): string {
  if (refundsAwaited.length === 0) return text;
  const amounts = refundsAwaited.map(formatSat).join(", and another over ");
  return `${text} Answer with a Lightning address or an invoice over ${amounts}.`;
}
