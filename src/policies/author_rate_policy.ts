import type { NostrEvent, NostrRelayOK, NPolicy } from "@nostrify/types";
import type { Clock } from "../clock.ts";
import { TokenBuckets } from "./token_buckets.ts";
import { accept, refuse } from "./verdict.ts";

/**
 * Keeps one runaway key from taking all the CPU. It is far above what a customer sends: the rate that a customer may
 * feel (`NCC_DM_RATE`) is the inbox worker's, which answers later and not with silence. Ask it only about events whose
 * signature held, or anybody could use up another key's share.
 */
export class AuthorRatePolicy implements NPolicy {
  readonly #buckets: TokenBuckets;

  constructor(o: { clock: Clock; perMinute: number; keys?: number }) {
    this.#buckets = new TokenBuckets(o);
  }

  call(event: NostrEvent): Promise<NostrRelayOK> {
    if (this.#buckets.take(event.pubkey)) return Promise.resolve(accept(event));
    return Promise.resolve(refuse(event, "rate-limited: too many events from this key, slow down"));
  }
}
