import { alert } from "../alert.ts";
import type { Tx } from "../db/database.ts";
import { levels } from "../stock/stock.ts";

/**
 * Has the owners told of products whose last piece an order has just taken. An order takes its goods once, so it names the
 * fact: the product is told again when it was filled up and runs out another time.
 */
export async function tellSoldOut(
  tx: Tx,
  sold: { merchant: string; orderId: string; productIds: string[] },
  now: number,
): Promise<void> {
  const { merchant, orderId, productIds } = sold;
  if (productIds.length === 0) return;
  for (const [productId, { onHand }] of await levels(tx, merchant, productIds)) {
    if (onHand !== 0) continue;
    const fact = `sold_out:${productId}:${orderId}`;
    await alert(tx, { merchant, kind: "sold_out", fact, detail: `Product ${productId} is sold out.` }, now);
  }
}
