import type { Kysely } from "kysely";
import type { Tables } from "../db/tables.ts";

const tables = { order: "orders", payment: "payments", refund: "refunds", token: "tokens" } as const;

/** Kinds of rows whose ids are ours: they name one thing among all merchants'. */
export type Owned = keyof typeof tables;

/** Whose row it is; null when there is none, or it is nobody's. */
export async function ownerOf(db: Kysely<Tables>, kind: Owned, id: string): Promise<string | null> {
  const row = await db.selectFrom(tables[kind]).select("merchant").where("id", "=", id).executeTakeFirst();
  return row?.merchant ?? null;
}
