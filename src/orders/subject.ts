import type { Tx } from "../db/database.ts";
import { openInvoiceOf } from "../payments/invoices_store.ts";
import { itemsOf, lockOrder, type OrderItemRow, type OrderRow } from "./orders_store.ts";

/** An order with what an answer to its customer may need. */
export interface OrderSubject {
  order: OrderRow;
  items: OrderItemRow[];
  invoice: { id: string; bolt11: string; amountMsat: bigint; expiresAt: number } | null;
}

/** The order, its lines and its open invoice, as they belong together; undefined when there is no such order. */
export async function loadSubject(tx: Tx, orderId: string): Promise<OrderSubject | undefined> {
  // Lines and invoices change only under the order's lock.
  const order = await lockOrder(tx, orderId);
  if (!order) return undefined;
  const invoice = await openInvoiceOf(tx, orderId);
  return {
    order,
    items: await itemsOf(tx, [orderId]),
    invoice: invoice?.bolt11 && invoice.expires_at !== null
      ? {
        id: invoice.id,
        bolt11: invoice.bolt11,
        amountMsat: BigInt(invoice.amount_msat),
        expiresAt: invoice.expires_at,
      }
      : null,
  };
}
