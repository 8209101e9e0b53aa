import type { PaymentState } from "../../db/tables.ts";
import type { Payable } from "./payable_store.ts";

/**
 * Where a payment stands, for who has the page: it is waited for; on its way; there; being sent back or back; too late; of no
 * use any more; or its invoice is still being made.
 */
export const payStates = ["making", "waiting", "held", "paid", "returned", "expired", "closed"] as const;
export type PayState = typeof payStates[number];

/** The invoice that is to be paid. Times in ms. */
export interface OpenInvoice {
  bolt11: string;
  paymentHash: string;
  amountMsat: bigint;
  expiresAt: number;
}

export type PayLook = { state: "waiting"; invoice: OpenInvoice } | { state: Exclude<PayState, "waiting"> };

const STATES: Record<Exclude<PaymentState, "awaiting">, Exclude<PayState, "waiting">> = {
  quoting: "making",
  held: "held",
  paid: "paid",
  overpaid: "paid",
  refund_due: "returned",
  refunded: "returned",
  expired: "expired",
  cancelled: "closed",
  rejected: "closed",
  failed: "closed",
};

/** How a payment looks at this time (ms). */
export function payLook(
  { payment, comesOnChain, invoices }: Pick<Payable, "payment" | "comesOnChain" | "invoices">,
  now: number,
): PayLook {
  if (payment !== "awaiting") return { state: STATES[payment] };
  if (comesOnChain) return { state: "held" };
  const open = invoices.find((one) => one.state === "open");
  if (!open?.bolt11 || open.payment_hash === null || open.expires_at === null) return { state: "making" };
  // The order ends a moment later.
  if (open.expires_at <= now) return { state: "expired" };
  const { bolt11, payment_hash: paymentHash, expires_at: expiresAt } = open;
  return {
    state: "waiting",
    invoice: { bolt11, paymentHash, amountMsat: BigInt(open.amount_msat), expiresAt },
  };
}
