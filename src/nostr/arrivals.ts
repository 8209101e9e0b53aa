import type { NostrEvent } from "@nostrify/types";
import { sql } from "kysely";
import type { Database, Tx } from "../db/database.ts";
import { textList } from "./sql_list.ts";

/** A verified event that has reached us. */
export interface Arrival {
  event: NostrEvent;
  /** The relay that brought it; empty for the built-in one. */
  relay: string;
  /** Served merchants among its `p` tags: one inbox row for each. */
  merchants: string[];
}

/** Signature of `arrive`, for who is handed another one. */
export type ReceiveFn = (tx: Tx, arrivals: Arrival[], now: number) => Promise<number>;

/** Sizes of an insert, so that only a few statements have to be prepared. */
const CHUNKS = [50, 10, 1];

/**
 * T1: puts events into the inbox, each (merchant, event) once, in the order given, and wakes "inbox" when something is new.
 * Answers how many rows are new. The signatures must have been checked before: an id in the inbox counts as seen.
 */
export async function arrive(tx: Tx, arrivals: Arrival[], now: number): Promise<number> {
  const rows = arrivals.flatMap(({ event, relay, merchants }) =>
    [...new Set(merchants)].map((merchant) => ({
      merchant,
      event_id: event.id,
      kind: event.kind,
      author: event.pubkey,
      event: JSON.stringify(event),
      relay,
      received_at: now,
      state: "new" as const,
      attempts: 0,
      next_at: now,
    }))
  );
  let added = 0;
  for (let i = 0; i < rows.length;) {
    const size = CHUNKS.find((chunk) => chunk <= rows.length - i)!;
    const result = await tx.insertInto("inbox").values(rows.slice(i, i + size))
      .onConflict((on) => on.columns(["merchant", "event_id"]).doNothing())
      .executeTakeFirst();
    added += Number(result.numInsertedOrUpdatedRows ?? 0n);
    i += size;
  }
  if (added > 0) tx.wake("inbox");
  return added;
}

/** Which of these event ids the merchant's inbox has. */
export async function inInbox(database: Database, merchant: string, ids: string[]): Promise<Set<string>> {
  const rows = await database.kysely.selectFrom("inbox").select("event_id")
    .where("merchant", "=", merchant).where("event_id", "in", textList(database.dialect, ids)).execute();
  return new Set(rows.map((row) => row.event_id));
}

/** A relay's receive time (ms) up to which a merchant's events are in the inbox; `null` before the first catch-up. */
export async function readCursor(
  database: Database,
  merchant: string,
  relay: string,
): Promise<number | null> {
  const row = await database.kysely.selectFrom("relay_cursors").select("cursor")
    .where("merchant", "=", merchant).where("relay", "=", relay).executeTakeFirst();
  return row?.cursor ?? null;
}

/** Moves a relay's cursor forward, never back. Belongs into the transaction of the arrivals it speaks for. */
export async function moveCursor(
  tx: Tx,
  o: { merchant: string; relay: string; /** ms */ cursor: number; now: number },
): Promise<void> {
  const newest = tx.dialect === "sqlite"
    ? sql<number>`max(excluded.cursor, relay_cursors.cursor)`
    : sql<number>`greatest(excluded.cursor, relay_cursors.cursor)`;
  await tx.insertInto("relay_cursors")
    .values({ merchant: o.merchant, relay: o.relay, cursor: o.cursor, updated_at: o.now })
    .onConflict((on) => on.columns(["merchant", "relay"]).doUpdateSet({ cursor: newest, updated_at: o.now }))
    .execute();
}
