import type { Insertable, Kysely, Selectable, Updateable } from "kysely";
import type { Tx } from "../db/database.ts";
import type { MerchantsTable, Tables } from "../db/tables.ts";

export type MerchantRow = Selectable<MerchantsTable>;

/** Writes a merchant; false when there is one with this key. */
export async function insertMerchant(tx: Tx, row: Insertable<MerchantsTable>): Promise<boolean> {
  const done = await tx.insertInto("merchants").values(row).onConflict((c) => c.doNothing())
    .executeTakeFirst();
  return Number(done.numInsertedOrUpdatedRows) === 1;
}

export async function selectMerchant(db: Kysely<Tables>, pubkey: string): Promise<MerchantRow | undefined> {
  return await db.selectFrom("merchants").selectAll().where("pubkey", "=", pubkey).executeTakeFirst();
}

/** All merchants, the oldest first. A process serves few enough to list at once. */
export async function selectMerchants(db: Kysely<Tables>): Promise<MerchantRow[]> {
  return await db.selectFrom("merchants").selectAll().orderBy("created_at").orderBy("pubkey").execute();
}

/** Changes a merchant; false when there is none with this key. */
export async function updateMerchantRow(
  tx: Tx,
  pubkey: string,
  change: Updateable<MerchantsTable>,
): Promise<boolean> {
  const done = await tx.updateTable("merchants").set(change).where("pubkey", "=", pubkey).executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}
