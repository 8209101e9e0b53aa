/**
 * Thrown by a handler: not a fault, try again after `delayMs`. It counts as a try unless `counts` is false: for what waits as
 * long as somebody takes to decide.
 */
export class RetryLater extends Error {
  override readonly name: string = "RetryLater";
  constructor(message: string, readonly delayMs: number, readonly counts = true) {
    super(message);
  }

  /** How long a job waits that was enqueued `ageMs` ago. */
  delay(_ageMs: number): number {
    return this.delayMs;
  }
}

/** Thrown by a handler: trying again can't help; the job is dead at once. */
export class GiveUp extends Error {
  override readonly name = "GiveUp";
}

/** Somebody else holds the job or the lease now: whatever was about to be written must not be. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
}

const BACK_OFF_MS = 1_000;
const BACK_OFF_MOST_MS = 300_000;

/**
 * How long a job waits after its `attempt`-th try (from 1) failed: a second, doubled each time, at most five minutes, and
 * a quarter more or less by `chance` (from 0 to 1), so that what failed together isn't tried together.
 */
export function backOff(attempt: number, chance: number): number {
  const ms = Math.min(BACK_OFF_MS * 2 ** Math.min(attempt - 1, 30), BACK_OFF_MOST_MS);
  return Math.round(ms * (0.75 + 0.5 * chance));
}
