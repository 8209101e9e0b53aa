import type { NostrFilter, NostrRelayCLOSED, NostrRelayEOSE, NostrRelayEVENT } from "@nostrify/types";

/** A message of a subscription. */
export type ReqMessage = NostrRelayEVENT | NostrRelayEOSE | NostrRelayCLOSED;

/** Messages that may wait for their reader: some pages. A reader that is further behind will never catch up. */
const MOST_WAITING = 5_000;

/** A subscription on one connection: what the relay sent for it, until it is read. */
export class Subscription {
  readonly id: string = crypto.randomUUID();
  readonly filters: NostrFilter[];
  /** Sent again after AUTH; a second refusal is final. */
  again = false;
  #waiting: ReqMessage[] = [];
  #closed = false;
  #failure: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(filters: NostrFilter[]) {
    this.filters = filters;
  }

  /** The relay ended it. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Hands a message to the reader; false when too many wait already. */
  push(message: ReqMessage): boolean {
    if (this.#waiting.length >= MOST_WAITING) return false;
    if (message[0] === "CLOSED") this.#closed = true;
    this.#waiting.push(message);
    this.#wake?.();
    return true;
  }

  /** Ends the reading with an error, after what has come before it. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  /** To be read once. Ends after CLOSED; throws what it failed with, and the signal's reason as soon as that fires. */
  async *messages(signal?: AbortSignal): AsyncGenerator<ReqMessage> {
    const onAbort = () => this.#wake?.();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      for (;;) {
        const batch = this.#waiting;
        this.#waiting = [];
        for (const message of batch) {
          signal?.throwIfAborted();
          yield message;
          if (message[0] === "CLOSED") return;
        }
        signal?.throwIfAborted();
        if (this.#waiting.length > 0) continue;
        if (this.#failure) throw this.#failure.error;
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }
}
