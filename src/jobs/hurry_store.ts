import { sql } from "kysely";
import type { Tx } from "../db/database.ts";

/** Lets all jobs of a kind that wait be tried now: what they waited for may be there. */
export async function hurryJobs(tx: Tx, kind: string, now: number): Promise<void> {
  await tx.updateTable("jobs").set({ run_at: now })
    .where("kind", "=", kind).where("state", "=", sql.lit("ready")).where("run_at", ">", now).execute();
  tx.wake("jobs");
}
