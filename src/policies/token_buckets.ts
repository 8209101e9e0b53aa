import type { Clock } from "../clock.ts";

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * A token bucket for each key, in memory: so many a minute, with a burst of as many unless told otherwise. The least recently used key is
 * forgotten when there are too many, which gives it a full bucket again: the bound on memory comes first.
 */
export class TokenBuckets {
  readonly #clock: Clock;
  readonly #perMinute: number;
  readonly #burst: number;
  readonly #keys: number;
  /** In order of use, the oldest first. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(o: { clock: Clock; perMinute: number; burst?: number; keys?: number }) {
    this.#clock = o.clock;
    this.#perMinute = o.perMinute;
    this.#burst = o.burst ?? o.perMinute;
    this.#keys = o.keys ?? 10_000;
  }

  /** Takes `amount` for `key`; false, and nothing taken, when it isn't there. */
  take(key: string, amount = 1): boolean {
    const bucket = this.#refilled(key);
    if (bucket.tokens < amount) return false;
    bucket.tokens -= amount;
    return true;
  }

  /** Takes `amount` for `key`, or what is left of it. */
  charge(key: string, amount: number): void {
    const bucket = this.#refilled(key);
    bucket.tokens = Math.max(0, bucket.tokens - amount);
  }

  /** Whether there is so much for `key`; nothing is taken. */
  has(key: string, amount = 1): boolean {
    return this.#refilled(key).tokens >= amount;
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  #refilled(key: string): Bucket {
    const now = this.#clock.now();
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, at: now };
    // A clock that was set back gives nothing; it mustn't take either.
    const gained = Math.max(0, now - bucket.at) * this.#perMinute / 60_000;
    bucket.tokens = Math.min(this.#burst, bucket.tokens + gained);
    bucket.at = now;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > this.#keys) this.#buckets.delete(this.#buckets.keys().next().value!);
    return bucket;
  }
}
