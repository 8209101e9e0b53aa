import type { Kysely, Selectable, Updateable } from "kysely";
import type { Tx } from "../../db/database.ts";
import type { MedusaBridgesTable, Tables } from "../../db/tables.ts";

/** What is known of a merchant's Medusa. */
export type BridgeRow = Selectable<MedusaBridgesTable>;

/** The merchant's bridge; undefined when it never had one. */
export async function selectBridge(db: Kysely<Tables>, merchant: string): Promise<BridgeRow | undefined> {
  return await db.selectFrom("medusa_bridges").selectAll().where("merchant", "=", merchant)
    .executeTakeFirst();
}

/** Makes a merchant's row, if there is none. */
export async function ensureBridgeRow(tx: Tx, merchant: string, now: number): Promise<void> {
  await tx.insertInto("medusa_bridges").values({ merchant, updated_at: now })
    .onConflict((c) => c.column("merchant").doNothing()).execute();
}

/** Changes a merchant's row. */
export async function updateBridgeRow(
  tx: Tx,
  merchant: string,
  change: Updateable<MedusaBridgesTable> & { updated_at: number },
): Promise<void> {
  await tx.updateTable("medusa_bridges").set(change).where("merchant", "=", merchant).execute();
}

/** Forgets all that is known of a merchant's catalogue in Medusa. */
export async function forgetBridge(tx: Tx, merchant: string): Promise<void> {
  for (const table of ["medusa_bridges", "medusa_products", "medusa_zones"] as const) {
    await tx.deleteFrom(table).where("merchant", "=", merchant).execute();
  }
}

/** The shop has moved to another key: all that is known of its catalogue in Medusa goes along, unless that key has its own. */
export async function moveBridge(tx: Tx, from: string, to: string): Promise<void> {
  if (await selectBridge(tx, to) !== undefined) return;
  for (const table of ["medusa_bridges", "medusa_products", "medusa_zones"] as const) {
    await tx.updateTable(table).set({ merchant: to }).where("merchant", "=", from).execute();
  }
}
