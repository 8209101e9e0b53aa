import type { Insertable, Kysely, Selectable } from "kysely";
import type { Tx } from "../db/database.ts";
import { isAfter, type Slice } from "../db/keyset.ts";
import type { NoticesTable, Tables } from "../db/tables.ts";

export type NoticeRow = Selectable<NoticesTable>;

/** Keeps what the owners are told; null when this fact was told before. Answers the notice's number. */
export async function addNotice(
  tx: Tx,
  notice: Omit<Insertable<NoticesTable>, "seq">,
): Promise<number | null> {
  const row = await tx.insertInto("notices").values(notice)
    .onConflict((on) => on.columns(["merchant", "fact"]).doNothing())
    .returning("seq").executeTakeFirst();
  return row?.seq ?? null;
}

export async function findNotice(db: Kysely<Tables>, seq: number): Promise<NoticeRow | undefined> {
  return await db.selectFrom("notices").selectAll().where("seq", "=", seq).executeTakeFirst();
}

/** How many notices of a kind were told one by one since `since` (ms). */
export async function countTold(
  tx: Tx,
  o: { merchant: string; kind: string; since: number },
): Promise<number> {
  const row = await tx.selectFrom("notices").select((e) => e.fn.countAll<number>().as("count"))
    .where("merchant", "=", o.merchant).where("kind", "=", o.kind).where("state", "=", "told")
    .where("at", ">", o.since).executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Takes the notices that wait for a summary: how many of each kind, and the number of the last one; null when there are none. */
export async function sumUp(
  tx: Tx,
  merchant: string,
): Promise<{ last: number; kinds: { kind: string; count: number }[] } | null> {
  const rows = await tx.updateTable("notices").set({ state: "summed" })
    .where("merchant", "=", merchant).where("state", "=", "folded").returning(["seq", "kind"]).execute();
  if (rows.length === 0) return null;
  const kinds = [...Map.groupBy(rows, (row) => row.kind)]
    .map(([kind, some]) => ({ kind, count: some.length })).sort((a, b) => a.kind < b.kind ? 1 : -1);
  return { last: rows.reduce((last, { seq }) => Math.max(last, seq), 0), kinds };
}

/** Newest first, after the row that `after` names (keyset). */
export async function listNotices(
  db: Kysely<Tables>,
  filter: { merchant?: string | undefined; kind?: string | undefined },
  page: Slice<[seq: number]>,
): Promise<NoticeRow[]> {
  return await db.selectFrom("notices").selectAll()
    .$if(filter.merchant !== undefined, (q) => q.where("merchant", "=", filter.merchant!))
    .$if(filter.kind !== undefined, (q) => q.where("kind", "=", filter.kind!))
    .where(isAfter(page.after, ["seq"], "<"))
    .orderBy("seq", "desc").limit(page.limit).execute();
}
