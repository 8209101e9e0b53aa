import type { NostrEvent } from "@nostrify/types";
import { type Insertable, sql } from "kysely";
import type { Database, Tx } from "../db/database.ts";
import type { InboxTable } from "../db/tables.ts";
import { WRAP_KINDS } from "./gift_wrap.ts";
import { textList } from "./sql_list.ts";

/** A verified event that has reached us. */
export interface Arrival {
  event: NostrEvent;
  /** The relay that brought it; empty for the built-in one. */
  relay: string;
  /** Served merchants among its `p` tags: one inbox row for each. */
  merchants: string[];
  /** Keys that the connection had authenticated as (NIP-42), where it was the built-in relay's. */
  authenticated?: readonly string[];
  /** Those of the merchants at whose shop its author is a regular: it is read first there, and never shed. */
  regularAt?: ReadonlySet<string>;
}

/** Who is read first. Wraps stand apart: opening one costs most, and nobody knows by whom it is. */
export const LANES = { regulars: 0, strangers: 1, wraps: 2 } as const;

/** Signature of `arrive`, for who is handed another one. */
export type ReceiveFn = (tx: Tx, arrivals: Arrival[], now: number) => Promise<number>;

/** Sizes of an insert, so that only a few statements have to be prepared. */
const CHUNKS = [50, 10, 1];

/**
 * T1: puts events into the inbox, each (merchant, event) once, in the order given, and wakes "inbox" when something is new.
 * Answers how many rows are new. The signatures must have been checked before: an id in the inbox counts as seen.
 */
export async function arrive(tx: Tx, arrivals: Arrival[], now: number): Promise<number> {
  const rows = arrivals.flatMap(({ event, relay, merchants, regularAt }) =>
    [...new Set(merchants)].map((merchant) => ({
      ...standing(event, relay, regularAt?.has(merchant) ?? false),
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
  if (added < rows.length) {
    for (const row of rows) if (row.sheddable === 0) added += await keep(tx, row);
  }
  if (added > 0) tx.wake("inbox");
  return added;
}

/** What another relay brought first is kept from now on; 1 when it was shed this very moment and is new again. */
async function keep(tx: Tx, row: Insertable<InboxTable>): Promise<number> {
  const kept = await tx.updateTable("inbox").set({ sheddable: 0 })
    .where("merchant", "=", row.merchant).where("event_id", "=", row.event_id).executeTakeFirst();
  if (kept.numUpdatedRows > 0n) return 0;
  const done = await tx.insertInto("inbox").values(row)
    .onConflict((on) => on.columns(["merchant", "event_id"]).doNothing()).executeTakeFirst();
  return Number(done.numInsertedOrUpdatedRows ?? 0n);
}

function standing(event: NostrEvent, relay: string, regular: boolean): { lane: number; sheddable: 0 | 1 } {
  if (regular) return { lane: LANES.regulars, sheddable: 0 };
  const lane = WRAP_KINDS.includes(event.kind) ? LANES.wraps : LANES.strangers;
  // The built-in relay says OK: what it took is kept.
  return { lane, sheddable: relay === "" ? 0 : 1 };
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
