import { createHash } from "node:crypto";
import type { OrderRow } from "../../orders/orders_store.ts";
import type { MedusaOrderRow } from "./medusa_orders_store.ts";

/**
 * The address by which Medusa's search finds an order, whatever we forgot: it follows from who ordered what, so a database that
 * was restored finds it, too. `.invalid` is nobody's (RFC 2606).
 */
export function emailOf(
  { merchant, customer, customer_order_id }: Pick<OrderRow, "merchant" | "customer" | "customer_order_id">,
  attempt: number,
): string {
  const who = createHash("sha256").update(JSON.stringify([merchant, customer, customer_order_id])).digest(
    "hex",
  );
  return `${who.slice(0, 32)}-${attempt}@ncc.invalid`;
}

/** What is noted of an order before Medusa hears of it. */
export function newRow(order: OrderRow, contentHash: string, now: number): MedusaOrderRow {
  return {
    order_id: order.id,
    merchant: order.merchant,
    email: emailOf(order, 1),
    attempt: 1,
    content_hash: contentHash,
    details_hash: null,
    state: "wanted",
    medusa_order: null,
    call: null,
    called_at: null,
    stock_at: null,
    total: null,
    problem: null,
    settled: 0,
    looked_at: now,
    created_at: now,
    updated_at: now,
  };
}
