import type { Wallet } from "./wallet.ts";

/** So many questions in a row, over so long, without an answer: then it is taken for away. */
const FAILURES = 3;
const SILENT_MS = 16_000;
/** How often it is tried again, by one order for all. */
const TRY_EVERY_MS = 10_000;

interface Silence {
  failures: number;
  since: number;
  nextTryAt: number;
}

/**
 * Which wallets don't answer at the moment. While one doesn't, its orders don't queue up waiting for it, so that other
 * merchants' orders find room; one of them asks now and then whether it is back.
 */
export class WalletPatience {
  readonly #silent = new WeakMap<Wallet, Silence>();

  /** Whether to ask this wallet now. Whoever is let through while it is away says how it went. */
  mayAsk(wallet: Wallet, now: number): boolean {
    const silence = this.#silent.get(wallet);
    if (!silence || silence.failures < FAILURES || now - silence.since < SILENT_MS) return true;
    if (now < silence.nextTryAt) return false;
    silence.nextTryAt = now + TRY_EVERY_MS;
    return true;
  }

  answered(wallet: Wallet): void {
    this.#silent.delete(wallet);
  }

  /** `askedAt` (ms): when the question began that nothing came of. */
  failed(wallet: Wallet, askedAt: number): void {
    const before = this.#silent.get(wallet);
    this.#silent.set(
      wallet,
      before
        ? { ...before, failures: before.failures + 1 }
        : { failures: 1, since: askedAt, nextTryAt: askedAt + TRY_EVERY_MS },
    );
  }
}
