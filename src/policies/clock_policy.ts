import type { NostrEvent, NostrRelayOK, NPolicy } from "@nostrify/types";
import { type Clock, seconds } from "../clock.ts";
import { accept, refuse } from "./verdict.ts";

/** A year: far beyond any wrong clock of a customer. */
export const MAX_AHEAD_SECONDS = 365 * 24 * 3600;

/**
 * Refuses only what is no time at all. A customer's clock that is an hour or a day ahead must not cost an order: beyond
 * ten minutes the worker goes by the time of receipt. Old events are accepted too: late relays and gift wraps (NIP-59
 * dates them back by up to two days) are normal.
 */
export class ClockPolicy implements NPolicy {
  readonly #clock: Clock;
  readonly #maxAhead: number;

  constructor(clock: Clock, maxAheadSeconds: number = MAX_AHEAD_SECONDS) {
    this.#clock = clock;
    this.#maxAhead = maxAheadSeconds;
  }

  call(event: NostrEvent): Promise<NostrRelayOK> {
    if (event.created_at <= seconds(this.#clock.now()) + this.#maxAhead) {
      return Promise.resolve(accept(event));
    }
    return Promise.resolve(
      refuse(event, "invalid: created_at is too far in the future, set the device's clock"),
    );
  }
}
