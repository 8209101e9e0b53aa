import type { OrderEvent, OrderState } from "./types.ts";

/**
 * The columns of the life cycle's table. An order in `refund_due` that has a fulfilment goes on (only the excess of a
 * double payment goes back), so it stands with the paid ones; `refundDue` is one whose whole money goes back.
 */
export type Situation =
  | "quoting"
  | "awaiting"
  | "held"
  | "ended"
  | "toShip"
  | "shipped"
  | "delivered"
  | "refundDue"
  | "refunded";

/** Where an order stands. Throws on a pair of axes that no event leads to: the row was written by something else. */
export function situationOf({ payment, fulfilment }: OrderState): Situation {
  switch (payment) {
    case "quoting":
    case "awaiting":
    case "held":
      if (fulfilment === "none") return payment;
      break;
    case "expired":
    case "cancelled":
    case "rejected":
    case "failed":
      if (fulfilment === "none") return "ended";
      break;
    case "paid":
    case "overpaid":
      if (fulfilment !== "none") return ofGoods(fulfilment);
      break;
    case "refund_due":
      return fulfilment === "none" ? "refundDue" : ofGoods(fulfilment);
    case "refunded":
      if (fulfilment === "none") return "refunded";
      break;
  }
  throw new Error(`an order can't be ${payment} and ${fulfilment}`);
}

function ofGoods(fulfilment: "unfulfilled" | "shipped" | "delivered"): Situation {
  return fulfilment === "unfulfilled" ? "toShip" : fulfilment;
}

/** Completes "an order that …" for the timeline. */
export function describe(order: OrderState): string {
  switch (situationOf(order)) {
    case "quoting":
      return "is still being prepared";
    case "awaiting":
      return "waits for payment";
    case "held":
      return "has its payment on hold";
    case "ended":
      return ENDED[order.payment] ?? "has ended";
    case "toShip":
      return "is paid and not sent yet";
    case "shipped":
      return "is on its way";
    case "delivered":
      return "is complete";
    case "refundDue":
      return "waits for its refund";
    case "refunded":
      return "was refunded";
  }
}

const ENDED: Partial<Record<OrderState["payment"], string>> = {
  expired: "has expired",
  cancelled: "was cancelled",
  rejected: "was refused",
  failed: "has failed",
};

/** What an event is called in the timeline when it changes nothing. */
export const eventNames: Record<OrderEvent["type"], string> = {
  requested: "a repeated order",
  amended: "a change",
  retried: "another try",
  rateAwaited: "a missing exchange rate",
  quoted: "a price",
  stockAwaited: "a question for the goods",
  stockReserved: "a reservation",
  stockRefused: "missing stock",
  invoiced: "an invoice",
  invoiceDelayed: "a late invoice",
  invoiceFailed: "a failed invoice",
  paymentHeld: "a payment on hold",
  paymentSeen: "a payment",
  expired: "expiry",
  customerCancelled: "a cancellation by the customer",
  merchantCancelled: "a cancellation",
  accepted: "acceptance",
  shipped: "shipping",
  delivered: "delivery",
  refunded: "a refund",
  noted: "a note",
};
