import { type Selectable, sql } from "kysely";
import type { Tx } from "../db/database.ts";
import type { InboxTable } from "../db/tables.ts";
import { LANES } from "../nostr/arrivals.ts";
import { OWN_MESSAGE } from "../nostr/envelope.ts";

export type InboxRow = Selectable<InboxTable>;

/** Why an event waits whose merchant is halted. */
export const HALTED = "the merchant is halted: somebody has to decide first";

// A literal: partial indexes serve a query only if its text says so, and the inbox keeps everything that ever came.
const NEW = sql.lit("new" as const);
/** Types of messages that aren't orders (`MessageReading`). */
const TALK: readonly string[] = ["chat", "twin", "claim", "bot"];

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
      junk_bytes: isJunk(row, end) ? row.event.length : null,
    })
    .where("seq", "=", row.seq).where("state", "=", NEW).executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

/** A stranger's message that nobody bought anything by: forgotten after a while unless its sender becomes a customer. */
function isJunk(row: InboxRow, end: { state: string; reason?: string }): boolean {
  if (row.lane === LANES.regulars) return false;
  if (end.state === "dropped") return end.reason !== OWN_MESSAGE;
  return end.state === "done" && TALK.includes(end.reason ?? "");
}

/** Takes back a `finish` of the same transaction: the message is to be read at `at` (ms), and it has had its turn. */
export async function putBack(
  tx: Tx,
  row: InboxRow,
  o: { at: number; sender: string; reason: string },
): Promise<void> {
  await tx.updateTable("inbox")
    .set({
      state: "new",
      next_at: o.at,
      sender: o.sender,
      rumor_id: null,
      reason: o.reason,
      junk_bytes: null,
      // It has been read, and is only late: it is no newcomer in a flood.
      sheddable: 0,
    })
    .where("seq", "=", row.seq).execute();
}

/** Tries an event again at `at` (ms) after a failure. Once the sender is known, what they wrote later waits for it. */
export async function retryAt(
  tx: Tx,
  row: InboxRow,
  o: { at: number; sender?: string; reason: string },
): Promise<void> {
  await tx.updateTable("inbox").set({
    attempts: row.attempts + 1,
    next_at: o.at,
    reason: o.reason,
    ...(o.sender !== undefined && { sender: o.sender }),
  }).where("seq", "=", row.seq).where("state", "=", NEW).execute();
}

/** Puts off everything of a merchant who can't be answered for now. */
export async function putOffMerchant(
  tx: Tx,
  merchant: string,
  o: { now: number; at: number; reason: string },
): Promise<void> {
  await tx.updateTable("inbox").set({ next_at: o.at, reason: o.reason })
    .where("state", "=", NEW).where("next_at", "<=", o.now).where("merchant", "=", merchant).execute();
}

/** When the sender's latest message before this one is due (ms), if one was opened and put off; else null. */
export async function earlierDue(tx: Tx, row: InboxRow, sender: string): Promise<number | null> {
  const before = await tx.selectFrom("inbox").select("next_at").where("state", "=", NEW)
    .where("merchant", "=", row.merchant).where("sender", "=", sender).where("seq", "<", row.seq)
    .orderBy("seq", "desc").limit(1).executeTakeFirst();
  return before?.next_at ?? null;
}

/** NIP-59: the same rumor can come in any number of wraps. */
export async function rumorKnown(tx: Tx, merchant: string, rumorId: string): Promise<boolean> {
  const row = await tx.selectFrom("inbox").select("seq")
    .where("merchant", "=", merchant).where("rumor_id", "=", rumorId).executeTakeFirst();
  return row !== undefined;
}

/** Has everything read that waited because the merchant was halted, in the order of its arrival. */
export async function endHalt(tx: Tx, merchant: string, now: number): Promise<void> {
  await tx.updateTable("inbox").set({ next_at: now, reason: null })
    .where("state", "=", NEW).where("merchant", "=", merchant).where("reason", "=", HALTED).execute();
  tx.wake("inbox");
}
