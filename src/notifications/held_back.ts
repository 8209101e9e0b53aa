import type { Database } from "../db/database.ts";
import { type JobHandler, type JobHandlers, RetryLater } from "../jobs/runner.ts";
import { KeyClockError } from "../nostr/key_clock.ts";
import { isHalted } from "./halt_store.ts";

const HALTED_MS = 15_000;
const CLOCK_MS = 60_000;

/**
 * Jobs {order_id} that wait, for as long as it takes and without using up their tries, while their merchant is halted, or while
 * the machine's clock is so far back that nothing could be dated rightly.
 */
export function heldBack(database: Database, handlers: JobHandlers): JobHandlers {
  return Object.fromEntries(Object.entries(handlers).map(([kind, one]) => [kind, held(database, one)]));
}

function held(database: Database, handler: JobHandler): JobHandler {
  return {
    ...handler,
    async run(job) {
      if (await isHalted(database.kysely, String(job.payload.order_id))) {
        throw new RetryLater("the merchant is halted", HALTED_MS, false);
      }
      await dated(() => handler.run(job));
    },
  };
}

/** Does something that dates messages; what can't be dated now is tried again when the clock may be right. */
export async function dated(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof KeyClockError) throw new RetryLater(error.message, CLOCK_MS, false);
    throw error;
  }
}
