import type { Tx } from "../db/database.ts";

/** A job as its handler sees it. */
export interface RunningJob {
  readonly id: number;
  readonly kind: string;
  readonly payload: Record<string, unknown>;
  /** From 1. */
  readonly attempt: number;
  /** Aborted when another holder took over, and when the program stops and has waited long enough. */
  readonly signal: AbortSignal;
  /**
   * Ends the job inside the handler's own transaction, so that its effect and its end are one fact. Throws
   * `LeaseLostError`, which rolls that transaction back, when another holder took over. A handler that returns without
   * having called it is done, too.
   */
  complete(tx: Tx): Promise<void>;
}

/** What is done for one kind of job. */
export interface JobHandler {
  /** Does the job. Throws `RetryLater`, `GiveUp`, or anything else for a usual back-off. It may run twice for one job. */
  run(job: RunningJob): Promise<void>;
  /** For how long a job is reserved before another process may take it over; renewed while it runs. Default 30,000. */
  leaseMs?: number;
  /** How many of this kind run at once for one merchant in this process; in all four times as many. Default 8. */
  concurrency?: number;
  /** Called in the transaction that marks the job dead. If it throws, the job isn't dead and will be tried again. */
  onDead?(tx: Tx, payload: Record<string, unknown>, error: string): Promise<void>;
}

/** Handlers by kind. */
export type JobHandlers = Record<string, JobHandler>;
