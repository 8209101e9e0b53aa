import { type Kysely, sql } from "kysely";
import type { Tx } from "../db/database.ts";
import type { Tables } from "../db/tables.ts";
import { LANES } from "../nostr/arrivals.ts";

// A literal: partial indexes serve a query only if its text says so.
const NEW = sql.lit("new" as const);

/** Which of these keys are regulars at the merchant's: they have paid before, or have an order that is open. */
export async function regularsAmong(
  db: Kysely<Tables>,
  merchant: string,
  keys: readonly string[],
): Promise<Set<string>> {
  if (keys.length === 0) return new Set();
  const rows = await db.selectFrom("orders").select("customer").distinct()
    .where("merchant", "=", merchant).where("customer", "in", keys)
    .where((eb) =>
      eb.or([eb("paid_at", "is not", null), eb("payment", "in", ["quoting", "awaiting", "held"])])
    )
    .execute();
  return new Set(rows.map((row) => row.customer));
}

/** Whether this key is a regular at one of the merchants' shops. */
export async function isRegularAnywhere(
  db: Kysely<Tables>,
  merchants: readonly string[],
  key: string,
): Promise<boolean> {
  for (const merchant of merchants) if ((await regularsAmong(db, merchant, [key])).size > 0) return true;
  return false;
}

/** Has what these keys wrote before they were regulars read among the regulars' messages too. */
export async function promote(tx: Tx, merchant: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await tx.updateTable("inbox").set({ lane: LANES.regulars, sheddable: 0 })
    .where("state", "=", NEW).where("merchant", "=", merchant).where("author", "in", keys)
    .where("lane", "=", LANES.strangers).execute();
}
