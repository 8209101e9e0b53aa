import { isBitcoinUnit, isKnownCurrency, normaliseCurrency } from "../money/currency.ts";
import { formatDecimal, parseDecimal } from "../money/decimal.ts";
import { ceilToSat, type Msat, satToMsat } from "../money/msat.ts";
import { toMsat } from "../money/rates.ts";
import { checkTotal, freeze } from "../orders/pricing.ts";
import type { Terms } from "../orders/terms.ts";
import type { FrozenRate } from "../orders/types.ts";

/** A price as it was named: a plain decimal number, in an ISO 4217 currency or one of Bitcoin's units. */
export interface Asked {
  amount: string;
  currency: string;
}

/** What a price comes to, or why it can't be taken; `later`: it may be, in a while. */
export type Priced =
  | { ok: true; totalMsat: Msat; rate: FrozenRate | null }
  | { ok: false; code: "invalid" | "no_rate" | "too_small" | "too_large"; reason: string; later?: true };

/** The same price always in the same words: `10.50 eur` and `10.5 EUR` are one. Null when it is no amount. */
export function straightened({ amount, currency }: Asked): Asked | null {
  const decimal = parseDecimal(amount);
  return decimal === null || decimal.units <= 0n || !isKnownCurrency(currency)
    ? null
    : { amount: formatDecimal(decimal), currency: normaliseCurrency(currency) };
}

/** Prices what a till asks for, by the rates of now: rounded up once, to whole sats. */
export function priced(asked: Asked, terms: Pick<Terms, "rate" | "rateMayCome" | "limits">): Priced {
  const { amount, currency } = asked;
  const rate = isBitcoinUnit(currency) ? null : terms.rate(currency);
  if (rate === null && !isBitcoinUnit(currency)) {
    const later = terms.rateMayCome?.(currency) === true;
    const reason = later
      ? `There is no exchange rate for ${currency} right now. Try again in a few seconds.`
      : `There are no exchange rates for ${currency} here (NCC_RATES).`;
    return { ok: false, code: "no_rate", reason, ...(later && { later }) };
  }
  const totalMsat = satToMsat(ceilToSat(toMsat(amount, currency, rate)));
  return checkTotal(totalMsat, terms.limits) ?? { ok: true, totalMsat, rate: rate && freeze(rate) };
}

/** An amount of the invoice's own currency at the invoice's own rate, as much as it cost: up to whole sats. */
export function atItsRate(asked: Asked, rate: FrozenRate | null): Msat {
  const frozen = rate && { currency: rate.currency, perBtc: rate.per_btc, sources: [], at: 0 };
  return satToMsat(ceilToSat(toMsat(asked.amount, asked.currency, frozen)));
}
