import type { Tx } from "../db/database.ts";
import { handOver } from "../stock/transfer.ts";
import * as products from "./products_store.ts";
import { PRODUCT_KIND, publishAt, publishStock, STALL_KIND } from "./publish_queue.ts";
import { deleteStall } from "./stalls.ts";
import * as stalls from "./stalls_store.ts";

/** From one merchant to another; both have their rows. */
export interface Move {
  from: string;
  to: string;
  now: number;
}

/**
 * Makes the other merchant's stalls and products like these, with the same ids and what stock is free, and has them
 * published under the other key. Answers how many there are.
 */
export async function copyCatalogue(
  tx: Tx,
  { from, to, now }: Move,
): Promise<{ stalls: number; products: number }> {
  const unpublished = { event_id: null, published_at: null, published_hash: null };
  const copied = { stalls: 0, products: 0 };
  for (const stall of await stalls.selectStallsOf(tx, from)) {
    await stalls.putStall(tx, { ...stall, ...unpublished, merchant: to, updated_at: now });
    await publishAt(tx, { merchant: to, kind: STALL_KIND, d: stall.id }, now, now);
    copied.stalls++;
    const goods = await products.selectProductsOfStall(tx, from, stall.id);
    for (const product of goods) {
      await products.putProduct(tx, { ...product, ...unpublished, merchant: to, updated_at: now });
      await publishAt(tx, { merchant: to, kind: PRODUCT_KIND, d: product.id }, now, now);
    }
    copied.products += goods.length;
    await handOver(tx, { from, to, now, productIds: goods.map((product) => product.id).sort() });
  }
  return copied;
}

/** Has all that a merchant offers withdrawn from relays: quantity 0, then a deletion, by its own key. */
export async function withdrawCatalogue(tx: Tx, merchant: string, now: number): Promise<void> {
  for (const { id, kept_by: by } of await stalls.selectStallsOf(tx, merchant)) {
    await deleteStall(tx, { merchant, id, now, ...(by !== null && { by }) });
  }
}

/** Takes all that a merchant offers out of the books, where its key can't sign a withdrawal any more. */
export async function forgetCatalogue(tx: Tx, merchant: string, now: number): Promise<void> {
  const gone = { deleted_at: now, updated_at: now };
  for (const { id } of await stalls.selectStallsOf(tx, merchant)) {
    for (const product of await products.selectProductsOfStall(tx, merchant, id)) {
      await products.updateProductRow(tx, merchant, product.id, gone);
    }
    await stalls.updateStallRow(tx, merchant, id, gone);
  }
}

/** Hands over what became free since: an order of the old key that ended unpaid. Answers how many products that changed. */
export async function handOverRest(tx: Tx, { from, to, now }: Move): Promise<number> {
  const productIds = (await products.productsWithStock(tx, from)).sort();
  const changed = await handOver(tx, { from, to, now, productIds });
  await publishStock(tx, { merchant: to, productIds: changed, now });
  return changed.length;
}
