import { setImmediate } from "node:timers";
import type { Clock } from "../../src/clock.ts";

/** A clock that stands still until the test moves it. */
export class FakeClock implements Clock {
  /** Passes evenly; sleepers wait by it, as timers do. */
  #passed = 0;
  #wallAtZero: number;
  #sleepers: { at: number; wake: () => void }[] = [];

  /** Starts at 2026-01-01 unless told otherwise. */
  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#wallAtZero = now;
  }

  now(): number {
    return this.#wallAtZero + this.#passed;
  }

  monotonic(): number {
    return this.#passed;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const sleeper = { at: this.#passed + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", () => {
        this.#sleepers = this.#sleepers.filter((s) => s !== sleeper);
        resolve();
      }, { once: true });
    });
  }

  /** Moves time, waking whoever slept until then, in order, and lets them run. */
  async advance(ms: number): Promise<void> {
    const end = this.#passed + ms;
    for (;;) {
      const due = this.#sleepers.filter((s) => s.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#sleepers = this.#sleepers.filter((s) => s !== due);
      this.#passed = Math.max(this.#passed, due.at);
      due.wake();
      await settle();
    }
    this.#passed = end;
    await settle();
  }

  /** Moves time in steps (ms) until `promise` has its outcome, which is the answer: however long others take for their part in it. */
  async until<T>(promise: Promise<T>, step = 500): Promise<T> {
    let over = false;
    const done = () => void (over = true);
    promise.then(done, done);
    for (const end = Date.now() + ASLEEP_MS; !over; await this.advance(step)) {
      if (Date.now() > end) throw new Error(`no outcome after ${ASLEEP_MS} ms`);
      await settle();
    }
    return await promise;
  }

  /** Waits, in real time, until so many sleep: whoever was woken has done its work and sleeps again. */
  async asleep(count = 1): Promise<void> {
    for (const end = Date.now() + ASLEEP_MS; this.#sleepers.length < count;) {
      if (Date.now() > end) {
        throw new Error(`${this.#sleepers.length} of ${count} sleep after ${ASLEEP_MS} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Lets time pass at once, without waking anybody before the next `advance`: everybody is late. */
  jump(ms: number): void {
    this.#passed += ms;
  }

  /** Somebody sets the wall clock; no time passes. */
  set(ms: number): void {
    this.#wallAtZero += ms;
  }
}

const ASLEEP_MS = 30_000;
/** Somebody may be busy on purpose, as with a transaction that stays open. */
const SETTLES_MS = 5_000;
/** Turns of the event loop in which what is ready runs: a chain of transactions takes one for each. */
const TURNS = 30;

/** Lets what is ready run: promises, and what they started. */
export async function settle(): Promise<void> {
  const end = Date.now() + SETTLES_MS;
  do {
    for (let i = 0; i < TURNS; i++) await new Promise((resolve) => setImmediate(resolve));
    // A timer of 0 ms takes a whole one; sockets, too, get a turn meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 0));
  } while ([...others].some((isBusy) => isBusy()) && Date.now() < end);
}

/** Real things that work for those who were woken. */
const others = new Set<() => boolean>();

/** From now on `settle()` waits for this, too. The answer ends it. */
export function settlesToo(isBusy: () => boolean): () => void {
  others.add(isBusy);
  return () => void others.delete(isBusy);
}
