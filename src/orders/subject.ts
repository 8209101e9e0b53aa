import type { Kysely } from "kysely";
import { digitalContentOf } from "../catalog/products_store.ts";
import type { Tables } from "../db/tables.ts";
import { openInvoiceOf } from "../payments/invoices_store.ts";
import { findOrder, itemsOf, type OrderItemRow, type OrderRow } from "./orders_store.ts";

/** An order with what an answer to its customer may need. */
export interface OrderSubject {
  order: OrderRow;
  items: OrderItemRow[];
  invoice: { id: string; bolt11: string; amountMsat: bigint; expiresAt: number } | null;
}

/** Undefined when there is no such order. */
export async function loadSubject(db: Kysely<Tables>, orderId: string): Promise<OrderSubject | undefined> {
  const order = await findOrder(db, orderId);
  if (!order) return undefined;
  const invoice = await openInvoiceOf(db, orderId);
  return {
    order,
    items: await itemsOf(db, [orderId]),
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

/** What the buyer of the order's digital goods gets, in the order of its lines. */
export async function digitalContents(db: Kysely<Tables>, { order, items }: OrderSubject): Promise<string[]> {
  const contents = await digitalContentOf(db, order.merchant, items.map((item) => item.product_id));
  return items.flatMap((item) => contents.get(item.product_id) ?? []);
}
