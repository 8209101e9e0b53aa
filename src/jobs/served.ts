import { RetryLater } from "./outcome.ts";

/** Why what is to be done for a merchant waits. */
export const UNSERVED = "the merchant isn't served now";
/** How long it waits at most before somebody looks again. */
export const UNSERVED_MS = 60_000;
/** Other processes hear of a new merchant within seconds; its first jobs may come to them before. */
const FIRST_MS = 2_000;

/**
 * What a job needs of the merchant that it is for: an identity, say. Throws `UnservedError` when there is none: this process
 * doesn't serve the merchant now, but it may later, and another one may at once.
 */
export function served<T>(found: T | undefined): T {
  if (found === undefined) throw new UnservedError();
  return found;
}

/** The job waits for whoever serves its merchant: as long again as it is old, for ever, and without using up its tries. */
export class UnservedError extends RetryLater {
  override readonly name = "UnservedError";
  constructor() {
    super(UNSERVED, UNSERVED_MS, false);
  }

  override delay(ageMs: number): number {
    return Math.min(Math.max(ageMs, FIRST_MS), this.delayMs);
  }
}
