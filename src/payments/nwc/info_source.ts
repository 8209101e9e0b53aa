import type { Clock } from "../../clock.ts";
import { errorText, type Log } from "../../log.ts";
import { unlessAborted } from "../../nostr/deadline.ts";
import type { RelayPool } from "../../nostr/relay_pool.ts";
import { WalletError } from "../wallet.ts";
import { INFO, type NwcInfo, readInfo } from "./messages.ts";

const TIMEOUT_MS = 5_000;
/** A wallet that was updated may offer more, and another cipher. */
const FRESH_MS = 10 * 60_000;

/** A wallet service's info event, read once and refreshed in the background. */
export class NwcInfoSource {
  readonly #o: { walletPubkey: string; relays: readonly string[]; pool: RelayPool; clock: Clock; log: Log };
  #last: NwcInfo | undefined;
  #readAt = 0;
  #reading: Promise<NwcInfo> | undefined;

  constructor(
    options: { walletPubkey: string; relays: readonly string[]; pool: RelayPool; clock: Clock; log: Log },
  ) {
    this.#o = options;
  }

  /** What the wallet says of itself, or said last. Throws a WalletError `unreachable` when no relay ever had it. */
  async get(signal: AbortSignal): Promise<NwcInfo> {
    if (!this.#last) return await this.fresh(signal);
    if (this.#o.clock.now() - this.#readAt >= FRESH_MS) {
      this.#read().catch((error) => this.#o.log.info("nwc.info_not_refreshed", { error: errorText(error) }));
    }
    return this.#last;
  }

  /** What the wallet says of itself now. Throws a WalletError `unreachable` when no relay has it. */
  async fresh(signal: AbortSignal): Promise<NwcInfo> {
    try {
      return await unlessAborted(this.#read(), signal);
    } catch (error) {
      throw error instanceof WalletError
        ? error
        : new WalletError("unreachable", "the wallet's relays don't answer");
    }
  }

  /** What it said last, however long ago; undefined before its first answer. */
  get last(): NwcInfo | undefined {
    return this.#last;
  }

  #read(): Promise<NwcInfo> {
    return this.#reading ??= this.#newest().then((info) => {
      this.#last = info;
      this.#readAt = this.#o.clock.now();
      return info;
    }).finally(() => this.#reading = undefined);
  }

  /** From whichever relay has it first: a dead relay must not hold up an invoice. */
  async #newest(): Promise<NwcInfo> {
    const { walletPubkey, relays, pool } = this.#o;
    const filter = { kinds: [INFO], authors: [walletPubkey], limit: 1 };
    const answers = relays.map(async (url) => {
      const [event] = await pool.query([url], [filter], { timeoutMs: TIMEOUT_MS });
      if (!event) throw new Error(`nothing on ${url}`);
      return readInfo(event);
    });
    try {
      return await Promise.any(answers);
    } catch {
      // Each relay's own reason is in its state.
      const where = relays.map((url) => {
        const error = pool.status().find((relay) => relay.url === url)?.error;
        return new URL(url).host + (error ? ` (${error})` : "");
      });
      throw new WalletError(
        "unreachable",
        `the wallet has no info event (kind 13194) on ${
          where.join(", ")
        }: does its service run, and is this its relay?`,
      );
    }
  }
}
