import type { Random } from "../random.ts";
import { backOff } from "./backoff.ts";
import type { RelayOptions } from "./relay_options.ts";

/** Connections in a row that broke soon; more don't make the back-off longer (8 s). */
const BROKEN_MOST = 5;
/** A connection that worked this long is missed for a quarter of its life at most, however often the relay breaks it. */
const USEFUL_MS = 2_000;
const MISSED_LEAST_MS = 1_000;

/** How long a link waits between a connection that ended and the next. */
export class ReconnectPace {
  readonly #random: Random;
  readonly #o: Pick<RelayOptions, "stableMs" | "backOffFirstMs" | "backOffMostMs">;
  #failures = 0;

  constructor(random: Random, options: Pick<RelayOptions, "stableMs" | "backOffFirstMs" | "backOffMostMs">) {
    this.#random = random;
    this.#o = options;
  }

  /**
   * Milliseconds to wait after a connection on which the relay spoke and that lived `livedMs`; null = there was none, or the relay
   * hung up without a word. One that broke while it worked is worth trying again soon: a relay that can't be reached isn't.
   */
  after(livedMs: number | null): number {
    const stable = livedMs !== null && livedMs >= this.#o.stableMs;
    const most = livedMs === null ? Infinity : BROKEN_MOST;
    this.#failures = stable ? 1 : Math.min(this.#failures + 1, most);
    const wait = backOff(this.#failures, this.#random, this.#o.backOffFirstMs, this.#o.backOffMostMs);
    if (livedMs === null || livedMs < USEFUL_MS) return wait;
    return Math.min(wait, Math.max(MISSED_LEAST_MS, Math.round(livedMs / 4)));
  }
}
