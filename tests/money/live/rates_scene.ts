import type { Database } from "../../../src/db/database.ts";
import { LiveRates } from "../../../src/money/live/live_rates.ts";
import { priceSource } from "../../../src/money/live/price_source.ts";
import { systemRandom } from "../../../src/random.ts";
import { FakeClock, settlesToo } from "../../support/fake_clock.ts";
import { freshDatabase } from "../../support/fresh_database.ts";
import { recordingLog } from "../../support/log.ts";
import { PriceServer } from "./price_server.ts";

/** Shorter sleeps are somebody's patience with a source; from here on it is the pause between rounds. */
const PAUSE_MS = 5_000;
const PATIENCE_MS = 3_000;
const ENDS_MS = 20_000;
/** By then everybody has said what they have to say; real time. */
const SPOKEN_MS = 150;

/** Knows whether somebody pauses between rounds. */
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
  #running = false;
  readonly #settled: () => void;
  readonly #database: Database & AsyncDisposable;
  readonly #o: { sources: string[]; spread: string };

  static async open(
    o: { sources?: string[]; spread?: string; inUse?: string[]; start?: boolean; server?: PriceServer } = {},
  ): Promise<RatesScene> {
    const scene = new RatesScene(await freshDatabase(), {
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
    database: Database & AsyncDisposable,
    o: { sources: string[]; spread: string; inUse: string[]; server: PriceServer },
  ) {
    this.#database = database;
    this.#o = o;
    this.clock = new RoundClock();
    this.server = o.server;
    this.inUse = new Set(o.inUse);
    this.rates = this.#process();
    // Time doesn't pass while somebody is asked, but by the patience with who is silent.
    this.#settled = settlesToo(() => this.#running && this.clock.pausing === 0 && !this.server.silent);
  }

  get database(): Database {
    return this.#database;
  }

  /** Starts, and waits for the first round. */
  async starts(): Promise<void> {
    await this.rates.start();
    this.#running = true;
    await this.rests();
  }

  /** The process ends, time passes, and another one begins. */
  async restarts(ms = 0): Promise<void> {
    await this.stops();
    await this.clock.advance(ms);
    this.rates = this.#process();
    await this.starts();
  }

  async stops(): Promise<void> {
    this.#running = false;
    await this.rates.stop();
  }

  /** Time passes, and with it every round that is due. */
  async passes(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await this.rests();
  }

  /** The round that is under way, if there is one, has ended. */
  async rests(): Promise<void> {
    for (const end = Date.now() + ENDS_MS; this.clock.pausing === 0;) {
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
    await this.stops();
    this.#settled();
    await this.server[Symbol.asyncDispose]();
    await this.#database[Symbol.asyncDispose]();
  }

  #process(): LiveRates {
    return new LiveRates({
      database: this.#database,
      clock: this.clock,
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
