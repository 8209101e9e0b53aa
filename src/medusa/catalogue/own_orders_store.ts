import type { Kysely } from "kysely";
import type { Tables } from "../../db/tables.ts";
import type { OwnUnits } from "./stock_figure.ts";

/**
 * What our orders are about, by product: those whose two sides aren't at the same end yet, and those for which a call changed
 * Medusa's stock since `since` (ms).
 */
export async function ownUnits(
  db: Kysely<Tables>,
  merchant: string,
  productIds: readonly string[],
  since: number,
): Promise<Map<string, OwnUnits[]>> {
  if (productIds.length === 0) return new Map();
  const rows = await db.selectFrom("medusa_orders")
    .innerJoin("holds", "holds.order_id", "medusa_orders.order_id")
    .select([
      "holds.product_id",
      "holds.quantity",
      "holds.state as here",
      "medusa_orders.state as there",
      "medusa_orders.call",
      "medusa_orders.called_at",
      "medusa_orders.stock_at",
    ])
    .where("medusa_orders.merchant", "=", merchant)
    .where((eb) => eb.or([eb("settled", "=", 0), eb("stock_at", ">=", since)]))
    .where("holds.product_id", "in", productIds).execute();
  const units = new Map<string, OwnUnits[]>();
  for (const { product_id, quantity, here, there, call, called_at: calledAt, stock_at: stockAt } of rows) {
    const one: OwnUnits = { quantity, here, there, calling: call !== null, calledAt, stockAt };
    units.set(product_id, [...units.get(product_id) ?? [], one]);
  }
  return units;
}
