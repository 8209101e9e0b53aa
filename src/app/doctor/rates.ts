import { openDatabase } from "../../db/open.ts";
import { agree } from "../../money/live/agree.ts";
import { type PriceSource, priceSource } from "../../money/live/price_source.ts";
import { WatchedSource } from "../../money/live/watched_source.ts";
import { parseFixedRates, withSpread } from "../../money/rates.ts";
import { readRatesChoice } from "../../money/rates_choice.ts";
import { currenciesInUse } from "../currencies_store.ts";
import { hasDatabase } from "../set_up.ts";
import { RATES_AGENT } from "../shop_rates.ts";
import { type Finding, type Patient, problem, warning, well } from "./finding.ts";

const WHAT = "rates";
const ANSWERS_MISSING = "Does this machine reach them? Orders in these currencies wait until two answer.";
const MORE_SOURCES =
  "Name further sources in NCC_RATES: coinbase, kraken, bitstamp, mempool, coingecko, yadio.";

/** The exchange rates: whether those that the catalogue needs can be had. Sources are asked only if it needs any. */
export async function lookAtRates(
  patient: Patient,
  hostOf?: (source: PriceSource) => string,
): Promise<Finding> {
  const { NCC_RATES } = patient.settings;
  const read = readRatesChoice(NCC_RATES);
  if (!read.ok) return problem(WHAT, `NCC_RATES ${read.reason}`, "See: ncc help settings");
  const { choice } = read;
  const used = await currenciesOf(patient);
  if (choice.kind === "live") {
    if (used.length === 0) {
      return well(WHAT, `${choice.sources.join(", ")}: not needed, no price is in another currency`);
    }
    return await askAll(patient, choice.sources.map(priceSource), used, hostOf);
  }
  const fixed = choice.kind === "fixed" ? parseFixedRates(choice.rates) : null;
  const missing = used.filter((currency) => !(fixed?.ok && fixed.perBtc.has(currency)));
  if (missing.length > 0) {
    return problem(
      WHAT,
      `none for ${missing.join(", ")}, which prices are in`,
      "Leave NCC_RATES out, or add them to it.",
    );
  }
  if (fixed === null) return well(WHAT, "none, and none needed: all prices are in sats");
  return warning(WHAT, "fixed: they don't follow the market", "Keep NCC_RATES up to date by hand.");
}

/** The currencies of the catalogue; none where it can't be read, which is another finding. */
async function currenciesOf({ settings, clock }: Patient): Promise<string[]> {
  try {
    if (!await hasDatabase(settings)) return [];
    const database = await openDatabase(settings.NCC_DATABASE_URL ?? null, settings.NCC_DATA_DIR);
    try {
      const used = await currenciesInUse(database.kysely, clock.now());
      return [...new Set([...used.values()].flatMap((of) => [...of]))].sort();
    } finally {
      await database.close();
    }
  } catch (error) {
    // Said of the database itself; before the first start it has no tables.
    if (error instanceof Error) return [];
    throw error;
  }
}

async function askAll(
  { clock, settings }: Patient,
  asked: PriceSource[],
  used: string[],
  hostOf?: (source: PriceSource) => string,
): Promise<Finding> {
  const sources = asked.map((source) => new WatchedSource(source, { clock, agent: RATES_AGENT, hostOf }));
  const { signal } = new AbortController();
  await Promise.all(sources.map((source) => source.ask(used, signal)));
  let missing = false;
  const lines = used.map((currency) => {
    const offers = sources.flatMap(({ name, answered }) => {
      const price = answered?.prices.get(currency);
      return price === undefined ? [] : [{ source: name, price }];
    });
    const agreement = agree(offers);
    if (!agreement.ok) {
      missing = true;
      return `no rate for ${currency}: ${agreement.reason}`;
    }
    const { perBtc } = withSpread({ currency, ...agreement, at: 0 }, settings.NCC_RATE_SPREAD);
    return `${perBtc} ${currency} (${agreement.sources.join(", ")})`;
  });
  const failing = sources.flatMap(({ name, error }) => error === null ? [] : [`${name}: ${error}`]);
  const text = [...lines, ...failing].join("; ");
  if (missing) return problem(WHAT, text, failing.length > 0 ? ANSWERS_MISSING : MORE_SOURCES);
  return failing.length === 0 ? well(WHAT, text) : warning(WHAT, text, "It is asked again by itself.");
}
