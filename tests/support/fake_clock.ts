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

  /** Lets time pass at once, without waking anybody before the next `advance`: everybody is late. */
  jump(ms: number): void {
    this.#passed += ms;
  }

  /** Somebody sets the wall clock; no time passes. */
  set(ms: number): void {
    this.#wallAtZero += ms;
  }
}

/** Lets what is ready run: promises, and what they started. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}
