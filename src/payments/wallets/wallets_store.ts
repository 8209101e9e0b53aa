import type { Kysely, Selectable } from "kysely";
import type { Tx } from "../../db/database.ts";
import type { Tables, WalletsTable } from "../../db/tables.ts";

export type WalletRow = Selectable<WalletsTable>;

/** The further wallets of all merchants, in the order in which they are asked. */
export async function furtherWallets(db: Kysely<Tables>): Promise<WalletRow[]> {
  return await db.selectFrom("wallets").selectAll()
    .orderBy("merchant").orderBy("priority").orderBy("name").execute();
}

/** Notes a further wallet; false when the merchant has one of this name. */
export async function insertWallet(
  tx: Tx,
  wallet: { merchant: string; name: string; priority: number; now: number },
): Promise<boolean> {
  const { merchant, name, priority, now } = wallet;
  const result = await tx.insertInto("wallets")
    .values({ merchant, name, priority, created_at: now, updated_at: now })
    .onConflict((on) => on.doNothing()).executeTakeFirst();
  return Number(result.numInsertedOrUpdatedRows ?? 0) === 1;
}

/** Removes it; false when there is none of this name. */
export async function deleteWallet(tx: Tx, merchant: string, name: string): Promise<boolean> {
  const result = await tx.deleteFrom("wallets").where("merchant", "=", merchant).where("name", "=", name)
    .executeTakeFirst();
  return Number(result.numDeletedRows) === 1;
}
