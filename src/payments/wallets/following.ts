import type { Clock } from "../../clock.ts";
import { errorText, type Log } from "../../log.ts";
import type { Random } from "../../random.ts";
import type { PaymentHint } from "../wallet.ts";
import type { WalletCursors } from "./cursors.ts";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** What held for so long has ended by itself, as streams behind a proxy do. */
const STEADY_MS = 30_000;

/** Tells of what was read up to `cursor`, and remembers that; without a cursor it only tells. */
export type Tell = (hint: PaymentHint, cursor?: string) => Promise<void>;

export interface FollowingOptions {
  /** The wallet's id, for its cursor. */
  wallet: string;
  clock: Clock;
  random: Random;
  log: Log;
  /** Null: nothing is remembered over restarts. */
  cursors: WalletCursors | null;
  /**
   * Reads from `cursor` until the wallet or `signal` ends it. Null: nothing was read yet, and whatever is paid already is told
   * by an empty hint.
   */
  read(cursor: string | null, tell: Tell, signal: AbortSignal): Promise<void>;
}

/**
 * Follows a wallet's stream of payments for as long as somebody listens: from where it was read before, also over restarts, and
 * again with growing pauses when it breaks. A payment is told before its cursor is stored, so that it rather comes twice.
 */
export class Following {
  readonly #o: FollowingOptions;
  readonly #listeners = new Set<(hint: PaymentHint) => void>();
  #ended: AbortController | null = null;
  #loop: Promise<void> = Promise.resolve();
  /** Undefined: not read from the store yet. */
  #cursor: string | null | undefined;

  constructor(options: FollowingOptions) {
    this.#o = options;
  }

  subscribe(onHint: (hint: PaymentHint) => void): () => void {
    // The same function may listen twice.
    const listener = (hint: PaymentHint) => onHint(hint);
    this.#listeners.add(listener);
    if (this.#ended === null) {
      const ended = this.#ended = new AbortController();
      this.#loop = this.#loop.then(() => this.#run(ended.signal));
    }
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#end();
    };
  }

  /** Waits until nothing is read any more. */
  async close(): Promise<void> {
    this.#listeners.clear();
    this.#end();
    await this.#loop;
  }

  #end(): void {
    this.#ended?.abort(new Error("nobody listens any more"));
    this.#ended = null;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, random, log, read } = this.#o;
    let said: string | null = null;
    for (let failures = 0; !signal.aborted;) {
      const began = clock.monotonic();
      let progress = false;
      try {
        const cursor = await this.#from();
        await read(cursor, async (hint, next) => {
          // That it is open is no news of a payment: it may be dropped at once, each time.
          progress ||= hint.paymentHash !== undefined || hint.ref !== undefined || next !== undefined;
          this.#say(hint);
          if (next !== undefined) await this.#remember(next);
        }, signal);
        said = null;
      } catch (error) {
        // Once for each reason: it is tried again for as long as it lasts.
        if (!signal.aborted && errorText(error) !== said) {
          log.warn("wallet.stream_broke", { wallet: this.#o.wallet, error: said = errorText(error) });
        }
      }
      failures = progress || clock.monotonic() - began >= STEADY_MS ? 0 : failures + 1;
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, failures - 1));
      await clock.sleep(pause * (0.75 + random.fraction() / 2), signal);
    }
  }

  async #from(): Promise<string | null> {
    const { cursors, wallet } = this.#o;
    if (this.#cursor === undefined) this.#cursor = cursors ? await cursors.read(wallet) : null;
    return this.#cursor;
  }

  async #remember(cursor: string): Promise<void> {
    const { cursors, wallet, log } = this.#o;
    this.#cursor = cursor;
    try {
      await cursors?.write(wallet, cursor);
    } catch (error) {
      // After a restart some payments are told once more.
      log.warn("wallet.cursor_not_kept", { wallet, error: errorText(error) });
    }
  }

  #say(hint: PaymentHint): void {
    for (const listener of this.#listeners) listener(hint);
  }
}
