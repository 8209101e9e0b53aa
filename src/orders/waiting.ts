import type { OrderItemRow, OrderRow } from "./orders_store.ts";
import type { OrderRequest } from "./types.ts";

/** The job {order_id} that prices an order as soon as there is an exchange rate. */
export const QUOTE_JOB = "order.quote";

/** Whether the order waits for an exchange rate: whatever is priced comes to a sat at least. */
export function waitsForRate({ payment, total_msat }: OrderRow): boolean {
  return payment === "quoting" && total_msat === 0;
}

/** What the customer asked for, from what is kept of it. */
export function requestOf(order: OrderRow, items: readonly OrderItemRow[]): OrderRequest {
  return {
    customerOrderId: order.customer_order_id,
    items: items.map(({ product_id, quantity }) => ({ productId: product_id, quantity })),
    shippingId: order.shipping_id,
    stallId: order.stall_id,
    name: order.name,
    address: order.address,
    message: order.message,
    contact: JSON.parse(order.contact),
    traits: JSON.parse(order.traits),
  };
}
