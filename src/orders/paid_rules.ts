import { formatSat } from "../money/msat.ts";
import { changed, goingBack, promise, refused, type Rule, sentence, SMALLEST_MSAT } from "./rule.ts";
import type { Effect, OrderEvent, OrderState, Outcome } from "./types.ts";

/** What happens to orders after money has reached them. */

const STATE: Effect = { do: "reply", reply: "state" };

/** A repeat of a paid order is answered by where it stands. */
export const tellState: Rule<"requested"> = (order) =>
  changed(order, {}, [STATE], "The customer asked again and is told how it stands.");

/** Nothing to change or to cancel where the money goes back: the answer is how it stands. */
export function sayState(order: OrderState, event: OrderEvent): Outcome {
  return refused(order, event, [STATE]);
}

/** After payment an amendment is refused with a reason (design §4). */
export const tooLateToChange: Rule<"amended"> = (order, event) =>
  refused(
    order,
    event,
    [{
      do: "reply",
      reply: "state",
      note: "This order is paid and can't be changed any more. It stands as it was.",
    }],
    "A change was refused: the order is paid.",
  );

/** Only the merchant can cancel what is paid; the wish is passed on. */
export const tooLateToCancel: Rule<"customerCancelled"> = (order, event) =>
  refused(
    order,
    event,
    [
      {
        do: "reply",
        reply: "state",
        note: "This order is already paid. The merchant is told that you'd like to cancel.",
      },
      { do: "notify", what: "cancel_requested" },
    ],
    "The customer would like to cancel; the order is paid, so the merchant decides.",
  );

/** No refund without a person: cancelling promises it, `refunded` says that it was sent. */
export const cancelledAfterPayment: Rule<"merchantCancelled"> = (order, event) => {
  const reason = sentence(event.reason || "The merchant cancelled this order");
  return refundDue(order, reason, `Cancelled by the merchant after payment: ${reason}`);
};

/** The goods turned out to be missing when they were already paid. */
export const missingAfterPayment: Rule<"stockRefused"> = (order, { reason }) =>
  refundDue(order, sentence(reason), `The goods are missing after payment: ${sentence(reason)}`);

/** The goods are on their way. What an order shows of the tracking number stays out of its timeline. */
export const shipped: Rule<"shipped"> = (order, { carrier }) =>
  changed(
    order,
    { fulfilment: "shipped" },
    [{ do: "reply", reply: "shipped" }],
    carrier === null ? "Shipped." : `Shipped with ${carrier}.`,
  );

/** Says it again with the right carrier or tracking number; without either there is nothing new to say. */
export const shippingCorrected: Rule<"shipped"> = (order, event) =>
  event.carrier === null && event.tracking === null
    ? refused(order, event)
    : changed(order, {}, [{ do: "reply", reply: "shipped" }], "Carrier or tracking number corrected.");

/** The goods are with the customer, sent before or handed over. */
export const delivered: Rule<"delivered"> = (order) =>
  changed(order, { fulfilment: "delivered" }, [{ do: "reply", reply: "delivered" }], "Delivered.");

/** All that was to go back of an order that goes on has gone: it is simply paid again, or has its credit left. */
export const excessRefunded: Rule<"refunded"> = (order, event) => {
  const { openMsat, outMsat, backMsat } = order.refunds;
  if (order.payment === "paid" || backMsat === 0n) return refused(order, event);
  if (openMsat + outMsat > 0n) {
    return refused(
      order,
      event,
      [],
      `Nothing changed: ${formatSat(openMsat + outMsat)} are still to go back.`,
    );
  }
  const credit = order.receivedMsat - backMsat - order.totalMsat >= SMALLEST_MSAT;
  if (order.payment === "overpaid" && credit) return refused(order, event);
  return changed(
    order,
    { payment: credit ? "overpaid" : "paid" },
    [{ do: "reply", reply: "state", note: "What you paid too much was sent back. Your order stands." }],
    "The excess was refunded.",
  );
};

/** The excess of a double payment stays with the merchant as the customer's credit. */
export const excessKept: Rule<"accepted"> = (order, event) => {
  if (order.payment !== "refund_due") return refused(order, event);
  const { outMsat, backMsat } = order.refunds;
  if (outMsat + backMsat > 0n) return refused(order, event, [], alreadyOut(outMsat + backMsat));
  return changed(
    order,
    { payment: "overpaid" },
    [{ do: "cancelRefunds" }, {
      do: "reply",
      reply: "state",
      note: "What you paid too much stays here as your credit. Your order stands.",
    }],
    "The excess stays as the customer's credit.",
  );
};

/** Why an order whose money has left (or may have) isn't taken after all. */
export function alreadyOut(amountMsat: bigint): string {
  return `Nothing changed: ${formatSat(amountMsat)} of it are on their way back or have gone back.`;
}

/** The whole money went back. */
export const refunded: Rule<"refunded"> = (order, event) => {
  const left = order.receivedMsat - order.refunds.backMsat;
  return left < SMALLEST_MSAT
    ? changed(order, { payment: "refunded" }, [{ do: "reply", reply: "refunded" }], "Refunded.")
    : refused(order, event, [], `Nothing changed: ${formatSat(left)} are still to be refunded.`);
};

/** The whole amount goes back and nothing will be sent any more. */
function refundDue(order: OrderState, reason: string, timeline: string): Outcome {
  if (order.receivedMsat - order.refunds.backMsat < SMALLEST_MSAT) {
    return {
      state: { ...order, payment: "refunded", fulfilment: "none" },
      reason,
      effects: [{ do: "reply", reply: "refunded", note: `${reason} Your payment has been refunded.` }],
      timeline: `${timeline} All of it has gone back before.`,
    };
  }
  return {
    state: { ...order, payment: "refund_due", fulfilment: "none" },
    reason,
    effects: [
      { do: "refund", amountMsat: null },
      { do: "reply", reply: "refund_due", note: `${reason} ${promise(order)}` },
      { do: "notify", what: "refund_due" },
    ],
    timeline: `${timeline} ${formatSat(order.receivedMsat - goingBack(order))} are to be refunded.`,
  };
}
