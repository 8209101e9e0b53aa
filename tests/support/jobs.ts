import type { Database } from "../../src/db/database.ts";
import type { JobHandler, JobHandlers } from "../../src/jobs/handler.ts";
import { enqueue, type NewJob } from "../../src/jobs/queue.ts";
import { JobRunner } from "../../src/jobs/runner.ts";
import type { Log } from "../../src/log.ts";
import { systemRandom } from "../../src/random.ts";
import type { FakeClock } from "./fake_clock.ts";
import { silentLog } from "./log.ts";

/** A started runner; `await using` stops it. */
export async function startRunner(
  database: Database,
  clock: FakeClock,
  handlers: JobHandlers | JobHandler["run"],
  options: { holder?: string; log?: Log } = {},
): Promise<JobRunner & AsyncDisposable> {
  const runner = new JobRunner({
    database,
    clock,
    random: { ...systemRandom, fraction: () => 0.5 },
    log: options.log ?? silentLog,
    handlers: typeof handlers === "function" ? { work: { run: handlers } } : handlers,
    holder: options.holder ?? "runner",
  });
  await runner.start();
  return Object.assign(runner, { [Symbol.asyncDispose]: () => runner.stop() });
}

/** Adds jobs of kind `work` (unless they say otherwise) in one transaction. */
export function add(database: Database, clock: FakeClock, ...jobs: Partial<NewJob>[]): Promise<void> {
  return database.transaction(async (tx) => {
    for (const job of jobs) {
      await enqueue(tx, { kind: "work", merchant: "", payload: {}, ...job }, clock.now());
    }
  });
}

/** Resolves when `condition` holds, which must be soon. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = "what was waited for",
): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`${what} did not happen`);
}

/** Moves time in small steps until `condition` holds: what talks to a real server in between gets real time for it. */
export function advanceUntil(
  clock: FakeClock,
  condition: () => boolean | Promise<boolean>,
  what?: string,
): Promise<void> {
  return until(async () => {
    if (await condition()) return true;
    await clock.advance(250);
    return false;
  }, what);
}
