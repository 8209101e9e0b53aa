import type { Kysely, Selectable } from "kysely";
import type { Tx } from "../db/database.ts";
import type { InboxTable, Tables } from "../db/tables.ts";

export type InboxRow = Selectable<InboxTable>;

/** The oldest events that wait and are due, in order of arrival. */
export async function waiting(db: Kysely<Tables>, now: number, limit: number): Promise<InboxRow[]> {
  return await db.selectFrom("inbox").selectAll().where("state", "=", "new").where("next_at", "<=", now)
    .orderBy("seq").limit(limit).execute();
}

/** When the next waiting event is due; null when none waits. */
export async function nextDue(db: Kysely<Tables>): Promise<number | null> {
  const row = await db.selectFrom("inbox").select((eb) => eb.fn.min("next_at").as("at")).where(
    "state",
    "=",
    "new",
  )
    .executeTakeFirst();
  return row?.at ?? null;
}

/** Ends an event's wait. False when it had ended already: then its effects have happened and must not happen again. */
export async function finish(
  tx: Tx,
  row: InboxRow,
  end: { state: "done" | "dropped" | "dead"; sender?: string; rumorId?: string | null; reason?: string },
): Promise<boolean> {
  const done = await tx.updateTable("inbox")
    .set({
      state: end.state,
      sender: end.sender ?? null,
      rumor_id: end.rumorId ?? null,
      reason: end.reason ?? null,
    })
    .where("seq", "=", row.seq).where("state", "=", "new").executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

/** Tries the event again at `at`. */
export async function postpone(tx: Tx, row: InboxRow, at: number, reason: string): Promise<void> {
  await tx.updateTable("inbox").set({ attempts: row.attempts + 1, next_at: at, reason })
    .where("seq", "=", row.seq).where("state", "=", "new").execute();
}

/** NIP-59: the same rumor can come in any number of wraps. */
export async function rumorKnown(tx: Tx, merchant: string, rumorId: string): Promise<boolean> {
  const row = await tx.selectFrom("inbox").select("seq").where("merchant", "=", merchant).where(
    "rumor_id",
    "=",
    rumorId,
  )
    .executeTakeFirst();
  return row !== undefined;
}
