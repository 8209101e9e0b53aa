import { exponentOf } from "../../money/currency.ts";
import { parseDecimal } from "../../money/decimal.ts";
import { ceilToSat, type Msat } from "../../money/msat.ts";
import { type Rate, toMsat } from "../../money/rates.ts";

/**
 * Whether what the customer was quoted is what Medusa asks for. Medusa doesn't round taxes, our catalogue rounds each price to the
 * smallest unit of its currency: up to half of one for each of `units` goods and for the shipping the two may differ. Beyond that
 * they are two prices.
 */
export function sameTotal(
  quotedMsat: Msat,
  theirs: { total: string; currency: string },
  o: { rate: Rate | null; units: number },
): boolean {
  if (parseDecimal(theirs.total) === null) return false;
  const exact = toMsat(theirs.total, theirs.currency, o.rate);
  const smallest = toMsat(smallestUnit(theirs.currency), theirs.currency, o.rate);
  // Whole sats, rounded up as a quote is, and half a unit for each price.
  const total = ceilToSat(exact) * 1000n;
  const most = ceilToSat({ num: smallest.num * BigInt(o.units + 1), den: smallest.den * 2n }) * 1000n;
  const apart = quotedMsat > total ? quotedMsat - total : total - quotedMsat;
  return apart <= most;
}

/** The smallest unit of a currency, as a decimal string. */
export function smallestUnit(currency: string): string {
  return `1e-${exponentOf(currency)}`;
}
