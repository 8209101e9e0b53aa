/** Bitcoin's own units, which need no exchange rate. */
const BITCOIN_UNITS: Record<string, string> = {
  sat: "sat",
  sats: "sat",
  satoshi: "sat",
  satoshis: "sat",
  msat: "msat",
  msats: "msat",
  millisat: "msat",
  millisats: "msat",
  btc: "BTC",
  xbt: "BTC",
  bitcoin: "BTC",
};

const EXPONENTS: Record<string, number> = { sat: 0, msat: 0, BTC: 8 };

/** How we write a currency: `sat`, `msat`, `BTC`, and ISO 4217 codes in upper case. Any other text comes back in upper case. */
export function normaliseCurrency(text: string): string {
  const trimmed = text.trim();
  return Object.hasOwn(BITCOIN_UNITS, trimmed.toLowerCase())
    ? BITCOIN_UNITS[trimmed.toLowerCase()]!
    : trimmed.toUpperCase();
}

/** Whether prices may be in this currency: one of Bitcoin's units, or an ISO 4217 code that the runtime knows. */
export function isKnownCurrency(text: string): boolean {
  const currency = normaliseCurrency(text);
  return isBitcoinUnit(currency) || Intl.supportedValuesOf("currency").includes(currency);
}

/** Whether amounts in this currency need no exchange rate. */
export function isBitcoinUnit(text: string): boolean {
  return Object.hasOwn(EXPONENTS, normaliseCurrency(text));
}

/** Digits after the decimal point that the currency has: EUR 2, JPY 0, KWD 3, BTC 8, sat 0 (ISO 4217, by the runtime's tables). */
export function exponentOf(text: string): number {
  const currency = normaliseCurrency(text);
  if (Object.hasOwn(EXPONENTS, currency)) return EXPONENTS[currency]!;
  if (!/^[A-Z]{3}$/.test(currency)) {
    throw new Error(`${currency} is no currency code: three letters such as EUR, or sat, msat, BTC`);
  }
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions()
    .maximumFractionDigits ?? 2;
}
