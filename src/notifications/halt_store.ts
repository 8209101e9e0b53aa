import type { Kysely } from "kysely";
import type { Tx } from "../db/database.ts";
import type { Tables } from "../db/tables.ts";
import { textList } from "../nostr/sql_list.ts";

/** Merchants for whom nothing is answered until somebody decides. */
export async function haltedMerchants(db: Kysely<Tables>): Promise<ReadonlySet<string>> {
  const rows = await db.selectFrom("merchants").select("pubkey").where("halted", "is not", null).execute();
  return new Set(rows.map((row) => row.pubkey));
}

/** Whether nothing may be answered about an order now. */
export async function isHalted(db: Kysely<Tables>, orderId: string): Promise<boolean> {
  const row = await db.selectFrom("orders").innerJoin("merchants", "merchants.pubkey", "orders.merchant")
    .select("merchants.pubkey").where("orders.id", "=", orderId).where("merchants.halted", "is not", null)
    .executeTakeFirst();
  return row !== undefined;
}

/** Writes why a merchant is halted (null: it isn't any more); false when nothing changed. */
export async function setHalted(
  tx: Tx,
  o: { merchant: string; reason: string | null; now: number },
): Promise<boolean> {
  const done = await tx.updateTable("merchants").set({ halted: o.reason, updated_at: o.now })
    .where("pubkey", "=", o.merchant).where("halted", o.reason === null ? "is not" : "is", null)
    .executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

/** When this installation began to serve a merchant (ms); undefined for one that it doesn't know. */
export async function servedSince(db: Kysely<Tables>, merchant: string): Promise<number | undefined> {
  const row = await db.selectFrom("merchants").select("created_at").where("pubkey", "=", merchant)
    .executeTakeFirst();
  return row?.created_at;
}

/** Whether this installation has posted an event or a rumor with one of these ids. */
export async function posted(db: Kysely<Tables>, dialect: Tx["dialect"], ids: string[]): Promise<boolean> {
  const list = textList(dialect, ids);
  const row = await db.selectFrom("outbox_events").select("event_id")
    .where((e) => e.or([e("event_id", "in", list), e("message_id", "in", list)])).limit(1).executeTakeFirst();
  return row !== undefined;
}
