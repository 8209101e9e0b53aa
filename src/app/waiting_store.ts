import { sql } from "kysely";
import type { Database } from "../db/database.ts";

/** A literal, so that the partial index on what waits is used. */
const NEW = sql.lit("new" as const);
/** As the opening of envelopes words it. */
const UNOPENED = ["the signer can't be reached", "the signer takes too long"];

/** Has the messages read that waited for a merchant's signer, in the order of their arrival. */
export async function wakeWaiting(database: Database, merchant: string, now: number): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.updateTable("inbox").set({ next_at: now, reason: null })
      .where("state", "=", NEW).where("merchant", "=", merchant).where("reason", "in", UNOPENED).execute();
    tx.wake("inbox");
  });
}
