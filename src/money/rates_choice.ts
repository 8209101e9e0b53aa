import { priceSources } from "./live/price_source.ts";
import { parseFixedRates } from "./rates.ts";

/** What NCC_RATES chooses: sources to be asked, rates that are set by hand (as `fixedRates` reads them), or none. */
export type RatesChoice =
  | { kind: "live"; sources: string[] }
  | { kind: "fixed"; rates: string }
  | { kind: "none" };

/** What the text chooses, or why it chooses nothing; `word`: the name that is no source's. */
export type RatesChoiceReading =
  | { ok: true; choice: RatesChoice }
  | { ok: false; reason: string; word?: string };

/** The names that NCC_RATES knows. */
export const sourceNames: readonly string[] = priceSources.map(({ name }) => name);

/** Reads `coinbase,kraken,…`, `fixed:EUR=90000,…` or `none`. */
export function readRatesChoice(text: string): RatesChoiceReading {
  const trimmed = text.trim();
  if (trimmed === "none") return { ok: true, choice: { kind: "none" } };
  if (trimmed.startsWith("fixed:")) {
    const read = parseFixedRates(trimmed);
    return read.ok ? { ok: true, choice: { kind: "fixed", rates: trimmed } } : read;
  }
  const names = trimmed.split(",").map((name) => name.trim().toLowerCase()).filter((name) => name !== "");
  const word = names.find((name) => !sourceNames.includes(name));
  if (word !== undefined) {
    const known = `There are: ${sourceNames.join(", ")}; or fixed:EUR=90000, or none.`;
    return {
      ok: false,
      word,
      reason: `contains ${JSON.stringify(word)}, which is no source of rates. ${known}`,
    };
  }
  const sources = [...new Set(names)];
  if (sources.length < 2) {
    return {
      ok: false,
      reason: "must name at least two sources: nobody would notice that a single one is wrong.",
    };
  }
  return { ok: true, choice: { kind: "live", sources } };
}
