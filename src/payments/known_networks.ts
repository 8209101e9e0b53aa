import type { Clock } from "../clock.ts";
import { Deadline, unlessAborted } from "../nostr/deadline.ts";
import type { Network, Wallet } from "./wallet.ts";

/** The networks of wallets, which don't change. Each wallet is asked once, however many invoices wait for its answer. */
export class KnownNetworks {
  readonly #clock: Clock;
  readonly #answerMs: number;
  readonly #asked = new WeakMap<Wallet, Promise<Network>>();

  /** A wallet has `answerMs` to answer; one that fails is asked again for the next invoice. */
  constructor(clock: Clock, answerMs: number) {
    this.#clock = clock;
    this.#answerMs = answerMs;
  }

  /** A wallet that doesn't say is taken for mainnet: another network's money would be worth nothing. */
  async of(wallet: Wallet, signal: AbortSignal): Promise<Network> {
    let asked = this.#asked.get(wallet);
    if (!asked) {
      asked = this.#ask(wallet);
      this.#asked.set(wallet, asked);
      asked.catch(() => this.#asked.delete(wallet));
    }
    return await unlessAborted(asked, signal);
  }

  async #ask(wallet: Wallet): Promise<Network> {
    // Not the signal of whoever asks first: others wait as well.
    using deadline = new Deadline(this.#clock, this.#answerMs);
    return (await wallet.probe(deadline.signal)).network ?? "bc";
  }
}
