import { formatSat } from "../money/msat.ts";
import { changed, owed, promise, refused, type Rule, sentence } from "./rule.ts";
import type { Effect, OrderEvent, OrderState, Outcome } from "./types.ts";

/** What happens to orders before money has reached them, and to those that ended without any. */

const CANCELLED = "This order is cancelled, as you asked.";
const CANCELLED_BEFORE =
  "We have no order with this id. If it still reaches us, it counts as cancelled, as you asked.";
const APOLOGY = "Your invoice takes longer than it should. We're sorry: it follows as soon as we have it.";

/** Nothing new to send: the payment request is being made. */
export const answerFollows: Rule<"requested"> = (order) =>
  changed(order, {}, [], "The customer asked again; the answer is on its way.");

/** The open payment request again. For a rest it says what was received. */
export const sendAgain: Rule<"requested"> = (order) =>
  changed(
    order,
    {},
    [paymentRequestAgain(order)],
    "The customer asked again and gets the payment request again.",
  );

/** A repeat, a change or a cancellation of an order that ended unpaid: the answer is why it ended (design §4). */
export function tellWhyEnded(order: OrderState, event: OrderEvent): Outcome {
  return refused(order, event, [{ do: "reply", reply: endedReply(order) }]);
}

/** The same without refusing anything: the customer only asked. */
export const repeatWhyEnded: Rule<"requested"> = (order) =>
  changed(
    order,
    {},
    [{ do: "reply", reply: endedReply(order) }],
    "The customer asked again and is told why it ended.",
  );

/**
 * What was refused or has failed may be asked for again, corrected or not: nothing of it can be paid. What was cancelled or
 * has expired had its chance, unless who asks wants just that.
 */
export const retried: Rule<"retried"> = (order, event) => {
  const again = order.payment === "rejected" || order.payment === "failed" ||
    (order.payment === "expired" && event.evenExpired === true);
  if (!again) return tellWhyEnded(order, event);
  const totalMsat = event.totalMsat ?? order.totalMsat;
  const revision = order.revision + 1;
  if (event.reason === undefined) {
    return changed(
      order,
      { payment: "quoting", totalMsat, revision },
      [prepare(order)],
      `Asked for again and taken this time: ${formatSat(totalMsat)}.`,
    );
  }
  const reason = sentence(event.reason);
  return {
    state: { ...order, payment: "rejected", totalMsat, revision },
    reason,
    effects: [{ do: "reply", reply: "refusal", note: reason }],
    timeline: `Asked for again and refused: ${reason}`,
  };
};

/** Nothing speaks against the order, but nobody can say what it comes to. */
export const rateAwaited: Rule<"rateAwaited"> = (order, { currency }) =>
  changed(
    order,
    {},
    [{ do: "awaitRate" }],
    `There is no exchange rate for ${currency} now: it waits for one.`,
  );

/** The total, frozen. */
export const quoted: Rule<"quoted"> = (order, { totalMsat }) =>
  changed(order, { totalMsat }, [], `Priced at ${formatSat(totalMsat)}.`);

/** The goods are held here; the other system that sells them has the last word. */
export const awaited: Rule<"stockAwaited"> = (order) =>
  changed(order, {}, [{ do: "awaitStock" }], "The goods are held here; they are confirmed next.");

/** The goods are held: the wallet may be asked. */
export const reserved: Rule<"stockReserved"> = (order) =>
  changed(order, {}, [{ do: "createInvoice" }], "The goods are there.");

/** With a hold invoice the goods are reserved when the payment is there. */
export const reservedForHeld: Rule<"stockReserved"> = (order) =>
  changed(order, {}, [], "The goods are reserved for the payment on hold.");

/** The goods can't be had, or the order can't be taken for another reason. */
export const goodsMissing: Rule<"stockRefused"> = (order, event) => {
  const reason = sentence(event.reason);
  return ended(order, "rejected", reason, `Refused: ${reason}`, [{
    do: "reply",
    reply: "refusal",
    note: reason,
  }]);
};

/** The invoice is there and goes to the customer. */
export const invoiced: Rule<"invoiced"> = (order) =>
  changed(
    order,
    { payment: "awaiting" },
    [{ do: "reply", reply: order.receivedMsat > 0n ? "underpaid" : "payment_request" }],
    order.receivedMsat > 0n
      ? `Payment request for the rest: ${formatSat(owed(order))}.`
      : `Payment request for ${formatSat(owed(order))}.`,
  );

/** The customer hears of the delay; the order goes on waiting (design §5: after 25 s). */
export const invoiceDelayed: Rule<"invoiceDelayed"> = (order, { reason }) =>
  changed(
    order,
    {},
    [{ do: "reply", reply: "apology", note: reason ?? APOLOGY }],
    reason === undefined
      ? "The wallet hasn't made an invoice yet; the customer is told that it takes longer."
      : `The customer is told: ${reason}`,
  );

/** The same for the rest of a part payment; an order that has its invoice out waits for none. */
export const restInvoiceDelayed: Rule<"invoiceDelayed"> = (order, event) =>
  order.receivedMsat > 0n ? invoiceDelayed(order, event) : refused(order, event);

/** The order ends without a payment request. */
export const invoiceFailed: Rule<"invoiceFailed"> = (order, event) => {
  const reason = sentence(event.reason);
  return ended(order, "failed", reason, `No invoice could be made: ${reason}`, [
    { do: "reply", reply: "apology", note: reason },
  ]);
};

/** While an invoice is out, failing to make another one ends nothing, unless it was for the rest of a part payment. */
export const restInvoiceFailed: Rule<"invoiceFailed"> = (order, event) =>
  order.receivedMsat > 0n ? invoiceFailed(order, event) : refused(order, event);

/** A hold invoice: the money is on its way and can still be let go. */
export const paymentOnHold: Rule<"paymentHeld"> = (order) =>
  changed(order, { payment: "held" }, [], "The payment is on hold with the wallet.");

/** The wallet has let the money go before we took it: the customer has it, and hears of it. */
export const heldMoneyGone: Rule<"expired"> = (order) => {
  const reason = "Your payment couldn't be taken in time and went back to you. Please order again.";
  return ended(order, "expired", reason, "The payment on hold went back before it was taken.", [
    { do: "reply", reply: "cancelled", note: reason },
  ]);
};

/** The customer has a payment request and lets it run out: nothing is sent (design §4). */
export const expired: Rule<"expired"> = (order) =>
  ended(
    order,
    "expired",
    "This order expired before it was paid. Please order again.",
    "Expired unpaid.",
    [],
  );

/** Nothing was ever sent, so silence would be all that the customer gets. */
export const expiredUnanswered: Rule<"expired"> = (order) => {
  const reason = "This order couldn't be prepared in time. Please order again.";
  return ended(order, "expired", reason, "Expired before there was a payment request.", [
    { do: "reply", reply: "refusal", note: reason },
  ]);
};

/**
 * The customer may cancel as long as nothing is paid. A cancellation can come before its order; one that never was priced is
 * no news for the merchant.
 */
export const cancelledByCustomer: Rule<"customerCancelled"> = (order, { unknown }) => {
  const note = unknown ? CANCELLED_BEFORE : CANCELLED;
  const effects: Effect[] = [{ do: "reply", reply: "cancelled", note }];
  if (order.totalMsat > 0n) effects.push({ do: "notify", what: "cancelled" });
  return ended(
    order,
    "cancelled",
    "This order was cancelled by the customer.",
    "Cancelled by the customer.",
    effects,
  );
};

/** The merchant may cancel as long as nothing is paid, and says why. */
export const cancelledByMerchant: Rule<"merchantCancelled"> = (order, event) => {
  const reason = sentence(event.reason || "The merchant cancelled this order");
  return ended(order, "cancelled", reason, `Cancelled by the merchant: ${reason}`, [
    { do: "reply", reply: "cancelled", note: reason },
  ]);
};

/**
 * The same id with another content. Without money in it the order takes the change: an unchanged total keeps its
 * invoice, a changed one gets another and goes back to `quoting` until that is there; the old one stays watched.
 * What can't be priced, and any change once money has come, leaves the order as it was and says so.
 */
export const amended: Rule<"amended"> = (order, event) => {
  if (order.receivedMsat > 0n) return keptAsItWas(order, "Part of it is already paid.");
  if (event.totalMsat === null) return keptAsItWas(order, sentence(event.reason ?? "It couldn't be read"));
  const revision = order.revision + 1;
  if (event.totalMsat === order.totalMsat) {
    const effects: Effect[] = order.payment === "awaiting" ? [{ do: "resendInvoice" }] : [];
    return changed(order, { revision }, effects, "Changed by the customer; the total stays the same.");
  }
  return changed(
    order,
    { revision, payment: "quoting", totalMsat: event.totalMsat },
    [{ do: "voidInvoice" }, prepare(order)],
    `Changed by the customer: ${formatSat(event.totalMsat)} instead of ${formatSat(order.totalMsat)}.`,
  );
};

/** The held payment is for the order as it was. */
export const amendedWhileHeld: Rule<"amended"> = (order) =>
  keptAsItWas(order, "Its payment is already on the way.");

/** A remark for the timeline; it changes nothing. */
export const noted: Rule<"noted"> = (order, { text }) => changed(order, {}, [], text);

/** What comes before the payment request of an order whose goods are held. */
function prepare({ confirmedElsewhere }: OrderState): Effect {
  return { do: confirmedElsewhere ? "awaitStock" : "createInvoice" };
}

function keptAsItWas(order: OrderState, reason: string): Outcome {
  const valid = order.payment === "awaiting" ? " Its payment request stays valid." : "";
  return {
    state: order,
    effects: [{
      do: "reply",
      reply: "refusal",
      note: `This order can't be changed: ${reason} It stands as it was.${valid}`,
    }],
    timeline: `A change was refused: ${reason}`,
    ignored: true,
  };
}

function paymentRequestAgain(order: OrderState): Effect {
  return order.receivedMsat > 0n ? { do: "reply", reply: "underpaid" } : { do: "resendInvoice" };
}

function endedReply({ payment }: OrderState): "cancelled" | "refusal" {
  return payment === "expired" || payment === "cancelled" ? "cancelled" : "refusal";
}

/** Ends an order that waits for money. What it has received of a part payment goes back: no sat without a trace. */
function ended(
  order: OrderState,
  payment: "expired" | "cancelled" | "rejected" | "failed",
  reason: string,
  timeline: string,
  effects: Effect[],
): Outcome {
  const end: Effect[] = [{ do: "voidInvoice" }, { do: "releaseStock" }];
  if (order.receivedMsat === 0n) {
    return { state: { ...order, payment }, reason, effects: [...end, ...effects], timeline };
  }
  const received = formatSat(order.receivedMsat);
  return {
    state: { ...order, payment: "refund_due" },
    reason,
    effects: [
      ...end,
      { do: "refund", amountMsat: null },
      { do: "reply", reply: "refund_due", note: `${reason} ${promise(order)}` },
      { do: "notify", what: "refund_due" },
    ],
    timeline: `${timeline} The ${received} received are to be refunded.`,
  };
}
