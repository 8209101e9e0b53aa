import { exponentOf } from "../../money/currency.ts";
import { parseDecimal } from "../../money/decimal.ts";
import { MSAT_PER_BTC } from "../../money/msat.ts";
import { type MedusaOrder, sumOf } from "./medusa_order.ts";
import { rateOf, type Situation } from "./situation.ts";

/**
 * What Medusa is told to have gone back, in its currency: by the rate that the order was paid at, rounded to the currency's smallest
 * unit, less what it knows of already, and never more than it has captured. Null: nothing that it could note.
 */
export function amountBack({ order }: Situation, theirs: MedusaOrder, backMsat: bigint): number | null {
  const rate = rateOf(order);
  const price = rate && parseDecimal(rate.perBtc);
  if (!rate || !price) return null;
  const payments = theirs.collections.flatMap((one) => one.payments);
  const captured = Number(sumOf(payments.map((one) => one.captured)));
  const known = Number(sumOf(payments.map((one) => one.refunded)));
  const exponent = exponentOf(rate.currency);
  const whole = backMsat >= BigInt(order.received_msat);
  const den = MSAT_PER_BTC * 10n ** BigInt(price.scale);
  const cents = (backMsat * price.units * 10n ** BigInt(exponent) * 2n + den) / (2n * den);
  const back = whole ? captured : Math.min(captured, Number(cents) / 10 ** exponent);
  const amount = Number((back - known).toFixed(exponent + 3));
  return amount > 0 ? amount : null;
}
