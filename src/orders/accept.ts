import type { Tx } from "../db/database.ts";
import { canCommit } from "../stock/stock.ts";
import { type Applied, applyTo } from "./apply.ts";
import { itemsOf, lockOrder } from "./orders_store.ts";

/**
 * The merchant takes what has been paid as enough: a part payment as the whole, an excess as the customer's credit, or an
 * order whose money was to go back. Goods that aren't there any more are no sale. Throws when there is no such order.
 */
export async function accept(tx: Tx, orderId: string, now: number): Promise<Applied> {
  const order = await lockOrder(tx, orderId);
  if (!order) throw new Error(`there is no order ${orderId}`);
  const lines = (await itemsOf(tx, [order.id])).map((item) => ({
    productId: item.product_id,
    quantity: item.quantity,
  }));
  const stock = await canCommit(tx, { merchant: order.merchant, orderId, lines });
  return await applyTo(tx, order, { type: "accepted", stock }, now);
}
