import type { Mirror } from "../../db/tables.ts";
import type { OrderRow } from "../../orders/orders_store.ts";

/** What an order of ours should be in Medusa: not there (yet), there with its goods held, paid for, or cancelled. */
export type Wanted = "nothing" | "placed" | "paid" | "gone";

/** The columns that decide it. */
export type Followed = Pick<
  OrderRow,
  "mirror" | "payment" | "fulfilment" | "unheld" | "total_msat"
>;

/**
 * What an order should be in Medusa. Goods that are held for nobody are not held there, either: they are asked for when they are
 * paid. Who isn't priced yet holds nothing.
 */
export function wantedOf(order: Followed): Wanted {
  if (order.mirror === null) return "gone";
  switch (order.payment) {
    case "quoting":
    case "awaiting":
    case "held":
      return order.unheld === 1 || order.total_msat === 0 ? "nothing" : "placed";
    case "paid":
    case "overpaid":
      return "paid";
    case "refund_due":
      // Only the excess goes back: the goods are the customer's.
      return order.fulfilment === "none" ? "gone" : "paid";
    case "refunded":
    case "expired":
    case "cancelled":
    case "rejected":
    case "failed":
      return "gone";
  }
}

/** Whether the order's invoice waits for Medusa's word. */
export function waitsForStock(
  order: { mirror: Mirror | null; payment: OrderRow["payment"]; total_msat: number },
): boolean {
  return order.mirror === "confirm" && order.payment === "quoting" && order.total_msat > 0;
}
