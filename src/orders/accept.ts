import type { Tx } from "../db/database.ts";
import { type Applied, applyTo } from "./apply.ts";
import { goodsOf } from "./goods_there.ts";
import { lockOrder } from "./orders_store.ts";

/**
 * The merchant takes what has been paid as enough: a part payment as the whole, an excess as the customer's credit, or an
 * order whose money was to go back. Goods that aren't there any more are no sale. Throws when there is no such order.
 */
export async function accept(tx: Tx, orderId: string, now: number): Promise<Applied> {
  const order = await lockOrder(tx, orderId);
  if (!order) throw new Error(`there is no order ${orderId}`);
  const goods = await goodsOf(tx, order);
  return await applyTo(tx, order, { type: "accepted", stock: goods.stock.there }, now, goods);
}
