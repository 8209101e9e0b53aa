import type { Tx } from "../db/database.ts";
import { canCommit } from "../stock/stock.ts";
import { type Applied, applyTo } from "./apply.ts";
import { itemsOf, lockOrder } from "./orders_store.ts";

/**
 * Tells an order that the wallet has received money for it. Only a wallet's `lookup()` may be the reason to call this.
 * Whether the goods can be given decides between a sale and a refund (design §5: a late payment is honoured while
 * stock allows).
 */
export async function paymentArrived(
  tx: Tx,
  payment: { orderId: string; amountMsat: bigint; now: number },
): Promise<Applied> {
  const { orderId, amountMsat, now } = payment;
  const order = await lockOrder(tx, orderId);
  if (!order) throw new Error(`there is no order ${orderId}`);
  const lines = (await itemsOf(tx, [order.id])).map((item) => ({
    productId: item.product_id,
    quantity: item.quantity,
  }));
  const stock = await canCommit(tx, { merchant: order.merchant, orderId, lines });
  return await applyTo(tx, order, { type: "paymentSeen", amountMsat, stock }, now);
}
