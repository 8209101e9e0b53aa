import { exponentOf, isKnownCurrency, normaliseCurrency } from "../money/currency.ts";
import { decimalOf, formatDecimal } from "../money/decimal.ts";
import { invalid, type Refusal } from "./refusal.ts";

/** Digits of an amount that every client reads back exactly, even into a float (IEEE 754: 15 are always safe). */
const MAX_DIGITS = 15;

/**
 * A decimal in its one plain form: `12.50` and `12.5` are "12.5", `1e2` is "100". Null for what is no number, is negative,
 * or has more than 15 digits. A JSON number counts as the shortest decimal that means it, so 0.1 is "0.1".
 */
export function plainDecimal(value: number | string): string | null {
  const decimal = decimalOf(value);
  if (!decimal || decimal.units < 0n) return null;
  const text = formatDecimal(decimal);
  return text.replace(".", "").replace(/^0+/, "").length <= MAX_DIGITS && text.length <= 40 ? text : null;
}

/** Reads the currency of a stall or product: `sat`, `BTC` or an ISO 4217 code, as we write it. */
export function readCurrency(text: string, pointer: string): { ok: true; currency: string } | Refusal {
  const currency = normaliseCurrency(text);
  if (currency === "msat" || !isKnownCurrency(currency)) {
    return invalid(
      `${text} is no currency known here: use sat, BTC or an ISO 4217 code such as EUR`,
      pointer,
    );
  }
  return { ok: true, currency };
}

/** Reads an amount of a currency: at least 0, no more decimals than the currency has (sat: none). */
export function readAmount(
  value: number | string,
  currency: string,
  pointer: string,
): { ok: true; amount: string } | Refusal {
  const amount = plainDecimal(value);
  if (amount === null) return invalid("must be a decimal of at least 0 with at most 15 digits", pointer);
  const decimals = exponentOf(currency);
  if ((amount.split(".")[1]?.length ?? 0) > decimals) {
    const rule = decimals === 0 ? "has no decimals" : `has ${decimals} decimals`;
    return invalid(`${amount} ${currency}: ${currency} ${rule}`, pointer);
  }
  return { ok: true, amount };
}
