import type { Kysely, Selectable } from "kysely";
import type { Tx } from "../db/database.ts";
import { isAfter, type Slice } from "../db/keyset.ts";
import type { ConditionsTable, Tables } from "../db/tables.ts";

export type ConditionRow = Selectable<ConditionsTable>;

/** Notes that something of a merchant's is out of order; false when that stands already. */
export async function raise(
  tx: Tx,
  o: { merchant: string; name: string; detail: string },
  now: number,
): Promise<boolean> {
  const { merchant, name, detail } = o;
  const done = await tx.insertInto("conditions")
    .values({ merchant, name, detail, raised_at: now, cleared_at: null })
    .onConflict((on) => on.doNothing()).executeTakeFirst();
  return Number(done.numInsertedOrUpdatedRows ?? 0n) === 1;
}

/** Notes that it is in order again; false when nothing stood. */
export async function clear(tx: Tx, o: { merchant: string; name: string }, now: number): Promise<boolean> {
  const done = await tx.updateTable("conditions").set({ cleared_at: now })
    .where("merchant", "=", o.merchant).where("name", "=", o.name).where("cleared_at", "is", null)
    .executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

/** What is out of order now. */
export async function raised(db: Kysely<Tables>): Promise<ConditionRow[]> {
  return await db.selectFrom("conditions").selectAll().where("cleared_at", "is", null)
    .orderBy("raised_at").orderBy("merchant").orderBy("name").execute();
}

/** When it was last in order again (ms); null when it never was. */
export async function lastCleared(
  db: Kysely<Tables>,
  o: { merchant: string; name: string },
): Promise<number | null> {
  const row = await db.selectFrom("conditions").select((e) => e.fn.max("cleared_at").as("at"))
    .where("merchant", "=", o.merchant).where("name", "=", o.name).executeTakeFirst();
  return row?.at ?? null;
}

/** Newest first, after the row that `after` names (keyset). */
export async function listConditions(
  db: Kysely<Tables>,
  filter: { merchant?: string | undefined; raised?: boolean | undefined },
  page: Slice<[raisedAt: number, merchant: string, name: string]>,
): Promise<ConditionRow[]> {
  return await db.selectFrom("conditions").selectAll()
    .$if(filter.merchant !== undefined, (q) => q.where("merchant", "=", filter.merchant!))
    .$if(filter.raised === true, (q) => q.where("cleared_at", "is", null))
    .$if(filter.raised === false, (q) => q.where("cleared_at", "is not", null))
    .where(isAfter(page.after, ["raised_at", "merchant", "name"], "<"))
    .orderBy("raised_at", "desc").orderBy("merchant", "desc").orderBy("name", "desc")
    .limit(page.limit).execute();
}
