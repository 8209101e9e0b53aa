import { formatSat } from "../money/msat.ts";
import { alreadyOut } from "./paid_rules.ts";
import {
  changed,
  type EventOf,
  goingBack,
  owed,
  promise,
  refused,
  type Rule,
  SMALLEST_MSAT,
} from "./rule.ts";
import { describe } from "./situation.ts";
import type { Effect, OrderState, Outcome } from "./types.ts";

/**
 * What money does. Every rule here adds what came to `receivedMsat`, whatever else it decides: no sat without a trace.
 * Amounts are msat as the wallet reports them.
 */

/** Money for an order that waits for it. */
export const payment: Rule<"paymentSeen"> = (order, event) => {
  const paid = received(order, event.amountMsat);
  if (!paid) return refused(order, event);
  if (order.totalMsat === 0n) {
    return changed(paid, {}, [], `${receivedText(event.amountMsat)} It has no price yet.`);
  }
  if (isEnough(paid)) return settled(paid, event.stock, receivedText(event.amountMsat));
  return changed(
    paid,
    // The rest is invoiced anew, so an amended order goes on waiting for its invoice and a held one waits again.
    { payment: order.payment === "quoting" ? "quoting" : "awaiting" },
    [{ do: "voidInvoice" }, { do: "createInvoice" }],
    `${receivedText(event.amountMsat)} ${
      formatSat(owed(paid))
    } are still owed; a payment request for the rest follows.`,
  );
};

/** So long after its time was up an order can still be paid: whoever pays its price later has watched what that is worth. */
const HONOURED_MS = 24 * 3_600_000;
const TOO_LATE = "The payment came more than a day after the order's time was up.";

/**
 * Money after the end: honoured for a day when it is enough and the goods are there, otherwise it goes back (design §5). What
 * somebody cancelled isn't sold behind their back.
 */
export const latePayment: Rule<"paymentSeen"> = (order, event) => {
  const paid = received(order, event.amountMsat);
  if (!paid) return refused(order, event);
  const late = `${receivedText(event.amountMsat)} It came late: the order ${describe(order)}.`;
  if (order.payment === "cancelled") {
    return toRefund(paid, "The payment came after the order was cancelled.", late);
  }
  if (event.lateMs > HONOURED_MS) return toRefund(paid, TOO_LATE, late);
  if (order.totalMsat > 0n && isEnough(paid)) {
    const outcome = settled(paid, event.stock, late);
    return outcome.reason === undefined ? { ...outcome, reason: "Paid late." } : outcome;
  }
  return toRefund(paid, "The payment came late and doesn't cover the order.", late);
};

/** Paid twice: the order goes on, the excess goes back. */
export const secondPayment: Rule<"paymentSeen"> = (order, event) =>
  allGoesBack(order, event, (amount) => ({
    note: `This order was already paid, and we received another ${amount}. You'll get that back. ` +
      "Your order stands.",
    text: `Paid twice: another ${amount} received, which are to be refunded.`,
  }));

/** More money for an order whose money goes back, or has gone back. */
export const paymentToRefund: Rule<"paymentSeen"> = (order, event) =>
  allGoesBack(order, event, (amount) => ({
    note: `We received ${amount} for an order that can't be fulfilled any more. You'll get that back.`,
    text: `${amount} received for an order that ${describe(order)}: they are to be refunded.`,
  }));

/** The merchant takes a part payment as the whole. Nobody's word makes an order paid that has received nothing. */
export const partAccepted: Rule<"accepted"> = (order, event) => {
  if (order.receivedMsat === 0n) {
    return refused(
      order,
      event,
      [],
      "Nothing changed: nothing has been paid, and only the wallet can say that it was.",
    );
  }
  return accepted(order, event.stock, `Accepted by the merchant with ${formatSat(order.receivedMsat)} paid.`);
};

/** The merchant takes an order after all whose money was to go back. */
export const takenAfterAll: Rule<"accepted"> = (order, event) => {
  const { outMsat, backMsat } = order.refunds;
  if (outMsat + backMsat > 0n) return refused(order, event, [], alreadyOut(outMsat + backMsat));
  const taken = accepted(order, event.stock, "Accepted by the merchant after all: nothing is refunded.");
  return taken.ignored ? taken : { ...taken, effects: [{ do: "cancelRefunds" }, ...taken.effects] };
};

function accepted(order: OrderState, stock: "held" | "available" | "short", timeline: string): Outcome {
  const event = { type: "accepted", stock } as const;
  if (order.totalMsat === 0n) {
    return refused(order, event, [], "Nothing changed: the order was never priced.");
  }
  if (stock === "short") {
    return refused(order, event, [], "Nothing changed: there isn't enough stock to accept it.");
  }
  return { ...settled(order, stock, timeline), reason: "Accepted by the merchant." };
}

/** Enough money is there: the goods are taken for it, or it goes back. */
function settled(paid: OrderState, stock: "held" | "available" | "short", text: string): Outcome {
  if (stock === "short") return toRefund(paid, "The goods are not available any more.", text);
  const over = paid.receivedMsat - paid.totalMsat;
  const credit = over >= SMALLEST_MSAT;
  const effects: Effect[] = [{ do: "voidInvoice" }, { do: "commitStock" }, { do: "reply", reply: "paid" }];
  if (paid.digital !== "none") effects.push({ do: "deliverDigital" });
  const whole = paid.digital === "whole";
  effects.push({ do: "notify", what: "paid" });
  return changed(
    paid,
    { payment: credit ? "overpaid" : "paid", fulfilment: whole ? "delivered" : "unfulfilled" },
    effects,
    [
      text,
      "Paid.",
      credit ? `${formatSat(over)} more than owed: a credit.` : "",
      whole ? "Delivered." : "",
    ]
      .filter((part) => part !== "").join(" "),
  );
}

function toRefund(paid: OrderState, reason: string, text: string): Outcome {
  return {
    state: { ...paid, payment: "refund_due", fulfilment: "none" },
    reason,
    effects: [
      { do: "voidInvoice" },
      { do: "releaseStock" },
      { do: "refund", amountMsat: null },
      { do: "reply", reply: "refund_due", note: `${reason} ${promise(paid)}` },
      { do: "notify", what: "refund_due" },
    ],
    timeline: `${text} ${reason} ${formatSat(paid.receivedMsat - goingBack(paid))} are to be refunded.`,
  };
}

/** What just came isn't the order's to keep; the rest of it stays as it is. */
function allGoesBack(
  order: OrderState,
  event: EventOf<"paymentSeen">,
  words: (amount: string) => { note: string; text: string },
): Outcome {
  const paid = received(order, event.amountMsat);
  if (!paid) return refused(order, event);
  const { note, text } = words(formatSat(event.amountMsat));
  return changed(paid, { payment: "refund_due" }, [
    { do: "refund", amountMsat: event.amountMsat },
    { do: "reply", reply: "refund_due", note },
    { do: "notify", what: "refund_due" },
  ], text);
}

/** The order with the amount added; null for an amount that is none. */
function received(order: OrderState, amountMsat: bigint): OrderState | null {
  return amountMsat > 0n ? { ...order, receivedMsat: order.receivedMsat + amountMsat } : null;
}

function isEnough(order: OrderState): boolean {
  return owed(order) < SMALLEST_MSAT;
}

function receivedText(amountMsat: bigint): string {
  return `${formatSat(amountMsat)} received.`;
}
