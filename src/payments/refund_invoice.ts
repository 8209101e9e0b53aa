import { formatSat, type Msat } from "../money/msat.ts";
import { type Bolt11, decodeBolt11 } from "./bolt11.ts";
import type { Network } from "./wallet.ts";

/** What a customer's invoice must fit. */
export interface RefundTerms {
  amountMsat: Msat;
  /** The network that the money came by. */
  network: Network;
  /** How long it must still be good for. Default: five minutes. */
  leastLeftMs?: number;
  /** ms since 1970. */
  now: number;
}

export type ReadRefundInvoice = { ok: true; invoice: Bolt11 } | { ok: false; reason: string };

/** An approval and the way to the customer take a while. */
const LEAST_LEFT_MS = 5 * 60_000;

/** Whether a refund can be paid to this invoice: readable, of the right network and amount (or of none), not about to expire. The reason is for the customer. */
export function checkRefundInvoice(bolt11: string, terms: RefundTerms): ReadRefundInvoice {
  const read = decodeBolt11(bolt11);
  if (!read.ok) return { ok: false, reason: `It can't be read: ${read.reason}.` };
  const { invoice } = read;
  if (invoice.network !== terms.network) return { ok: false, reason: "It is for another network." };
  if (invoice.amountMsat !== null && invoice.amountMsat !== terms.amountMsat) {
    return {
      ok: false,
      reason: `It is over ${formatSat(invoice.amountMsat)} instead of ${formatSat(terms.amountMsat)}.`,
    };
  }
  if (expiryOf(invoice) <= terms.now) return { ok: false, reason: "It has expired." };
  const least = terms.leastLeftMs ?? LEAST_LEFT_MS;
  if (expiryOf(invoice) - terms.now < least) {
    return {
      ok: false,
      reason: `It expires within ${least === LEAST_LEFT_MS ? "five minutes" : `${least / 1_000} s`}.`,
    };
  }
  return { ok: true, invoice };
}

/** When an invoice expires, ms since 1970. */
export function expiryOf({ timestamp, expirySeconds }: Bolt11): number {
  return (timestamp + expirySeconds) * 1000;
}

/** The network that an invoice's first letters name; null for other texts. */
export function networkOf(bolt11: string): Network | null {
  return /^ln(bcrt|bc|tbs|tb)/i.exec(bolt11)?.[1]?.toLowerCase() as Network | undefined ?? null;
}
