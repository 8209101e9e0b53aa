import { sql } from "kysely";
import type { Tx } from "../db/database.ts";

/** Lets all jobs of a kind that wait, or one merchant's, be tried now: what they waited for may be there. */
export async function hurryJobs(
  tx: Tx,
  { kind, merchant, now }: { kind: string; merchant?: string; now: number },
): Promise<void> {
  await tx.updateTable("jobs").set({ run_at: now })
    .where("kind", "=", kind).where("state", "=", sql.lit("ready")).where("run_at", ">", now)
    .$if(merchant !== undefined, (query) => query.where("merchant", "=", merchant!)).execute();
  tx.wake("jobs");
}
