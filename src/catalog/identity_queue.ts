import type { Tx } from "../db/database.ts";
import { enqueue } from "../jobs/queue.ts";

/** Relays may be away for long before the merchant's identity can be read and published. */
const MAX_ATTEMPTS = 10_000;

/** Has kinds 0, 10002 and 10050 of a merchant published, as far as they are ours and changed. */
export function publishIdentity(tx: Tx, merchant: string, now: number): Promise<void> {
  return enqueue(tx, {
    kind: "identity.publish",
    merchant,
    payload: { merchant },
    key: merchant,
    maxAttempts: MAX_ATTEMPTS,
  }, now);
}
