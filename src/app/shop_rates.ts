import meta from "../../deno.json" with { type: "json" };
import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { hurryJobs } from "../jobs/hurry_store.ts";
import { Lease } from "../jobs/lease.ts";
import type { Log } from "../log.ts";
import { LEASE_MS, LiveRates } from "../money/live/live_rates.ts";
import { type PriceSource, priceSource } from "../money/live/price_source.ts";
import { type CurrencyLook, type RatesLook, ratesText } from "../money/live/rates_look.ts";
import { fixedRates, noRates, type Rate, type RateSource } from "../money/rates.ts";
import { readRatesChoice } from "../money/rates_choice.ts";
import { QUOTE_JOB } from "../orders/waiting.ts";
import type { Random } from "../random.ts";
import type { Service } from "../service.ts";
import type { Settings } from "../settings.ts";
import { currenciesInUse } from "./currencies_store.ts";

/** What we call ourselves to those whose prices we read. */
export const RATES_AGENT = `ncc/${meta.version}`;

export interface ShopRatesParts {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  settings: Pick<Settings, "NCC_RATES" | "NCC_RATE_SPREAD">;
  /** Names this process in leases. */
  holder: string;
  /** Where sources of rates are asked, instead of at themselves. */
  hostOf?: ((source: PriceSource) => string) | undefined;
}

/** How the rates of a merchant's currencies are, or those of all merchants. */
export interface RatesState {
  /** Null: nobody knows yet. */
  ok: boolean | null;
  detail: string;
}

/** The rates that the settings choose, for all merchants. Throws when NCC_RATES can't be read. */
export class ShopRates implements RateSource, Service {
  readonly #rates: RateSource;
  readonly #live: LiveRates | null = null;
  readonly #fixed: boolean;
  #used: ReadonlyMap<string, ReadonlySet<string>> = new Map();

  constructor(parts: ShopRatesParts) {
    const { database, clock, settings: { NCC_RATES, NCC_RATE_SPREAD: spread } } = parts;
    const read = readRatesChoice(NCC_RATES);
    if (!read.ok) throw new Error(`NCC_RATES ${read.reason}`);
    const { choice } = read;
    this.#fixed = choice.kind === "fixed";
    if (choice.kind !== "live") {
      this.#rates = choice.kind === "fixed" ? fixedRates(choice.rates, clock, spread) : noRates;
      return;
    }
    this.#rates = this.#live = new LiveRates({
      ...parts,
      lease: new Lease({ ...parts, name: "rates", ttlMs: LEASE_MS }),
      spread,
      agent: RATES_AGENT,
      sources: choice.sources.map(priceSource),
      inUse: async () => {
        this.#used = await currenciesInUse(database.kysely, clock.now());
        return [...this.#used.values()].flatMap((used) => [...used]);
      },
      onRates: () => database.transaction((tx) => hurryJobs(tx, { kind: QUOTE_JOB, now: clock.now() })),
    });
  }

  rate(currency: string): Rate | null {
    return this.#rates.rate(currency);
  }

  mayCome(currency: string): boolean {
    return this.#rates.mayCome(currency);
  }

  async start(): Promise<void> {
    await this.#live?.start();
  }

  async stop(): Promise<void> {
    await this.#live?.stop();
  }

  /** How they are; null where none are needed, or nobody is asked. */
  state(merchant?: string): RatesState | null {
    if (this.#fixed && merchant === undefined) {
      return { ok: false, detail: "fixed by NCC_RATES: they don't follow the market" };
    }
    const look = this.#live?.look();
    if (!look) return null;
    const used = merchant === undefined ? null : this.#used.get(merchant);
    if (used === undefined) return null;
    return stateOf(look, look.currencies.filter(({ currency }) => used === null || used.has(currency)));
  }
}

function stateOf(look: RatesLook, currencies: CurrencyLook[]): RatesState | null {
  if (currencies.length === 0) return null;
  const bad = currencies.some(({ state }) => state === "stale" || state === "unoffered");
  const ok = bad ? false : currencies.every(({ state }) => state === "fresh") ? true : null;
  return { ok, detail: ratesText(look, currencies) };
}
