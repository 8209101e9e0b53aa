import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import type { Tables } from "../../db/tables.ts";
import { itemsOf, type OrderRow } from "../../orders/orders_store.ts";
import { statusOf } from "../../orders/status.ts";
import { personOf, tillOf } from "../../orders/till.ts";
import { invoicesOfOrders, linksOf } from "../../payments/invoices_store.ts";
import { hexKey, msat, rfc3339, rfc3339OrNull, time } from "./describe.ts";

export const orderSchema = z.object({
  id: z.string(),
  customer_order_id: z.string(),
  merchant: hexKey,
  customer: hexKey.nullable().openapi({ description: "null: another program has asked for its invoice" }),
  till: z.string().nullable().openapi({ description: "the token that did" }),
  stall_id: z.string().nullable(),
  items: z.array(z.object({
    product_id: z.string(),
    name: z.string(),
    quantity: z.int(),
    price: z.number(),
    currency: z.string(),
    digital: z.boolean(),
  })),
  shipping_id: z.string().nullable(),
  name: z.string().nullable(),
  address: z.string().nullable(),
  contact: z.record(z.string(), z.unknown()),
  message: z.string().nullable(),
  payment: z.string(),
  fulfilment: z.string(),
  status: z.string().openapi({ description: "NIP-15's word" }),
  paid: z.boolean(),
  shipped: z.boolean(),
  total_msat: msat,
  received_msat: msat,
  rate: z.object({ currency: z.string(), per_btc: z.string(), sources: z.array(z.string()), at: z.string() })
    .nullable(),
  invoices: z.array(z.object({
    id: z.string(),
    type: z.string(),
    bolt11: z.string().nullable(),
    links: z.array(z.object({ type: z.enum(["btc", "url", "lnurl"]), link: z.string() }))
      .openapi({ description: "further ways to pay it that were offered" }),
    payment_hash: z.string().nullable(),
    amount_msat: msat,
    state: z.string(),
    expires_at: time.nullable(),
  })),
  hold_expires_at: time.nullable(),
  tracking: z.object({ carrier: z.string().nullable(), tracking: z.string().nullable() }).nullable(),
  reason: z.string().nullable(),
  created_at: time,
  updated_at: time,
}).openapi("Order");

export type OrderResource = z.infer<typeof orderSchema>;

/** Orders as the API shows them. Two look-ups for all of them, not two each. */
export async function orderResources(db: Kysely<Tables>, orders: OrderRow[]): Promise<OrderResource[]> {
  const ids = orders.map((order) => order.id);
  const items = Map.groupBy(await itemsOf(db, ids), (item) => item.order_id);
  const invoices = Map.groupBy(await invoicesOfOrders(db, ids), (invoice) => invoice.order_id);
  return orders.map((order) => ({
    id: order.id,
    customer_order_id: order.customer_order_id,
    merchant: order.merchant,
    customer: personOf(order),
    till: tillOf(order),
    stall_id: order.stall_id,
    items: (items.get(order.id) ?? []).map((item) => ({
      product_id: item.product_id,
      name: item.name,
      quantity: item.quantity,
      price: Number(item.price),
      currency: item.currency,
      digital: item.digital === 1,
    })),
    shipping_id: order.shipping_id,
    name: order.name,
    address: order.address,
    contact: JSON.parse(order.contact) as Record<string, unknown>,
    message: order.message,
    payment: order.payment,
    fulfilment: order.fulfilment,
    status: statusOf(order),
    paid: ["paid", "overpaid", "refund_due"].includes(order.payment),
    shipped: order.fulfilment === "shipped" || order.fulfilment === "delivered",
    total_msat: String(order.total_msat),
    received_msat: String(order.received_msat),
    rate: order.rate === null ? null : JSON.parse(order.rate) as OrderResource["rate"],
    invoices: (invoices.get(order.id) ?? []).map((invoice) => ({
      id: invoice.id,
      type: invoice.type,
      bolt11: invoice.bolt11,
      links: linksOf(invoice),
      payment_hash: invoice.payment_hash,
      amount_msat: String(invoice.amount_msat),
      state: invoice.state,
      expires_at: rfc3339OrNull(invoice.expires_at),
    })),
    hold_expires_at: ["quoting", "awaiting", "held"].includes(order.payment)
      ? rfc3339OrNull(order.expires_at)
      : null,
    tracking: order.tracking === null ? null : JSON.parse(order.tracking) as OrderResource["tracking"],
    reason: order.reason,
    created_at: rfc3339(order.created_at),
    updated_at: rfc3339(order.updated_at),
  }));
}
