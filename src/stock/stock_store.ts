import { type Kysely, sql } from "kysely";
import type { Tx } from "../db/database.ts";
import type { HoldsTable, StockMovementsTable, Tables } from "../db/tables.ts";
import type { Insertable, Selectable } from "kysely";
import type { Level, LockedLevel } from "./lines.ts";

/** A row of `holds`. */
export type Hold = Selectable<HoldsTable>;
/** A row of `stock_movements` to be written. */
export type Movement = Insertable<StockMovementsTable>;

/** Levels by product id, without a lock; products that have no stock row are missing. */
export async function selectLevels(
  db: Kysely<Tables>,
  merchant: string,
  productIds: readonly string[],
): Promise<Map<string, Level>> {
  if (productIds.length === 0) return new Map();
  const rows = await db.selectFrom("stock").select(["product_id", "on_hand", "held"])
    .where("merchant", "=", merchant).where("product_id", "in", productIds).execute();
  return new Map(rows.map((row) => [row.product_id, { onHand: row.on_hand, held: row.held }]));
}

/** Like `selectLevels`, and no other transaction changes these rows until this one ends. Locks in the order of the ids. */
export async function lockLevels(
  tx: Tx,
  merchant: string,
  productIds: readonly string[],
): Promise<Map<string, LockedLevel>> {
  if (productIds.length === 0) return new Map();
  const query = tx.selectFrom("stock").select(["product_id", "on_hand", "held", "newcomers_held"])
    .where("merchant", "=", merchant).where("product_id", "in", productIds);
  if (tx.dialect === "sqlite") return levelsOf(await query.execute());
  // Collation "C" sorts as `mergeLines` does, whatever the database's locale.
  return levelsOf(await query.orderBy(sql`product_id collate "C"`).forUpdate().execute());
}

/** Writes a product's first stock row; false when it has one. */
export async function insertStock(
  tx: Tx,
  merchant: string,
  productId: string,
  onHand: number | null,
): Promise<boolean> {
  const done = await tx.insertInto("stock").values({
    merchant,
    product_id: productId,
    on_hand: onHand,
    held: 0,
  })
    .onConflict((c) => c.doNothing()).executeTakeFirst();
  return Number(done.numInsertedOrUpdatedRows) === 1;
}

/** Sets what is on hand. */
export async function updateOnHand(
  tx: Tx,
  merchant: string,
  productId: string,
  onHand: number | null,
): Promise<void> {
  await tx.updateTable("stock").set({ on_hand: onHand })
    .where("merchant", "=", merchant).where("product_id", "=", productId).execute();
}

/** Reserves `held` units, `newcomers` of them for keys that never paid, if they are there; false (nothing written) if not. */
export async function reserve(
  tx: Tx,
  merchant: string,
  productId: string,
  { held, newcomers }: { held: number; newcomers: number },
): Promise<boolean> {
  const done = await tx.updateTable("stock")
    .set((eb) => ({
      held: eb("held", "+", held),
      newcomers_held: eb("newcomers_held", "+", newcomers),
    }))
    .where("merchant", "=", merchant).where("product_id", "=", productId)
    .where((eb) => eb.or([eb("on_hand", "is", null), eb(eb("on_hand", "-", eb.ref("held")), ">=", held)]))
    .executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

/** What ends: units held, those of them of keys that had never paid, and units that leave the shelf. */
export interface Settled {
  held: number;
  newcomers: number;
  taken: number;
}

/** Ends a reservation of `held` units and takes `taken` from what is on hand; false (nothing written) if they aren't there. */
export async function settle(
  tx: Tx,
  merchant: string,
  productId: string,
  change: Settled,
): Promise<boolean> {
  const done = await tx.updateTable("stock")
    .set((eb) => ({
      held: eb("held", "-", change.held),
      newcomers_held: eb("newcomers_held", "-", change.newcomers),
      on_hand: eb("on_hand", "-", change.taken),
    }))
    .where("merchant", "=", merchant).where("product_id", "=", productId)
    .where("held", ">=", change.held)
    .where((eb) => eb.or([eb("on_hand", "is", null), eb("on_hand", ">=", change.taken)]))
    .executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

/** All holds an order ever had, locked. */
export function lockHolds(tx: Tx, orderId: string): Promise<Hold[]> {
  const query = tx.selectFrom("holds").selectAll().where("order_id", "=", orderId).orderBy("id");
  return (tx.dialect === "postgres" ? query.forUpdate() : query).execute();
}

/** Writes a hold. */
export async function insertHold(tx: Tx, hold: Insertable<HoldsTable>): Promise<void> {
  await tx.insertInto("holds").values(hold).execute();
}

/** Ends a hold that is still `held`; false when it had ended before. */
export async function endHold(
  tx: Tx,
  id: string,
  state: "committed" | "released",
  now: number,
): Promise<boolean> {
  const done = await tx.updateTable("holds").set({ state, ended_at: now })
    .where("id", "=", id).where("state", "=", "held").executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

/** Writes lines of the ledger. */
export async function insertMovements(tx: Tx, movements: Movement[]): Promise<void> {
  if (movements.length > 0) await tx.insertInto("stock_movements").values(movements).execute();
}

function levelsOf(
  rows: { product_id: string; on_hand: number | null; held: number; newcomers_held: number }[],
): Map<string, LockedLevel> {
  return new Map(
    rows.map((row) => [row.product_id, {
      onHand: row.on_hand,
      held: row.held,
      newcomersHeld: row.newcomers_held,
    }]),
  );
}
