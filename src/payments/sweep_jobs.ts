import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { enqueue } from "../jobs/queue.ts";
import { type JobHandlers, RetryLater } from "../jobs/runner.ts";
import type { Sweep } from "./sweep.ts";
import { walletError } from "./wallet.ts";

const DAY_MS = 24 * 3_600_000;
/** UTC: when few people buy. */
const NIGHT_MS = 3 * 3_600_000;
/** A start has more urgent things to do first. */
const AFTER_START_MS = 5_000;
const RETRY_MS = 5 * 60_000;
/** A wallet may be away for weeks. */
const TRIES = 100_000;

/** Has a merchant's wallet swept soon, as at a start or when it was set up anew. One at a time, whoever asks. */
export async function sweepSoon(tx: Tx, merchant: string, now: number): Promise<void> {
  await ask(tx, merchant, "soon", now + AFTER_START_MS, now);
}

/** The handler of `payments.sweep` {merchant, how}: one process does it, every night again. */
export function sweepJobs({ sweep, database, clock }: {
  sweep: Sweep;
  database: Database;
  clock: Clock;
}): JobHandlers {
  return {
    "payments.sweep": {
      concurrency: 2,
      async run(job) {
        const { merchant, how } = job.payload as { merchant: string; how: "soon" | "nightly" };
        try {
          await sweep.run(merchant, how, job.signal);
        } catch (error) {
          if (job.signal.aborted) throw error;
          throw new RetryLater(`the wallet can't be swept: ${walletError(error).message}`, RETRY_MS);
        }
        await database.transaction(async (tx) => {
          await job.complete(tx);
          const now = clock.now();
          await ask(tx, merchant, "nightly", nextNight(now), now);
        });
      },
    },
  };
}

/** The next night's hour, ms since 1970. */
export function nextNight(now: number): number {
  const today = now - now % DAY_MS + NIGHT_MS;
  return today > now ? today : today + DAY_MS;
}

async function ask(tx: Tx, merchant: string, how: string, runAt: number, now: number): Promise<void> {
  await enqueue(tx, {
    kind: "payments.sweep",
    merchant,
    key: merchant,
    payload: { merchant, how },
    runAt,
    maxAttempts: TRIES,
  }, now);
}
