import type { Wallet } from "./wallet.ts";
import type { WalletPatience } from "./wallet_patience.ts";

/** Which wallet is asked for an order's invoice in one round of tries: the first in the merchant's order that may serve. */
export class WalletChoice {
  readonly #patience: WalletPatience;
  readonly #failures = new Map<Wallet, number>();
  readonly #refused = new Set<Wallet>();

  constructor(patience: WalletPatience) {
    this.#patience = patience;
  }

  /** Null: all of those that haven't refused are away at the moment. Whoever is chosen while it is away has the turn of all who wait. */
  next(wallets: readonly Wallet[], now: number): Wallet | null {
    const left = wallets.filter((wallet) => !this.#refused.has(wallet));
    // Sorting keeps the merchant's order among those that failed as often.
    const order = left.toSorted((one, other) => this.#failed(one) - this.#failed(other));
    return order.find((wallet) => this.#patience.mayAsk(wallet, now)) ?? null;
  }

  /** It made one. True when orders were put off because it was away. */
  answered(wallet: Wallet, now: number): boolean {
    return this.#patience.answered(wallet, now);
  }

  /** Nothing came of it for now: others come first in this round. `askedAt` (ms): when the question began. */
  failed(wallet: Wallet, askedAt: number): void {
    this.#failures.set(wallet, this.#failed(wallet) + 1);
    this.#patience.failed(wallet, askedAt);
  }

  /** It said no, or answered nonsense: it isn't asked again in this round. */
  refused(wallet: Wallet, now: number): void {
    this.#refused.add(wallet);
    this.#patience.answered(wallet, now);
  }

  /** Whether none of these is left to be asked. */
  allRefused(wallets: readonly Wallet[]): boolean {
    return wallets.every((wallet) => this.#refused.has(wallet));
  }

  #failed(wallet: Wallet): number {
    return this.#failures.get(wallet) ?? 0;
  }
}
