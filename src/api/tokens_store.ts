import type { Insertable, Kysely, Selectable } from "kysely";
import type { Tx } from "../db/database.ts";
import { isAfter, type Slice } from "../db/keyset.ts";
import type { Tables, TokensTable } from "../db/tables.ts";

export type TokenRow = Selectable<TokensTable>;

/** Keeps a token: of its secret only the hash. */
export async function addToken(tx: Tx, row: Insertable<TokensTable>): Promise<void> {
  await tx.insertInto("tokens").values(row).execute();
}

export async function findToken(db: Kysely<Tables>, id: string): Promise<TokenRow | undefined> {
  return await db.selectFrom("tokens").selectAll().where("id", "=", id).executeTakeFirst();
}

/** Newest first, without those that were revoked; after the row that `after` names (keyset). */
export async function listTokens(
  db: Kysely<Tables>,
  filter: { merchant?: string | undefined },
  page: Slice<[createdAt: number, id: string]>,
): Promise<TokenRow[]> {
  return await db.selectFrom("tokens").selectAll().where("revoked_at", "is", null)
    .$if(filter.merchant !== undefined, (q) => q.where("merchant", "=", filter.merchant!))
    .where(isAfter(page.after, ["created_at", "id"], "<"))
    .orderBy("created_at", "desc").orderBy("id", "desc").limit(page.limit).execute();
}

/** From now on it opens nothing. False when it opened nothing before. */
export async function revokeToken(tx: Tx, id: string, now: number): Promise<boolean> {
  const done = await tx.updateTable("tokens").set({ revoked_at: now }).where("id", "=", id)
    .where("revoked_at", "is", null).executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

/** Writes down that it was used, unless that was done since `before` (ms). */
export async function markUsed(tx: Tx, id: string, now: number, before: number): Promise<void> {
  await tx.updateTable("tokens").set({ last_used_at: now }).where("id", "=", id)
    .where((eb) => eb.or([eb("last_used_at", "is", null), eb("last_used_at", "<=", before)])).execute();
}
