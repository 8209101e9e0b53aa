import type { Insertable, Kysely, Updateable } from "kysely";
import type { Tx } from "../db/database.ts";
import { isAfter, type Slice } from "../db/keyset.ts";
import type { StallsTable, Tables } from "../db/tables.ts";
import type { StallRow } from "./resources.ts";

/** Serialises the edits of one merchant's catalogue; false when there is no such merchant. */
export async function lockMerchant(tx: Tx, merchant: string): Promise<boolean> {
  const row = await tx.selectFrom("merchants").select("pubkey").where("pubkey", "=", merchant)
    .$if(tx.dialect === "postgres", (q) => q.forUpdate()).executeTakeFirst();
  return row !== undefined;
}

/** A stall, also one that was deleted. */
export async function selectStall(
  db: Kysely<Tables>,
  merchant: string,
  id: string,
): Promise<StallRow | undefined> {
  return await db.selectFrom("stalls").selectAll().where("merchant", "=", merchant).where("id", "=", id)
    .executeTakeFirst();
}

/** The stalls of a merchant that aren't deleted. */
export async function selectStallsOf(db: Kysely<Tables>, merchant: string): Promise<StallRow[]> {
  return await db.selectFrom("stalls").selectAll().where("merchant", "=", merchant).where(
    "deleted_at",
    "is",
    null,
  )
    .execute();
}

/** The stalls with this id, of one merchant or of all. */
export async function selectStallsById(
  db: Kysely<Tables>,
  id: string,
  merchant?: string,
): Promise<StallRow[]> {
  return await db.selectFrom("stalls").selectAll().where("id", "=", id).where("deleted_at", "is", null)
    .$if(merchant !== undefined, (q) => q.where("merchant", "=", merchant!)).execute();
}

/** A page of stalls, newest first. */
export async function selectStallPage(
  db: Kysely<Tables>,
  filter: { merchant?: string | undefined },
  page: Slice<[createdAt: number, id: string, merchant: string]>,
): Promise<StallRow[]> {
  return await db.selectFrom("stalls").selectAll().where("deleted_at", "is", null)
    .$if(filter.merchant !== undefined, (q) => q.where("merchant", "=", filter.merchant!))
    .where(isAfter(page.after, ["created_at", "id", "merchant"], "<"))
    .orderBy("created_at", "desc").orderBy("id", "desc").orderBy("merchant", "desc").limit(page.limit)
    .execute();
}

/** Writes a new stall, in place of a deleted one of the same id. */
export async function putStall(tx: Tx, row: Insertable<StallsTable>): Promise<void> {
  const { merchant: _merchant, id: _id, ...rest } = row;
  await tx.insertInto("stalls").values(row).onConflict((c) => c.columns(["merchant", "id"]).doUpdateSet(rest))
    .execute();
}

/** Changes a stall. */
export async function updateStallRow(
  tx: Tx,
  merchant: string,
  id: string,
  change: Updateable<StallsTable>,
): Promise<void> {
  await tx.updateTable("stalls").set(change).where("merchant", "=", merchant).where("id", "=", id).execute();
}

/** From now on what another system kept is the merchant's own. */
export async function releaseKept(tx: Tx, merchant: string): Promise<void> {
  for (const table of ["stalls", "products"] as const) {
    await tx.updateTable(table).set({ kept_by: null }).where("merchant", "=", merchant)
      .where("kept_by", "is not", null).execute();
  }
}

/** Stalls by id, without deleted ones. */
export async function selectStallsIn(
  db: Kysely<Tables>,
  merchant: string,
  ids: readonly string[],
): Promise<StallRow[]> {
  if (ids.length === 0) return [];
  return await db.selectFrom("stalls").selectAll().where("merchant", "=", merchant).where("id", "in", ids)
    .where("deleted_at", "is", null).execute();
}
