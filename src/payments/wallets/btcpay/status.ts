import type { InvoiceStatus } from "../../wallet.ts";
import { type InvoiceData, msatOfBtc, type Received } from "./answers.ts";

/** What BTCPay's word alone says; null when it depends on the money that came. */
export function plainStatus({ status, additionalStatus }: InvoiceData): InvoiceStatus | null {
  switch (status) {
    // Paid in part it stays open for the rest, until it ends.
    case "New":
      return { status: "open" };
    // Paid in full, and not confirmed yet as the store's speed policy wants it: a day after its end it is one or the other.
    case "Processing":
      return { status: "held" };
    case "Invalid":
      return { status: "cancelled" };
    case "Expired":
      return (additionalStatus ?? "None") === "None" ? { status: "expired" } : null;
    case "Settled":
      return null;
  }
}

/**
 * What has come for an invoice that is over. Settled: all of it is confirmed. Expired with money (paid late, in part, or too
 * much): BTCPay leaves it to the merchant, and so do we, to the order's rules, once everything is confirmed.
 */
export function moneyStatus(
  { status, additionalStatus, amount }: InvoiceData,
  { msat, at, pending }: Received,
  now: number,
): InvoiceStatus {
  if (status === "Expired" && (msat === 0n || pending)) return { status: "expired" };
  // Marked by hand: the merchant says that it is paid, with money or without.
  const marked = additionalStatus === "Marked" && msat < (msatOfBtc(String(amount ?? "")) ?? 0n);
  const settledAt = at ?? now;
  return marked || msat === 0n
    ? { status: "settled", amountMsat: null, settledAt }
    : { status: "settled", amountMsat: msat, exact: true, settledAt };
}
