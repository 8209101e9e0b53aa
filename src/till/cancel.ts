import type { Tx } from "../db/database.ts";
import { applyTo } from "../orders/apply.ts";
import { lockOrder, openStates, type OrderRow } from "../orders/orders_store.ts";

/**
 * A till wants an invoice no more: it is offered to nobody, and what has come of it in part is to go back. One that is paid, or
 * has ended, stays as it is. Throws when there is no such order.
 */
export async function cancelInvoice(tx: Tx, orderId: string, now: number): Promise<OrderRow> {
  const order = await lockOrder(tx, orderId);
  if (!order) throw new Error(`there is no order ${orderId}`);
  if (!openStates.includes(order.payment)) return order;
  return (await applyTo(tx, order, { type: "customerCancelled" }, now)).order;
}
