import type { Database } from "../../../src/db/database.ts";
import { Lease } from "../../../src/jobs/lease.ts";
import { LEASE_MS, LiveRates } from "../../../src/money/live/live_rates.ts";
import { priceSource } from "../../../src/money/live/price_source.ts";
import { systemRandom } from "../../../src/random.ts";
import { FakeClock, settlesToo } from "../../support/fake_clock.ts";
import { freshDatabase } from "../../support/fresh_database.ts";
import { recordingLog, silentLog } from "../../support/log.ts";
import { PriceServer } from "./price_server.ts";

/** Shorter sleeps are somebody's patience with a source; from here on it is the pause between rounds. */
const PAUSE_MS = 5_000;
const PATIENCE_MS = 3_000;
const ENDS_MS = 20_000;
/** By then everybody has said what they have to say; real time. */
const SPOKEN_MS = 150;

/** Knows how many pause between rounds. */
class RoundClock extends FakeClock {
  pausing = 0;
  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms < PAUSE_MS) return await super.sleep(ms, signal);
    this.pausing++;
    await super.sleep(ms, signal);
    this.pausing--;
  }
}

/** Rates on a clock that a test moves, with sources that are played by a server. */
export class RatesScene implements AsyncDisposable {
  readonly clock: RoundClock;
  readonly server: PriceServer;
  readonly log = recordingLog();
  readonly inUse: Set<string>;
  rates: LiveRates;
  /** How often waiting orders were told of rates. */
  told = 0;
  readonly #running = new Set<LiveRates>();
  readonly #settled: () => void;
  readonly #database: Database & Partial<AsyncDisposable>;
  readonly #o: { sources: string[]; spread: string };

  static async open(
    o: {
      sources?: string[];
      spread?: string;
      inUse?: string[];
      start?: boolean;
      server?: PriceServer;
      database?: Database;
    } = {},
  ): Promise<RatesScene> {
    const scene = new RatesScene(o.database ?? await freshDatabase(), {
      sources: ["coinbase", "kraken", "bitstamp"],
      spread: "0",
      inUse: ["EUR"],
      ...o,
      server: o.server ?? new PriceServer(),
    });
    if (o.start !== false) await scene.starts();
    return scene;
  }

  private constructor(
    database: Database & Partial<AsyncDisposable>,
    o: { sources: string[]; spread: string; inUse: string[]; server: PriceServer },
  ) {
    this.#database = database;
    this.#o = o;
    this.clock = new RoundClock();
    this.server = o.server;
    this.inUse = new Set(o.inUse);
    this.rates = this.#process();
    // Time doesn't pass while somebody is asked, but by the patience with who is silent.
    this.#settled = settlesToo(() => this.#busy && !this.server.silent);
  }

  get database(): Database {
    return this.#database;
  }

  /** Starts, and waits for the first round. */
  async starts(rates = this.rates): Promise<void> {
    await rates.start();
    this.#running.add(rates);
    await this.rests();
  }

  /** Another process on the same database starts. */
  async another(): Promise<LiveRates> {
    const rates = this.#process();
    await this.starts(rates);
    return rates;
  }

  /** The process ends, time passes, and another one begins. */
  async restarts(ms = 0): Promise<void> {
    await this.stops();
    await this.clock.advance(ms);
    this.rates = this.#process();
    await this.starts();
  }

  async stops(rates = this.rates): Promise<void> {
    this.#running.delete(rates);
    await rates.stop();
  }

  /** Time passes, and with it every round that is due. */
  async passes(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await this.rests();
  }

  /** The rounds that are under way, if there are any, have ended. */
  async rests(): Promise<void> {
    for (const end = Date.now() + ENDS_MS; this.#busy;) {
      if (Date.now() > end) throw new Error("the round doesn't end");
      // What the others said may still be on its way.
      const { silent } = this.server;
      await new Promise((resolve) => setTimeout(resolve, silent ? SPOKEN_MS : 1));
      if (silent && this.server.silent) await this.clock.advance(PATIENCE_MS);
    }
  }

  price(currency = "EUR"): string | null {
    return this.rates.rate(currency)?.perBtc ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#running) await this.stops(one);
    this.#settled();
    await this.server[Symbol.asyncDispose]();
    await this.#database[Symbol.asyncDispose]?.();
  }

  get #busy(): boolean {
    return this.clock.pausing < this.#running.size;
  }

  #process(): LiveRates {
    const [database, clock] = [this.#database, this.clock];
    return new LiveRates({
      database,
      clock,
      lease: leaseOf(database, clock, crypto.randomUUID()),
      random: { ...systemRandom, fraction: () => 0.5 },
      log: this.log.log,
      sources: this.#o.sources.map(priceSource),
      spread: this.#o.spread,
      agent: "ncc/test",
      inUse: () => Promise.resolve(this.inUse),
      onRates: () => {
        this.told++;
        return Promise.resolve();
      },
      hostOf: this.server.hostOf,
    });
  }
}

/** The right of one process to ask for all. */
export function leaseOf(database: Database, clock: FakeClock, holder: string, ttlMs = LEASE_MS): Lease {
  return new Lease({ database, clock, log: silentLog, name: "rates", holder, ttlMs });
}
