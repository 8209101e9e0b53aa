import type { Tx } from "../db/database.ts";
import { updateProductRow } from "./products_store.ts";
import { PRODUCT_KIND, publishAt } from "./publish_queue.ts";
import type { ProductRow } from "./resources.ts";

/** Deletes a product and has that published. Its stock row and holds stay: open orders still need them. */
export async function markDeleted(tx: Tx, product: ProductRow, now: number): Promise<void> {
  const { merchant, id: d } = product;
  await updateProductRow(tx, merchant, d, { deleted_at: now, updated_at: now });
  await publishAt(tx, { merchant, kind: PRODUCT_KIND, d }, now, now);
}
