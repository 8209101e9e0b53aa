import * as paid from "./paid_rules.ts";
import * as money from "./payment_rules.ts";
import { no, type Rule } from "./rule.ts";
import { type Situation, situationOf } from "./situation.ts";
import type { OrderEvent, OrderState, Outcome } from "./types.ts";
import * as open from "./unpaid_rules.ts";

type Row<T extends OrderEvent["type"]> = Partial<Record<Situation, Rule<T>>>;

/** The same rule wherever the order waits for money. */
const waiting = <T extends OrderEvent["type"]>(rule: Rule<T>) => ({
  quoting: rule,
  awaiting: rule,
  held: rule,
});
/** The same rule wherever the order is paid and goes on: paid, overpaid, or paid twice. */
const goesOn = <T extends OrderEvent["type"]>(rule: Rule<T>) => ({
  toShip: rule,
  shipped: rule,
  delivered: rule,
});
/** The same rule wherever the whole money goes back or has gone back. */
const goesBack = <T extends OrderEvent["type"]>(rule: Rule<T>) => ({ refundDue: rule, refunded: rule });

/**
 * The life of an order (design §5): what an event does to it in each situation. Where nothing is written the event
 * changes nothing, and the outcome says so. `ended` is expired, cancelled, rejected or failed without any money.
 */
const TABLE: { [T in OrderEvent["type"]]: Row<T> } = {
  // What the customer asks for.
  requested: {
    quoting: open.answerFollows,
    awaiting: open.sendAgain,
    held: open.sendAgain,
    ended: open.repeatWhyEnded,
    ...goesOn(paid.tellState),
    ...goesBack(paid.tellState),
  },
  amended: {
    quoting: open.amended,
    awaiting: open.amended,
    held: open.amendedWhileHeld,
    ended: open.tellWhyEnded,
    ...goesOn(paid.tooLateToChange),
    ...goesBack<"amended">(paid.sayState),
  },
  retried: { ended: open.retried },
  customerCancelled: {
    ...waiting(open.cancelledByCustomer),
    ended: open.tellWhyEnded,
    ...goesOn(paid.tooLateToCancel),
    ...goesBack<"customerCancelled">(paid.sayState),
  },

  // How it gets its payment request.
  rateAwaited: { quoting: open.rateAwaited },
  quoted: { quoting: open.quoted },
  stockAwaited: { quoting: open.awaited },
  stockReserved: { quoting: open.reserved, held: open.reservedForHeld },
  stockRefused: { ...waiting(open.goodsMissing), toShip: paid.missingAfterPayment },
  invoiced: { quoting: open.invoiced, awaiting: open.invoiced },
  invoiceDelayed: { quoting: open.invoiceDelayed, awaiting: open.restInvoiceDelayed },
  invoiceFailed: { quoting: open.invoiceFailed, awaiting: open.restInvoiceFailed },
  expired: { quoting: open.expiredUnanswered, awaiting: open.expired, held: open.heldMoneyGone },

  // What the wallet says.
  paymentHeld: { awaiting: open.paymentOnHold },
  paymentSeen: {
    ...waiting(money.payment),
    ended: money.latePayment,
    ...goesOn(money.secondPayment),
    ...goesBack(money.paymentToRefund),
  },

  // What the merchant does.
  merchantCancelled: { ...waiting(open.cancelledByMerchant), ...goesOn(paid.cancelledAfterPayment) },
  accepted: {
    quoting: money.partAccepted,
    awaiting: money.partAccepted,
    ...goesOn(paid.excessKept),
    refundDue: money.takenAfterAll,
  },
  shipped: { toShip: paid.shipped, shipped: paid.shippingCorrected },
  delivered: { toShip: paid.delivered, shipped: paid.delivered },
  refunded: { ...goesOn(paid.excessRefunded), refundDue: paid.refunded },
  noted: { ...waiting(open.noted), ended: open.noted, ...goesOn(open.noted), ...goesBack(open.noted) },
};

/**
 * What an event does to an order: the new state, what has to be done about it, and the sentence for its timeline. Pure;
 * every pair of state and event has an outcome. Throws only for a state that no event leads to.
 *
 * `now` belongs to the seam; no rule needs it yet.
 */
export function next(order: OrderState, event: OrderEvent, _now: number): Outcome {
  const rule = TABLE[event.type][situationOf(order)] as Rule | undefined;
  return (rule ?? no)(order, event);
}
