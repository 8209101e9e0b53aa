import type { Clock } from "../clock.ts";
import { isBitcoinUnit, isKnownCurrency, normaliseCurrency } from "./currency.ts";
import { formatDecimal, parseDecimal } from "./decimal.ts";
import { type Exact, reduce } from "./exact.ts";
import { MSAT_PER_BTC, MSAT_PER_SAT } from "./msat.ts";

/** The price of one bitcoin. */
export interface Rate {
  currency: string;
  /** A decimal number as text. */
  perBtc: string;
  /** Who said so. */
  sources: string[];
  /** When, in ms since 1970. */
  at: number;
}

/** Rates that are at hand: an order is priced inside a transaction, where nothing may be waited for. */
export interface RateSource {
  /** The rate to quote with; null when there is none fresh enough: then nothing may be quoted in that currency. */
  rate(currency: string): Rate | null;
  /** Whether there may be one in a while, so that an order in this currency can wait for it. */
  mayCome(currency: string): boolean;
}

/** Prices in sats only: there is never a rate. */
export const noRates: RateSource = { rate: () => null, mayCome: () => false };

/** What `fixed:EUR=90000,USD=100000` says, or why it says nothing. */
export type FixedRates = { ok: true; perBtc: Map<string, string> } | { ok: false; reason: string };

/** Reads `EUR=90000,USD=100000`, with or without `fixed:` before it. */
export function parseFixedRates(text: string): FixedRates {
  const perBtc = new Map<string, string>();
  for (const entry of text.replace(/^fixed:/, "").split(",")) {
    if (entry.trim() === "") continue;
    const [code = "", price = "", ...more] = entry.split("=");
    const currency = normaliseCurrency(code);
    const decimal = parseDecimal(price);
    if (more.length > 0 || !isKnownCurrency(currency) || isBitcoinUnit(currency)) {
      return {
        ok: false,
        reason: `"${entry.trim()}": expected a currency and the price of 1 BTC, such as EUR=90000`,
      };
    }
    if (!decimal || decimal.units <= 0n) {
      return {
        ok: false,
        reason: `"${entry.trim()}": the price of 1 BTC must be a positive number, such as EUR=90000`,
      };
    }
    perBtc.set(currency, price.trim());
  }
  return perBtc.size > 0
    ? { ok: true, perBtc }
    : { ok: false, reason: "no rate given, expected such as fixed:EUR=90000,USD=100000" };
}

/**
 * Rates that somebody set by hand and that are always fresh. `spread` as for `withSpread`. Throws when `text` can't be read
 * (see parseFixedRates).
 */
export function fixedRates(text: string, clock: Clock, spread = "0"): RateSource {
  const read = parseFixedRates(text);
  if (!read.ok) throw new Error(`fixed rates: ${read.reason}`);
  return {
    rate(currency) {
      const name = normaliseCurrency(currency);
      const perBtc = read.perBtc.get(name);
      if (perBtc === undefined) return null;
      return withSpread({ currency: name, perBtc, sources: ["fixed"], at: clock.now() }, spread);
    },
    mayCome: () => false,
  };
}

/** The rate as it is quoted: a bitcoin counts for `percent` less (a decimal number below 100), so that a price comes to more sats. */
export function withSpread(rate: Rate, percent: string): Rate {
  const [price, spread] = [parseDecimal(rate.perBtc), parseDecimal(percent)];
  if (!price || !spread || spread.units === 0n) return rate;
  const whole = 100n * 10n ** BigInt(spread.scale);
  const perBtc = { units: price.units * (whole - spread.units), scale: price.scale + spread.scale + 2 };
  return { ...rate, perBtc: formatDecimal(perBtc) };
}

/**
 * An amount as an exact number of msat. `rate` is needed, and must be of this currency, unless it is one of Bitcoin's
 * units. Throws when the amount is no decimal number or the rate doesn't fit: callers check both before they quote.
 */
export function toMsat(amount: string, currency: string, rate: Rate | null): Exact {
  const decimal = parseDecimal(amount);
  if (!decimal) throw new Error(`"${amount}" is no decimal number`);
  const name = normaliseCurrency(currency);
  const tens = 10n ** BigInt(decimal.scale);
  if (isBitcoinUnit(name)) {
    const unit = name === "BTC" ? MSAT_PER_BTC : name === "sat" ? MSAT_PER_SAT : 1n;
    return reduce({ num: decimal.units * unit, den: tens });
  }
  if (!rate || normaliseCurrency(rate.currency) !== name) throw new Error(`no rate for ${name}`);
  const price = parseDecimal(rate.perBtc);
  if (!price || price.units <= 0n) {
    throw new Error(`the rate for ${name} is no positive number: "${rate.perBtc}"`);
  }
  return reduce({ num: decimal.units * MSAT_PER_BTC * 10n ** BigInt(price.scale), den: tens * price.units });
}
