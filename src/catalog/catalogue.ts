import type { Tx } from "../db/database.ts";
import type { CatalogueSlice, PricedProduct, PricedStall } from "./catalogue_slice.ts";
import { available, levels } from "../stock/stock.ts";
import { selectProducts } from "./products_store.ts";
import { extraCostsOf, type ProductRow, type StallRow, zonesOf } from "./resources.ts";
import { selectStallsIn } from "./stalls_store.ts";

/**
 * What pricing needs of a merchant's catalogue for an order of these products: those that exist (deleted ones marked as such), with
 * what is available now, and the stalls they are in.
 */
export async function loadForOrder(
  tx: Tx,
  merchant: string,
  productIds: readonly string[],
): Promise<CatalogueSlice> {
  const rows = await selectProducts(tx, merchant, [...new Set(productIds)]);
  const stalls = await selectStallsIn(tx, merchant, [...new Set(rows.map((row) => row.stall_id))]);
  const stock = await levels(tx, merchant, rows.map((row) => row.id));
  return {
    products: rows.map((row) => pricedProduct(row, available(stock.get(row.id) ?? { onHand: 0, held: 0 }))),
    stalls: stalls.map(pricedStall),
  };
}

function pricedProduct(row: ProductRow, units: number | null): PricedProduct {
  return {
    id: row.id,
    stallId: row.stall_id,
    name: row.name,
    type: row.type,
    price: row.price,
    currency: row.currency,
    digital: row.digital === 1,
    active: row.active === 1,
    deleted: row.deleted_at !== null,
    shipping: extraCostsOf(row),
    available: units,
  };
}

function pricedStall(row: StallRow): PricedStall {
  return { id: row.id, name: row.name, currency: row.currency, zones: zonesOf(row) };
}
