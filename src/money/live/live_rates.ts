import type { Clock } from "../../clock.ts";
import type { Database } from "../../db/database.ts";
import type { Lease } from "../../jobs/lease.ts";
import { errorText, type Log } from "../../log.ts";
import type { Random } from "../../random.ts";
import type { Service } from "../../service.ts";
import { isBitcoinUnit, isKnownCurrency, normaliseCurrency } from "../currency.ts";
import { type Rate, type RateSource, withSpread } from "../rates.ts";
import { agree } from "./agree.ts";
import type { PriceSource } from "./price_source.ts";
import { keepRates, keptRates } from "./rates_store.ts";
import { type CurrencyLook, type RatesLook, tooFew } from "./rates_look.ts";
import { WatchedSource } from "./watched_source.ts";

/** A rate is good for so long (design §5: reference A4). */
export const VALID_MS = 5 * 60_000;
/** Longer than from one refresh to the next. */
export const LEASE_MS = 90_000;
/** How often it is looked what another process has asked for. */
const TAKE_MS = 15_000;
/** Answers that are older don't stand beside new ones. */
const ANSWER_MS = 2 * 60_000;
/** How often the catalogue is looked at for currencies, at least. */
const LOOK_MS = 60_000;
/** Rounds are at least so far apart; sources that are due within it are asked together. */
const APART_MS = 5_000;
/** A currency that was asked for counts as in use for so long, whatever the catalogue says. */
const ASKED_MS = 10 * 60_000;
/** Refreshes are up to a tenth earlier or later, so that not all shops of the world ask at the same second. */
const JITTER = 0.2;

export interface LiveRatesParts {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  /** Of the process that asks for all on this database, for `LEASE_MS`. */
  lease: Pick<Lease, "acquire" | "release">;
  sources: readonly PriceSource[];
  /** Percent that a bitcoin counts as cheaper than it is, a decimal number. */
  spread: string;
  /** What we call ourselves. */
  agent: string;
  /** The currencies of the catalogue. */
  inUse(): Promise<Iterable<string>>;
  /** Called when rates are there that weren't: what waits for them may go on. */
  onRates(): Promise<void>;
  hostOf?: ((source: PriceSource) => string) | undefined;
}

/** A rate without the spread, and since when (by the even clock) it would be young. */
interface Kept {
  rate: Rate;
  seen: number;
}

/**
 * The price of a bitcoin as several public sources see it, kept fresh for the currencies that prices are in, and for no
 * others: a shop that sells for sats asks nobody. What was last agreed is good for five minutes, also over a restart. Of several
 * processes on one database one asks, and the others take what it keeps; when that gets old everybody asks, so that each knows
 * why there is nothing new.
 */
export class LiveRates implements RateSource, Service {
  readonly #o: LiveRatesParts;
  readonly #sources: WatchedSource[];
  readonly #kept = new Map<string, Kept>();
  readonly #why = new Map<string, string>();
  /** Until when (by the even clock) currencies are wanted that orders asked for. */
  readonly #asked = new Map<string, number>();
  readonly #stop = new AbortController();
  #wanted: readonly string[] = [];
  #nap = new AbortController();
  #used: readonly string[] = [];
  #lookedAt = -Infinity;
  #stretch = 1;
  /** Whether another process asks for us: what our own sources said before is over. */
  #served = false;
  #running: Promise<void> | undefined;

  constructor(parts: LiveRatesParts) {
    this.#o = parts;
    this.#sources = parts.sources.map((source) => new WatchedSource(source, parts));
  }

  async start(): Promise<void> {
    await this.#take();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#nap.abort();
    await this.#running;
    await this.#o.lease.release();
  }

  rate(currency: string): Rate | null {
    const name = normaliseCurrency(currency);
    const kept = this.#kept.get(name);
    if (kept && this.#isFresh(kept)) return withSpread(kept.rate, this.#o.spread);
    this.#want(name);
    return null;
  }

  mayCome(currency: string): boolean {
    const name = normaliseCurrency(currency);
    return isKnownCurrency(name) && !isBitcoinUnit(name) &&
      this.#sources.filter((source) => source.mayHave(name)).length >= 2;
  }

  look(): RatesLook {
    const { clock } = this.#o;
    return {
      currencies: this.#wanted.map((currency) => this.#lookAt(currency)),
      sources: this.#sources.map(({ name, error }) => ({ name, error: this.#served ? null : error })),
      now: clock.now(),
    };
  }

  #lookAt(currency: string): CurrencyLook {
    const kept = this.#kept.get(currency);
    const last = kept ? withSpread(kept.rate, this.#o.spread) : null;
    if (kept && this.#isFresh(kept)) return { currency, state: "fresh", last, why: null };
    const have = this.#sources.filter((source) => source.mayHave(currency)).map(({ name }) => name);
    if (have.length < 2) return { currency, state: "unoffered", last, why: tooFew(currency, have) };
    const why = this.#why.get(currency) ?? null;
    return { currency, state: why === null ? "unknown" : "stale", last, why };
  }

  /** By both clocks: the wall clock may be set, and the even one stands still while the machine sleeps. */
  #isFresh({ rate, seen }: Kept): boolean {
    const { clock } = this.#o;
    return Math.max(clock.monotonic() - seen, clock.now() - rate.at) <= VALID_MS;
  }

  /** An order asks for a currency without a rate: it isn't waited for here, but somebody is asked soon. */
  #want(currency: string): void {
    if (!this.mayCome(currency)) return;
    this.#asked.set(currency, this.#o.clock.monotonic() + ASKED_MS);
    this.#nap.abort();
  }

  async #run(): Promise<void> {
    const { clock, log, random } = this.#o;
    while (!this.#stop.signal.aborted) {
      this.#nap = new AbortController();
      try {
        await this.#round();
      } catch (error) {
        log.error("rates.fault", { error: errorText(error) });
      }
      if (this.#stop.signal.aborted) return;
      this.#stretch = 1 + (random.fraction() - 0.5) * JITTER;
      await clock.sleep(this.#pause(), this.#nap.signal);
    }
  }

  async #round(): Promise<void> {
    const { clock, log } = this.#o;
    this.#wanted = await this.#currencies();
    if (this.#wanted.length === 0) return;
    const dueBy = clock.monotonic() + APART_MS;
    const due = this.#sources.filter((source) => this.#dueAt(source) <= dueBy);
    if (due.length === 0) return;
    if (await this.#take()) await this.#o.onRates();
    this.#served = !await this.#o.lease.acquire() && !this.#isOverdue();
    if (this.#served) return;
    const signal = this.#stop.signal;
    const changed = await Promise.all(due.map((source) => source.ask(this.#wanted, signal)));
    if (signal.aborted) return;
    for (const [i, { name, error }] of due.entries()) {
      if (!changed[i]) continue;
      if (error === null) log.info("rates.source_answers", { source: name });
      else log.warn("rates.source_fails", { source: name, error });
    }
    await this.#agree();
  }

  async #currencies(): Promise<string[]> {
    const now = this.#o.clock.monotonic();
    for (const [currency, until] of this.#asked) if (until < now) this.#asked.delete(currency);
    // Orders wake us one by one; the catalogue isn't looked at for each of them.
    if (now - this.#lookedAt >= APART_MS) {
      this.#used = [...await this.#o.inUse()].map(normaliseCurrency)
        .filter((one) => isKnownCurrency(one) && !isBitcoinUnit(one));
      this.#lookedAt = now;
    }
    return [...new Set([...this.#used, ...this.#asked.keys()])].sort();
  }

  /** Takes over what is kept and newer than what we have. Answers whether a rate is there that wasn't. */
  async #take(): Promise<boolean> {
    const { database, clock } = this.#o;
    const rows = await keptRates(database.kysely);
    const [now, even] = [clock.now(), clock.monotonic()];
    let returned = false;
    for (const rate of rows) {
      // Of the future: the clock was set, and nobody knows how old it is.
      const age = rate.at > now ? Infinity : now - rate.at;
      const kept = { rate, seen: even - age };
      const before = this.#kept.get(rate.currency);
      // The same is our own, and its age known better.
      if (before && (before.rate.at === rate.at || before.seen >= kept.seen)) continue;
      this.#kept.set(rate.currency, kept);
      if (!this.#isFresh(kept)) continue;
      this.#why.delete(rate.currency);
      returned ||= !before || !this.#isFresh(before);
    }
    return returned;
  }

  /** A wanted rate isn't there. */
  #isHurried(): boolean {
    return this.#wanted.some((one) => this.#lookAt(one).state !== "fresh" && this.mayCome(one));
  }

  /** The same, or one is so old that whoever asks for us gets none. */
  #isOverdue(): boolean {
    const young = this.#o.clock.monotonic() - ANSWER_MS;
    return this.#isHurried() ||
      this.#wanted.some((one) => this.mayCome(one) && this.#kept.get(one)!.seen < young);
  }

  #dueAt(source: WatchedSource): number {
    return source.dueAt(this.#wanted, this.#isHurried(), this.#stretch);
  }

  /** Until the next source is due, or the catalogue is to be looked at. */
  #pause(): number {
    if (this.#wanted.length === 0) return LOOK_MS;
    if (this.#served) return TAKE_MS;
    const next = Math.min(...this.#sources.map((source) => this.#dueAt(source)));
    return Math.min(Math.max(next - this.#o.clock.monotonic(), APART_MS), LOOK_MS);
  }

  async #agree(): Promise<void> {
    const { clock, database, log } = this.#o;
    const now = clock.monotonic();
    const young = this.#sources.flatMap(({ name, answered }) =>
      answered !== null && now - answered.seen <= ANSWER_MS ? [{ name, ...answered }] : []
    );
    const agreed: Rate[] = [];
    let returned = false;
    for (const currency of this.#wanted) {
      const offers = young.flatMap(({ name, prices, at, seen }) => {
        const price = prices.get(currency);
        return price === undefined ? [] : [{ source: name, price, at, seen }];
      });
      const agreement = agree(offers);
      if (!agreement.ok) {
        this.#why.set(currency, agreement.reason);
        continue;
      }
      const { perBtc, sources } = agreement;
      const used = offers.filter(({ source }) => sources.includes(source));
      // As old as the oldest that it is made of.
      const oldest = used.reduce((a, b) => a.seen <= b.seen ? a : b);
      const before = this.#kept.get(currency);
      if (before && before.seen > oldest.seen) continue;
      if (!before || !this.#isFresh(before)) returned = true;
      const rate = { currency, perBtc, sources, at: oldest.at };
      this.#kept.set(currency, { rate, seen: oldest.seen });
      this.#why.delete(currency);
      agreed.push(rate);
    }
    try {
      if (agreed.length > 0) await database.transaction((tx) => keepRates(tx, agreed));
    } catch (error) {
      // They are good without it, too; only a restart would have to ask again.
      log.warn("rates.unkept", { error: errorText(error) });
    }
    if (returned) await this.#o.onRates();
  }
}
