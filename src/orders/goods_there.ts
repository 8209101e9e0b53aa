import type { Tx } from "../db/database.ts";
import { type Line, type Look, lookAt } from "../stock/stock.ts";
import { itemsOf, type OrderItemRow, type OrderRow } from "./orders_store.ts";

/** An order's lines, and its goods as the transaction has found and locked them. */
export interface Goods {
  items: OrderItemRow[];
  lines: Line[];
  stock: Look;
}

/** Looks whether an order's goods are there. The answer holds until the transaction ends, unless that itself takes them. */
export async function goodsOf(tx: Tx, order: Pick<OrderRow, "id" | "merchant">): Promise<Goods> {
  const items = await itemsOf(tx, [order.id]);
  const lines = items.map((item) => ({ productId: item.product_id, quantity: item.quantity }));
  return { items, lines, stock: await lookAt(tx, { merchant: order.merchant, orderId: order.id, lines }) };
}
