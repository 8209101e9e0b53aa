import { ceilToSat, formatSat, type Msat } from "../money/msat.ts";
import type { SettledStatus } from "./wallet.ts";

/** What is booked, and why it isn't what the wallet said; null when it is. */
export interface BelievedAmount {
  amountMsat: Msat;
  doubt: string | null;
}

/**
 * What arrived, by what the wallet says and what was asked for. No node takes more than twice an invoice's amount (BOLT 4),
 * so of what came by Lightning all that is beyond, and what is exactly a thousandth, are slips of units: the invoice was paid,
 * and its amount counts. What was believed too easily here would be paid out by a refund.
 */
export function believedAmount(
  { amountMsat: saidMsat, exact }: Pick<SettledStatus, "amountMsat" | "exact">,
  askedMsat: Msat,
): BelievedAmount {
  if (saidMsat === null) return { amountMsat: askedMsat, doubt: null };
  const inSats = saidMsat === ceilToSat(askedMsat) || saidMsat === askedMsat / 1000n;
  if (exact || (saidMsat <= askedMsat * 2n && !inSats)) return { amountMsat: saidMsat, doubt: null };
  return {
    amountMsat: askedMsat,
    doubt: `The wallet says that ${formatSat(saidMsat)} arrived, which can't be for an invoice of ${
      formatSat(askedMsat)
    }: the invoice's amount counts.`,
  };
}
