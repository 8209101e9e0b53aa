import { alert } from "../alert.ts";
import type { Tx } from "../db/database.ts";

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
  for (const productId of productIds) {
    const fact = `sold_out:${productId}:${orderId}`;
    await alert(tx, { merchant, kind: "sold_out", fact, detail: `Product ${productId} is sold out.` }, now);
  }
}
