import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import type { Random } from "../random.ts";
import type { Service } from "../service.ts";
import { bury, claim, findDue, putBack, renew, type Wanted } from "./claims_store.ts";
import type { JobHandler, JobHandlers } from "./handler.ts";
import { HeldJob, Slots } from "./held_jobs.ts";
import { backOff, GiveUp, LeaseLostError, RetryLater } from "./outcome.ts";
import { shares } from "./shares.ts";

export type { JobHandler, JobHandlers, RunningJob } from "./handler.ts";
export { GiveUp, LeaseLostError, RetryLater } from "./outcome.ts";

/** Behind the wake-ups, which other processes' commits may lack. */
const POLL_MS = 250;
const AFTER_FAULT_MS = 1_000;
/** How long handlers may finish after `stop()` before their signals are aborted. */
const GRACE_MS = 5_000;
const ERROR_TEXT_MOST = 500;

/** What a runner needs. */
export interface RunnerOptions {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  handlers: JobHandlers;
  /** This runner, different for each start of the program. */
  holder: string;
}

/**
 * Runs the jobs of its handlers' kinds, each at least once, beside other runners on the same database. A job whose process
 * died is taken over when its lease runs out; a job that fails waits longer each time, and after its last try is kept as dead.
 */
export class JobRunner implements Service {
  readonly #o: RunnerOptions;
  readonly #slots: Map<string, Slots>;
  readonly #ended = new Set<Promise<void>>();
  #loop: Promise<void> | undefined;
  #stopping = false;
  #woken = false;
  #wait: AbortController | undefined;
  #unlisten = () => {};
  #settling: (() => void)[] = [];

  constructor(options: RunnerOptions) {
    this.#o = options;
    this.#slots = new Map(
      Object.entries(options.handlers).map(([kind, handler]) => [kind, new Slots(kind, handler)]),
    );
  }

  start(): Promise<void> {
    if (this.#loop) throw new Error("the job runner runs already");
    this.#unlisten = this.#o.database.listen("jobs", () => this.#wake());
    this.#loop = this.#run();
    return Promise.resolve();
  }

  /** Claims nothing new, gives back what it has claimed but not begun, and waits for what runs, whose leases it goes on renewing. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#unlisten();
    this.#wake();
    const over = new AbortController();
    const grace = this.#o.clock.sleep(GRACE_MS, over.signal).then(() => {
      if (over.signal.aborted) return;
      for (const { running } of this.#slots.values()) {
        for (const job of running) job.abort.abort(new Error("the program stops"));
      }
    });
    await this.#loop;
    over.abort();
    await grace;
  }

  /** For tests: resolves when no job of its kinds is due and it runs none. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#settling.push(resolve);
      this.#wake();
    });
  }

  #wake(): void {
    this.#woken = true;
    this.#wait?.abort("woken");
  }

  async #run(): Promise<void> {
    while (!this.#stopping || !this.#idle) {
      this.#woken = false;
      const { pause, settled } = await this.#pass().catch((error) => {
        this.#o.log.error("jobs can't be read", { error: errorText(error) });
        return { pause: AFTER_FAULT_MS, settled: false };
      });
      if (pause === 0 || this.#woken) continue;
      this.#wait = new AbortController();
      const sleep = this.#o.clock.sleep(pause, this.#wait.signal);
      // Asleep already, so that a test that now moves the clock wakes it.
      if (settled) this.#tellSettled();
      await sleep;
      this.#wait = undefined;
    }
    await Promise.all(this.#ended);
    this.#tellSettled();
  }

  /** Renews, claims and starts once. Answers how long to sleep, and whether there is nothing to do before some later time. */
  async #pass(): Promise<{ pause: number; settled: boolean }> {
    await this.#renew();
    if (this.#stopping) return { pause: POLL_MS, settled: false };
    const now = this.#o.clock.now();
    const { lanes, next } = await findDue(this.#o.database, [...this.#slots.keys()], now);
    const wanted = lanes.length > 0 ? shares(lanes, this.#slots) : [];
    const claimed = wanted.length > 0 ? await this.#claim(wanted, now) : 0;
    // What is due but can't be claimed waits for a slot, whose end wakes this, or for another runner.
    return {
      pause: claimed > 0 ? 0 : next === null ? POLL_MS : Math.min(next - now, POLL_MS),
      settled: this.#idle && lanes.length === 0,
    };
  }

  get #idle(): boolean {
    return [...this.#slots.values()].every(({ running }) => running.size === 0);
  }

  async #claim(wanted: Wanted[], now: number): Promise<number> {
    // Whose claim is lost to a power cut is gone, too.
    const claims = await this.#o.database.transaction((tx) => claim(tx, wanted, this.#o.holder, now), {
      lasting: false,
    });
    for (const one of claims) {
      const slots = this.#slots.get(one.kind)!;
      const job = new HeldJob(one, this.#o.holder, now + slots.leaseMs);
      slots.running.add(job);
      const ended = this.#runOne(slots, job).finally(() => {
        slots.running.delete(job);
        this.#ended.delete(ended);
        this.#wake();
      });
      this.#ended.add(ended);
    }
    return claims.length;
  }

  #tellSettled(): void {
    for (const settled of this.#settling.splice(0)) settled();
  }

  /** Never rejects: whatever goes wrong is written to the job, or to the log when that fails, too. */
  async #runOne({ handler }: Slots, job: HeldJob): Promise<void> {
    const log = this.#o.log.child({ job: job.id, kind: job.kind, attempt: job.attempt });
    try {
      try {
        // Asked to stop while it claimed.
        if (this.#stopping) return void await this.#putBack(job);
        if (job.claim.attempts > job.claim.max_attempts) {
          throw new GiveUp("the program ended during each of its tries");
        }
        await handler.run(job);
        if (!job.completed) await this.#o.database.transaction((tx) => job.complete(tx));
      } catch (error) {
        if (error instanceof LeaseLostError) log.warn("job taken over by another", { error: error.message });
        else if (job.signal.aborted && this.#stopping) await this.#putBack(job);
        else await this.#failed(handler, job, error, log);
      }
    } catch (error) {
      // Its lease will run out, and then it is tried again.
      log.error("what became of a job can't be stored", { error: errorText(error) });
    }
  }

  async #failed(handler: JobHandler, job: HeldJob, cause: unknown, log: Log): Promise<void> {
    const { database, clock, random, holder } = this.#o;
    const error = errorText(cause).slice(0, ERROR_TEXT_MOST);
    const free = cause instanceof RetryLater && !cause.counts;
    if (cause instanceof GiveUp || (!free && job.claim.attempts >= job.claim.max_attempts)) {
      const ours = await database.transaction(async (tx) => {
        if (!await bury(tx, job.claim, holder, error)) return false;
        await handler.onDead?.(tx, job.payload, error);
        return true;
      });
      if (ours) log.error("job is dead", { error });
      else log.warn("job failed, but it isn't this runner's any more", { error });
      return;
    }
    const delay = cause instanceof RetryLater
      ? cause.delay(clock.now() - job.claim.created_at)
      : backOff(job.claim.attempts, random.fraction());
    const ours = await this.#putBack(job, { runAt: clock.now() + delay, error, uncount: free });
    if (!ours) log.warn("job failed, but it isn't this runner's any more", { error });
    else if (cause instanceof RetryLater) log.debug("job waits", { error, delay });
    else log.warn("job failed", { error, delay });
  }

  /** A job that didn't begin, or was broken off by `stop()`, doesn't lose a try. */
  #putBack(job: HeldJob, change?: { runAt: number; error: string; uncount: boolean }): Promise<boolean> {
    const { database, clock, holder } = this.#o;
    const how = change ?? { runAt: clock.now(), uncount: true };
    return onceMore(() =>
      database.transaction(async (tx) => {
        const ours = await putBack(tx, job.claim, holder, how);
        if (!change) tx.wake("jobs");
        return ours;
      })
    );
  }

  /** Prolongs leases that have used up a third of their time. */
  async #renew(): Promise<void> {
    const { database, clock, holder } = this.#o;
    for (const { running, leaseMs } of this.#slots.values()) {
      const now = clock.now();
      const due = [...running].filter((job) => !job.completed && job.leaseUntil - now < leaseMs * 2 / 3);
      if (due.length === 0) continue;
      const until = now + leaseMs;
      const claims = due.map((job) => job.claim);
      const ours = await database.transaction((tx) => renew(tx, claims, holder, until), { lasting: false });
      for (const job of due) {
        if (ours.has(`${job.id}:${job.attempt}`)) job.leaseUntil = until;
        else job.abort.abort(new LeaseLostError(`job ${job.id} (${job.kind}) is another's now`));
      }
    }
  }
}

/** On PostgreSQL a job of the same key may come to wait between two statements; a second look finds it. */
async function onceMore<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if ((error as { code?: string }).code !== "23505") throw error;
    return await work();
  }
}
