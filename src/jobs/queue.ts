import { sql } from "kysely";
import type { Tx } from "../db/database.ts";

/** Tries until a job is dead: about an hour and a quarter with the usual back-off. */
export const DEFAULT_MAX_ATTEMPTS = 20;

/** One durable piece of work, to be done at least once after the transaction that asks for it commits. */
export interface NewJob {
  kind: string;
  /** Whose work it is: merchants share a process' slots fairly (jobs/shares.ts). */
  merchant: string;
  /** Ids only, never customers' data: it outlives what is purged. */
  payload: Record<string, unknown>;
  /** At most one job of a kind and key waits; jobs of one kind and key run one after another. */
  key?: string;
  /** Milliseconds since 1970; not before then. Default: at once. */
  runAt?: number;
  /** Default 20. */
  maxAttempts?: number;
}

/**
 * Adds a job; runners are woken by the commit. When one of the same kind and key already waits, that row stays one: the
 * earlier of both times, the new payload, and as many further tries as the new one asks for.
 */
export async function enqueue(tx: Tx, job: NewJob, now: number): Promise<void> {
  await tx.insertInto("jobs").values({
    kind: job.kind,
    merchant: job.merchant,
    key: job.key ?? null,
    payload: JSON.stringify(job.payload),
    state: "ready",
    run_at: job.runAt ?? now,
    attempts: 0,
    max_attempts: job.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    created_at: now,
  }).onConflict((conflict) =>
    // The word must stand in the text: only then do both databases see that the partial index is meant.
    conflict.columns(["kind", "key"]).where("state", "=", sql.lit("ready")).doUpdateSet({
      payload: sql`excluded.payload`,
      run_at: sql`case when excluded.run_at < jobs.run_at then excluded.run_at else jobs.run_at end`,
      max_attempts: sql`jobs.attempts + excluded.max_attempts`,
    })
  ).execute();
  tx.wake("jobs");
}
