import type { Random } from "../random.ts";
import { backOff } from "./backoff.ts";
import type { IntakeOptions } from "./intake_options.ts";

/** The relay ended a subscription or refused a look-up. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  /** In the relay's words (NIP-01): a word for machines, a colon, a text. */
  readonly reason: string;

  constructor(what: string, reason: string) {
    super(`${what}: ${reason}`);
    this.reason = reason;
  }

  /** We ask too often; what we ask is right. */
  get limited(): boolean {
    return this.reason.startsWith("rate-limited:");
  }
}

/** The relay sends what no honest relay passes on. */
export class CheatedError extends Error {
  override readonly name = "CheatedError";
}

/** Reasons that don't go away by asking again soon. */
const LASTING = ["blocked:", "restricted:", "pow:", "invalid:", "unsupported:"];

/**
 * How long (ms) to leave a relay alone after `failures` subscriptions in a row that ended with `error`: nobody is hammered, and
 * whoever refuses for good is asked again once in a while.
 */
export function pauseAfter(error: unknown, failures: number, random: Random, o: IntakeOptions): number {
  if (error instanceof RefusedError) {
    if (error.limited) return backOff(failures, random, o.limitedFirstMs, o.limitedMostMs);
    if (LASTING.some((word) => error.reason.startsWith(word))) {
      return backOff(failures, random, o.refusedFirstMs, o.refusedMostMs);
    }
    // AUTH is tried afresh on the next connection; a signer that was away may be back.
    if (error.reason.startsWith("auth-required:")) {
      return backOff(failures, random, o.backOffFirstMs, o.limitedMostMs);
    }
  }
  if (error instanceof CheatedError) return backOff(failures, random, o.refusedFirstMs, o.refusedMostMs);
  return backOff(failures, random, o.backOffFirstMs, o.backOffMostMs);
}
