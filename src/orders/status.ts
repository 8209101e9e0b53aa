import type { FulfilmentState, PaymentState } from "../db/tables.ts";
import type { StatusWord } from "./types.ts";

/** The two axes that an order's public status is derived from. */
export interface Axes {
  payment: PaymentState;
  fulfilment: FulfilmentState;
}

const WORDS: Record<PaymentState, StatusWord> = {
  quoting: "pending",
  awaiting: "pending",
  held: "pending",
  paid: "processing",
  overpaid: "processing",
  expired: "cancelled",
  cancelled: "cancelled",
  rejected: "failed",
  failed: "failed",
  refund_due: "processing",
  refunded: "refunded",
};

/** NIP-15: the `status` of an order. A paid one is completed when it is delivered. */
export function statusOf({ payment, fulfilment }: Axes): StatusWord {
  const word = WORDS[payment];
  const settled = payment === "paid" || payment === "overpaid";
  return settled && fulfilment === "delivered" ? "completed" : word;
}

/** NIP-15: `paid`. True while the merchant has the customer's money, also when it is to be given back. */
export function isPaid({ payment }: Pick<Axes, "payment">): boolean {
  return payment === "paid" || payment === "overpaid" || payment === "refund_due";
}

/** NIP-15: `shipped`. */
export function isShipped({ fulfilment }: Pick<Axes, "fulfilment">): boolean {
  return fulfilment === "shipped" || fulfilment === "delivered";
}
