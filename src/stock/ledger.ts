import type { Movement } from "./stock_store.ts";

/** Whose stock moves, when, and for which order. */
export interface Change {
  merchant: string;
  orderId?: string;
  now: number;
}

/** A line of the ledger: `onHand` and `held` are the differences (0 on hand while the stock is unlimited). */
export function movement(
  o: Change,
  productId: string,
  holdId: string | null,
  reason: Movement["reason"],
  onHand: number,
  held: number,
): Movement {
  return {
    merchant: o.merchant,
    product_id: productId,
    order_id: o.orderId ?? null,
    hold_id: holdId,
    delta_on_hand: onHand,
    delta_held: held,
    reason,
    at: o.now,
  };
}
