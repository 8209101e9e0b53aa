import { exponentOf } from "../../money/currency.ts";
import { type Decimal, formatDecimal } from "../../money/decimal.ts";

/** Medusa computes taxes and doesn't round them; its answers are floats, whose last digits say nothing. */
const MEANT_DIGITS = 10;

/** An amount that Medusa computed as the currency writes it: commercially rounded to its decimals. */
export function toCurrency(amount: Decimal, currency: string): string {
  return formatDecimal(rounded(rounded(amount, MEANT_DIGITS), exponentOf(currency)));
}

/** Half goes away from zero. */
function rounded({ units, scale }: Decimal, digits: number): Decimal {
  if (scale <= digits) return { units, scale };
  const step = 10n ** BigInt(scale - digits);
  const half = units < 0n ? -step / 2n : step / 2n;
  return { units: (units + half) / step, scale: digits };
}
