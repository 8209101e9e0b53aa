/** Chance with a seed, so that a run can be had again as far as processes allow. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** True in this share of the cases. */
  hits(share: number): boolean {
    return this.next() < share;
  }

  /** A whole number from 0 to `below` − 1. */
  upTo(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** From 0 to 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
}

/** How often a relay does wrong: shares of the messages that pass, or times. */
export interface RelayFaults {
  /** An event that never reaches the relay, and isn't answered. */
  swallowEvent: number;
  /** An event that never reaches the relay, and is answered by `OK true`. */
  lyingOk: number;
  /** An event that is answered by `OK false` with `rate-limited:`. */
  rateLimited: number;
  /** An event that reaches the relay twice. */
  twice: number;
  /** An event that isn't shown to a subscriber although it is stored. */
  hideEvent: number;
  /** An event that is shown twice. */
  showTwice: number;
  /** An `OK` or `EOSE` that gets lost. */
  swallowAnswer: number;
  /** A message that comes up to `delayMs` later than the ones after it. */
  late: number;
  delayMs: number;
  /** A connection lives this long on average until it is cut. */
  cutMs: number;
  /** So many of the cuts are none: the connection stays open and dead. */
  frozen: number;
  /** So many are a frame that is no text, which no client goes on after. */
  binary: number;
}

export const lossyRelay: RelayFaults = {
  swallowEvent: 0.02,
  lyingOk: 0.005,
  rateLimited: 0.001,
  twice: 0.02,
  hideEvent: 0.02,
  showTwice: 0.05,
  swallowAnswer: 0.02,
  late: 0.1,
  delayMs: 400,
  cutMs: 20_000,
  frozen: 0.1,
  binary: 0.2,
};

/** The same before a wallet's relay: its answers get lost, or come when nobody waits for them any more. */
export const lossyWallet: RelayFaults = { ...lossyRelay, lyingOk: 0, late: 0.02, delayMs: 12_000 };

/** Payments that the wallet notifies nobody of. */
export const silentPayments = 0.1;
