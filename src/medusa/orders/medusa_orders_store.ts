import type { Kysely, Selectable, Updateable } from "kysely";
import type { Tx } from "../../db/database.ts";
import type { MedusaOrdersTable, Tables } from "../../db/tables.ts";
import type { OrderRow } from "../../orders/orders_store.ts";

export type MedusaOrderRow = Selectable<MedusaOrdersTable>;

/** What we noted of an order in Medusa; undefined: it never went there. Its order is locked by whoever asks. */
export async function findMedusaOrder(
  db: Kysely<Tables>,
  orderId: string,
): Promise<MedusaOrderRow | undefined> {
  return await db.selectFrom("medusa_orders").selectAll().where("order_id", "=", orderId).executeTakeFirst();
}

/** The order of ours that this order of Medusa's is. */
export async function orderOfMedusa(db: Kysely<Tables>, medusaOrder: string): Promise<string | undefined> {
  const row = await db.selectFrom("medusa_orders").select("order_id").where("medusa_order", "=", medusaOrder)
    .executeTakeFirst();
  return row?.order_id;
}

export async function insertMedusaOrder(tx: Tx, row: MedusaOrderRow): Promise<void> {
  await tx.insertInto("medusa_orders").values(row).execute();
}

export async function updateMedusaOrder(
  tx: Tx,
  orderId: string,
  change: Updateable<MedusaOrdersTable>,
): Promise<void> {
  await tx.updateTable("medusa_orders").set(change).where("order_id", "=", orderId).execute();
}

/** Orders whose two sides aren't at their end, those looked at longest ago first. */
export async function unsettled(
  db: Kysely<Tables>,
  o: { merchant: string; before: number; limit: number },
): Promise<{ order_id: string; medusa_order: string | null }[]> {
  return await db.selectFrom("medusa_orders").select(["order_id", "medusa_order"])
    .where("merchant", "=", o.merchant).where("settled", "=", 0).where("looked_at", "<", o.before)
    .orderBy("looked_at").limit(o.limit).execute();
}

/** Medusa's variants that products of ours are. */
export async function variantsOf(
  db: Kysely<Tables>,
  merchant: string,
  productIds: readonly string[],
): Promise<Map<string, string>> {
  if (productIds.length === 0) return new Map();
  const rows = await db.selectFrom("medusa_products").select(["product_id", "medusa_variant"])
    .where("merchant", "=", merchant).where("product_id", "in", productIds)
    .where("medusa_variant", "is not", null).execute();
  return new Map(rows.map((row) => [row.product_id, row.medusa_variant!]));
}

/** The zone that an order goes to; for one that nothing is sent of, where the shop sells at all. */
export async function zoneOf(db: Kysely<Tables>, { merchant, shipping_id, stall_id }: OrderRow) {
  return await db.selectFrom("medusa_zones").selectAll().where("merchant", "=", merchant)
    .where("stall_id", "=", stall_id)
    .$if(shipping_id !== null, (q) => q.where("zone_id", "=", shipping_id!))
    .orderBy("zone_id").limit(1).executeTakeFirst();
}

/** The channel that orders go to; null before the catalogue was read. */
export async function channelOf(db: Kysely<Tables>, merchant: string): Promise<string | null> {
  const row = await db.selectFrom("medusa_bridges").select("view").where("merchant", "=", merchant)
    .executeTakeFirst();
  return row?.view ? (JSON.parse(row.view) as { channel: string }).channel : null;
}

/** Medusa's products that an order is of. */
export async function medusaProductsOf(db: Kysely<Tables>, orderId: string): Promise<string[]> {
  const rows = await db.selectFrom("order_items")
    .innerJoin("orders", "orders.id", "order_items.order_id")
    .innerJoin(
      "medusa_products",
      (join) =>
        join.onRef("medusa_products.product_id", "=", "order_items.product_id")
          .onRef("medusa_products.merchant", "=", "orders.merchant"),
    )
    .select("medusa_products.medusa_product").distinct().where("order_items.order_id", "=", orderId)
    .execute();
  return rows.map((row) => row.medusa_product);
}
