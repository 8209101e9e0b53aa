import { type Kysely, sql } from "kysely";
import type { Tx } from "../db/database.ts";
import { isAfter, type Slice } from "../db/keyset.ts";
import type { Tables } from "../db/tables.ts";
import { DEFAULT_MAX_ATTEMPTS } from "./queue.ts";

export type JobState = "ready" | "running" | "dead";

/** A job for people: what waits, runs or has failed for good. */
export interface Job {
  id: number;
  kind: string;
  key: string | null;
  payload: Record<string, unknown>;
  state: JobState;
  runAt: number;
  attempts: number;
  maxAttempts: number;
  lastError: string | null;
  createdAt: number;
}

/** Newest first, after the job that `after` names (keyset). */
export async function listJobs(
  db: Kysely<Tables>,
  filter: { state?: JobState | undefined },
  page: Slice<[id: number]>,
): Promise<Job[]> {
  const rows = await db.selectFrom("jobs").selectAll()
    .$if(filter.state !== undefined, (query) => query.where("state", "=", sql.lit(filter.state!)))
    .where(isAfter(page.after, ["id"], "<"))
    .orderBy("id", "desc").limit(page.limit).execute();
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    key: row.key,
    payload: JSON.parse(row.payload),
    state: row.state,
    runAt: row.run_at,
    attempts: row.attempts,
    maxAttempts: row.max_attempts,
    lastError: row.last_error,
    createdAt: row.created_at,
  }));
}

/** How many jobs are in each state, for metrics. */
export async function countJobs(db: Kysely<Tables>): Promise<Record<JobState, number>> {
  const rows = await db.selectFrom("jobs").select(["state", (eb) => eb.fn.countAll<number>().as("count")])
    .groupBy("state").execute();
  return {
    ready: 0,
    running: 0,
    dead: 0,
    ...Object.fromEntries(rows.map((row) => [row.state, Number(row.count)])),
  };
}

/** Lets a dead job wait for another round of tries, from now. */
export async function retryJob(
  tx: Tx,
  id: number,
  now: number,
): Promise<{ ok: true } | { ok: false; reason: "unknown" | "not dead" | "another one waits" }> {
  const job = await tx.selectFrom("jobs").select(["kind", "key", "state", "attempts"]).where("id", "=", id)
    .executeTakeFirst();
  if (!job) return { ok: false, reason: "unknown" };
  if (job.state !== "dead") return { ok: false, reason: "not dead" };
  if (job.key !== null) {
    const waiting = await tx.selectFrom("jobs").select("id").where("kind", "=", job.kind).where(
      "key",
      "=",
      job.key,
    )
      .where("state", "=", sql.lit("ready")).executeTakeFirst();
    if (waiting) return { ok: false, reason: "another one waits" };
  }
  await tx.updateTable("jobs").set({
    state: "ready",
    run_at: now,
    max_attempts: job.attempts + DEFAULT_MAX_ATTEMPTS,
  })
    .where("id", "=", id).where("state", "=", sql.lit("dead")).execute();
  tx.wake("jobs");
  return { ok: true };
}
