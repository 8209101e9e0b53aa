import { type Kysely, sql } from "kysely";
import type { Tx } from "../db/database.ts";
import type { Tables } from "../db/tables.ts";
import { type MedusaReport, readReport } from "./report.ts";

/** What is known of a merchant's Medusa, and when (ms) its catalogue was read last; null: not yet. */
export async function reportOf(
  db: Kysely<Tables>,
  merchant: string,
): Promise<{ report: MedusaReport; sweptAt: number | null }> {
  const row = await db.selectFrom("medusa_bridges").select(["report", "sweep_ended_at"])
    .where("merchant", "=", merchant).executeTakeFirst();
  return { report: readReport(row?.report ?? null), sweptAt: row?.sweep_ended_at ?? null };
}

/** Adds to the report: fields that aren't named stay as they are, null takes one out. */
export async function addToReport(
  tx: Tx,
  merchant: string,
  found: Partial<MedusaReport>,
  now: number,
): Promise<void> {
  await tx.insertInto("medusa_bridges").values({ merchant, updated_at: now })
    .onConflict((conflict) => conflict.column("merchant").doUpdateSet({ updated_at: now })).execute();
  const { report } = await tx.selectFrom("medusa_bridges").select("report").where("merchant", "=", merchant)
    .executeTakeFirstOrThrow();
  await tx.updateTable("medusa_bridges").set({ report: JSON.stringify({ ...readReport(report), ...found }) })
    .where("merchant", "=", merchant).execute();
}

/** How many of a merchant's orders wait for Medusa to confirm their goods. */
export async function ordersWaiting(db: Kysely<Tables>, merchant: string): Promise<number> {
  const row = await db.selectFrom("orders").leftJoin("medusa_orders", "medusa_orders.order_id", "orders.id")
    .select((eb) => eb.fn.countAll<number>().as("n"))
    .where("orders.merchant", "=", merchant)
    // As the index of open orders has it.
    .where(sql<boolean>`orders.payment in ('quoting', 'awaiting', 'held')`)
    .where("orders.payment", "=", "quoting").where("orders.mirror", "=", "confirm")
    // Without a sum it is an exchange rate that they wait for.
    .where("orders.total_msat", ">", 0)
    .where((eb) => eb.or([eb("medusa_orders.state", "is", null), eb("medusa_orders.state", "=", "wanted")]))
    .executeTakeFirstOrThrow();
  return Number(row.n);
}

/** The stalls of a merchant that Medusa keeps, also those that were deleted: their orders go on. */
export async function keptStalls(db: Kysely<Tables>, merchant: string): Promise<string[]> {
  const rows = await db.selectFrom("stalls").select("id").where("merchant", "=", merchant)
    .where("kept_by", "=", "medusa").execute();
  return rows.map(({ id }) => id);
}
