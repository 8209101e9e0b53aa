/** Time as the program sees it; a simulation passes its own. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. Somebody may set it. */
  now(): number;
  /** Milliseconds since some moment, passing evenly whatever the wall clock is set to; it may stand still while the machine sleeps. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when `signal` is aborted. It never rejects: a worker's loop looks at its signal. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener("abort", done, { once: true });
    }),
};

/** A wall clock that moves by more than this against the even passing of time was set by somebody (design §7). */
export const JUMP_MS = 120_000;

/** Tells when the wall clock was set, by comparing it with the clock that nobody can set. */
export class ClockJumps {
  readonly #clock: Clock;
  #wall: number;
  #even: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wall = clock.now();
    this.#even = clock.monotonic();
  }

  /** By how much (ms, negative: back) the wall clock was set since the last look; 0 for what no more than drifts. */
  look(): number {
    const wall = this.#clock.now();
    const even = this.#clock.monotonic();
    const moved = Math.round((wall - this.#wall) - (even - this.#even));
    this.#wall = wall;
    this.#even = even;
    return Math.abs(moved) > JUMP_MS ? moved : 0;
  }
}

/** Nostr's time: whole seconds. */
export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
