import type { Wallet } from "./wallet.ts";

/** So many questions in a row, over so long, without an answer: then it is taken for away. */
const FAILURES = 3;
const SILENT_MS = 16_000;
/** How often it is tried again, by one order for all. */
const TRY_EVERY_MS = 10_000;

/** Between an order's rounds of questions, as long as it lives. */
const ROUND_PAUSES_MS = [15_000, 30_000, 60_000];

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
    if (!silence || !isAway(silence, now)) return true;
    if (now < silence.nextTryAt) return false;
    silence.nextTryAt = now + TRY_EVERY_MS;
    return true;
  }

  /** True when it was taken for away until now. */
  answered(wallet: Wallet, now: number): boolean {
    const silence = this.#silent.get(wallet);
    this.#silent.delete(wallet);
    return silence !== undefined && isAway(silence, now);
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

function isAway({ failures, since }: Silence, now: number): boolean {
  return failures >= FAILURES && now - since >= SILENT_MS;
}

/** How long an order waits (ms) after its `round`-th round of questions, from 1, brought no invoice. */
export function pauseBetweenRounds(round: number): number {
  return ROUND_PAUSES_MS[Math.min(round, ROUND_PAUSES_MS.length) - 1]!;
}
