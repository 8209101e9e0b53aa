import type { Kysely } from "kysely";
import type { Tx } from "../db/database.ts";
import type { Tables } from "../db/tables.ts";
import { levels } from "../stock/stock.ts";
import type { EventDraft } from "./event_draft.ts";
import { productEvent } from "./product_event.ts";
import { selectProduct } from "./products_store.ts";
import { type Address, lateKey, lateRelaysIn, STALL_KIND } from "./publish_queue.ts";
import { stallEvent } from "./stall_event.ts";
import { selectStall } from "./stalls_store.ts";

/** What an address says now, and what was last published of it. */
export interface Current {
  draft: EventDraft;
  /** The stall it belongs to: a product's, or the stall itself. */
  stallId: string;
  deletedAt: number | null;
  eventId: string | null;
  /** Milliseconds; a whole second, and possibly a little ahead of now. */
  publishedAt: number | null;
  publishedHash: string | null;
}

/** What was published last: `null`s for an address of which nothing is on the relays any more. */
export interface Published {
  event_id: string | null;
  published_at: number | null;
  published_hash: string | null;
}

/** Reads what should stand under an address; undefined when there never was such a stall or product. */
export async function selectCurrent(db: Kysely<Tables>, address: Address): Promise<Current | undefined> {
  const { merchant, kind, d } = address;
  if (kind === STALL_KIND) {
    const row = await selectStall(db, merchant, d);
    return row && { draft: stallEvent(row), stallId: row.id, ...publication(row) };
  }
  const row = await selectProduct(db, merchant, d);
  if (!row) return undefined;
  const onHand = (await levels(db, merchant, [d])).get(d)?.onHand;
  return {
    draft: productEvent(row, onHand === undefined ? 0 : onHand),
    stallId: row.stall_id,
    ...publication(row),
  };
}

/** Notes what was published; false when somebody else published meanwhile (the event before isn't `before` any more). */
export async function markPublished(
  tx: Tx,
  { merchant, kind, d }: Address,
  before: string | null,
  published: Published,
): Promise<boolean> {
  const done = await tx.updateTable(kind === STALL_KIND ? "stalls" : "products").set(published)
    .where("merchant", "=", merchant).where("id", "=", d)
    .where("event_id", before === null ? "is" : "=", before).executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

/** Why we made an event; null for one that we didn't make. */
export async function purposeOf(db: Kysely<Tables>, eventId: string): Promise<string | null> {
  const row = await db.selectFrom("outbox_events").select("purpose").where("event_id", "=", eventId)
    .executeTakeFirst();
  return row?.purpose ?? null;
}

/** Whether anything with a purpose of this beginning was ever posted. */
export async function hasPosted(db: Kysely<Tables>, merchant: string, beginning: string): Promise<boolean> {
  const row = await db.selectFrom("outbox_events").select("purpose").where("merchant", "=", merchant)
    .where("purpose", ">=", beginning).where("purpose", "<", beginning + "~").executeTakeFirst();
  return row !== undefined;
}

/** Whether some relay hasn't answered yet to one of our events. */
export async function isOnItsWay(db: Kysely<Tables>, eventId: string): Promise<boolean> {
  const row = await db.selectFrom("outbox").select("relay").where("event_id", "=", eventId)
    .where("state", "=", "pending").executeTakeFirst();
  return row !== undefined;
}

/** Relays that still have to be read before this address may be written there; also those where reading found a foreign version. */
export async function lateRelays(db: Kysely<Tables>, address: Address): Promise<Set<string>> {
  const rows = await db.selectFrom("jobs").select("payload").where("kind", "=", "catalog.publish")
    .where("key", "=", lateKey(address)).execute();
  return new Set(rows.flatMap((row) => lateRelaysIn(JSON.parse(row.payload))));
}

function publication(row: Published & { deleted_at: number | null }) {
  return {
    deletedAt: row.deleted_at,
    eventId: row.event_id,
    publishedAt: row.published_at,
    publishedHash: row.published_hash,
  };
}
