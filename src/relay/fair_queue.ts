import { setImmediate } from "node:timers";
import type { Clock } from "../clock.ts";

/** What an asker is told: what came of its work, or that there was no turn for it. */
export type Turn<T> = { ok: true; value: T } | { ok: false };

interface Waiting {
  weight: number;
  since: number;
  start(): void;
  giveUp(): void;
}

/** Bounds of a queue. */
export interface FairQueueLimits {
  /** Turns under way at once, in all and of one key. */
  running: number;
  runningPerKey: number;
  /** Askers that wait, of one key and in all, and what they weigh together. */
  waitingPerKey: number;
  waiting: number;
  weight: number;
  /** Who has waited longer (ms) is sent away instead of being let in. */
  patienceMs: number;
}

const CLOSED_STEP_MS = 20;

/**
 * Gives turns to askers, going round their keys: one key with a thousand askers and one with a single one get the same. Who
 * finds the queue full, or waited too long in it, is sent away. Between turns the event loop has its own.
 */
export class FairQueue {
  readonly #limits: FairQueueLimits;
  readonly #clock: Clock;
  readonly #open: () => boolean;
  /** In the order of their next turn. */
  readonly #lanes = new Map<string, Waiting[]>();
  #waiting = 0;
  #weight = 0;
  #running = 0;
  readonly #runningOf = new Map<string, number>();
  #pumping = false;

  /** While `open` says no, nobody has a turn. */
  constructor(o: { limits: FairQueueLimits; clock: Clock; open?: () => boolean }) {
    this.#limits = o.limits;
    this.#clock = o.clock;
    this.#open = o.open ?? (() => true);
  }

  /** Whether somebody who came now would have to wait. */
  get busy(): boolean {
    return this.#waiting > 0 || this.#running >= this.#limits.running || !this.#open();
  }

  /** Whether `key` has as many askers waiting as it may. */
  fullFor(key: string): boolean {
    return (this.#lanes.get(key)?.length ?? 0) >= this.#limits.waitingPerKey;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Does `work` when it is `key`'s turn. Rejects as `work` does. */
  async run<T>(key: string, work: () => Promise<T>, weight = 1): Promise<Turn<T>> {
    if (this.busy || !this.#mayRun(key)) {
      if (!await this.#turn(key, weight)) return { ok: false };
    } else this.#began(key);
    try {
      return { ok: true, value: await work() };
    } finally {
      this.#ended(key);
      if (this.#waiting > 0) this.#pumpSoon();
    }
  }

  #turn(key: string, weight: number): Promise<boolean> {
    const { waitingPerKey, waiting, weight: most } = this.#limits;
    const lane = this.#lanes.get(key) ?? [];
    const full = () => this.#waiting >= waiting || this.#weight + weight > most;
    while (full() && this.#sendAwayOfLongest(lane.length)) { /* until there is room */ }
    if (lane.length >= waitingPerKey || full()) return Promise.resolve(false);
    return new Promise((resolve) => {
      const since = this.#clock.monotonic();
      lane.push({ weight, since, start: () => resolve(true), giveUp: () => resolve(false) });
      this.#lanes.set(key, lane);
      this.#waiting++;
      this.#weight += weight;
      this.#pumpSoon();
    });
  }

  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    this.#sendAway();
    while (this.#waiting > 0 && this.#running < this.#limits.running) {
      if (!this.#open()) return this.#lookAgain();
      const next = this.#next();
      if (!next) return;
      next.start();
    }
  }

  /** Nothing tells when it opens again. */
  #lookAgain(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    void this.#clock.sleep(CLOSED_STEP_MS).then(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  /** The first of those whose key has a place left; it runs from now on. */
  #next(): Waiting | null {
    for (const [key, lane] of this.#lanes) {
      if (!this.#mayRun(key)) continue;
      const entry = lane.shift()!;
      // Behind all others.
      this.#lanes.delete(key);
      if (lane.length > 0) this.#lanes.set(key, lane);
      this.#forget(entry);
      this.#began(key);
      return entry;
    }
    return null;
  }

  #mayRun(key: string): boolean {
    return (this.#runningOf.get(key) ?? 0) < this.#limits.runningPerKey;
  }

  #began(key: string): void {
    this.#running++;
    this.#runningOf.set(key, (this.#runningOf.get(key) ?? 0) + 1);
  }

  #ended(key: string): void {
    this.#running--;
    const left = this.#runningOf.get(key)! - 1;
    if (left === 0) this.#runningOf.delete(key);
    else this.#runningOf.set(key, left);
  }

  #sendAway(): void {
    const before = this.#clock.monotonic() - this.#limits.patienceMs;
    for (const [key, lane] of this.#lanes) {
      while (lane.length > 0 && lane[0]!.since < before) {
        const entry = lane.shift()!;
        this.#forget(entry);
        entry.giveUp();
      }
      if (lane.length === 0) this.#lanes.delete(key);
    }
  }

  /** Sends away who came last for the key with most askers, if those are more than `than`. */
  #sendAwayOfLongest(than: number): boolean {
    let longest: Waiting[] = [];
    for (const lane of this.#lanes.values()) if (lane.length > longest.length) longest = lane;
    if (longest.length <= than + 1) return false;
    const entry = longest.pop()!;
    this.#forget(entry);
    entry.giveUp();
    return true;
  }

  #forget(entry: Waiting): void {
    this.#waiting--;
    this.#weight -= entry.weight;
  }
}
