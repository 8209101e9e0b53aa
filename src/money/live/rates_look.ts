import type { Rate } from "../rates.ts";

/**
 * How a currency stands: `fresh`: quoted; `stale`: there is no young rate, and `why` says so; `unknown`: nobody has been asked
 * yet; `unoffered`: fewer than two of the sources have this currency at all.
 */
export interface CurrencyLook {
  currency: string;
  state: "fresh" | "stale" | "unknown" | "unoffered";
  /** The last rate, however old; null when there never was one. */
  last: Rate | null;
  why: string | null;
}

/** What is to be seen of the rates. */
export interface RatesLook {
  /** Those that are in use. */
  currencies: CurrencyLook[];
  /** All that may be asked, with what is wrong with them. */
  sources: { name: string; error: string | null }[];
  now: number;
}

/** Why a currency can't have a rate. */
export function tooFew(currency: string, have: readonly string[]): string {
  return `${have.length === 0 ? "none" : `only ${have[0]}`} of the sources in NCC_RATES has ${currency}`;
}

/** A line for people about these currencies: rates, who stands for them, their age; or what is wrong, and with whom. */
export function ratesText({ sources, now }: RatesLook, currencies: readonly CurrencyLook[]): string {
  const lines = currencies.map(({ currency, state, last, why }) => {
    if (state === "fresh") {
      return `${last!.perBtc} ${currency} (${last!.sources.join(", ")}; ${ageText(now - last!.at)})`;
    }
    if (state === "unknown") return `${currency}: being asked for`;
    const before = last === null ? "" : `, the last was ${last.perBtc} ${ageText(now - last.at)}`;
    return `no rate for ${currency}: ${why}${before}`;
  });
  const failing = sources.flatMap(({ name, error }) => error === null ? [] : [`${name}: ${error}`]);
  return [...lines, ...failing].join("; ");
}

/** For people: "12 s old". */
function ageText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s old`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min old` : `${Math.round(minutes / 60)} h old`;
}
