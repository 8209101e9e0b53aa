import { createHash } from "node:crypto";
import type { OrderRow } from "./orders_store.ts";
import type { OrderRequest, Quote, Traits } from "./types.ts";

/** How the customer's message reached us, so that the answer finds the same way back. */
export interface Origin {
  merchant: string;
  customer: string;
  dialect: string;
  envelope: "nip04" | "nip17";
  /** The relay that brought it; empty for the built-in one. */
  relay: string;
  /** `created_at` of the message (the rumor's for a wrap), never later than we would accept. */
  askedAtSeconds: number;
  /** The message is older than what is still answered: it is listed for the merchant and not invoiced. */
  stale: boolean;
}

/** A new order as it is before anything has happened to it. */
export function draftOrder(origin: Origin, request: OrderRequest, id: string, now: number): OrderRow {
  return {
    id,
    merchant: origin.merchant,
    customer: origin.customer,
    customer_order_id: request.customerOrderId,
    dialect: origin.dialect,
    envelope: origin.envelope,
    relay: origin.relay,
    payment: "quoting",
    fulfilment: "none",
    reason: null,
    stall_id: request.stallId,
    shipping_id: request.shippingId,
    ...worded(request),
    content_hash: contentHash(request),
    traits: JSON.stringify(request.traits),
    revision: 1,
    total_msat: 0,
    received_msat: 0,
    rate: null,
    price_note: null,
    asked_at_seconds: origin.askedAtSeconds,
    expires_at: null,
    paid_at: null,
    tracking: null,
    created_at: now,
    updated_at: now,
    refunding_msat: 0,
    unheld: 0,
    brief: 0,
    delay_told: 0,
    forgotten_at: null,
    pay_token: null,
    held_invoice: null,
    mirror: null,
  };
}

/** What is kept of a message that names an order and can't be read as one. */
export function unreadable(customerOrderId: string, traits: Traits): OrderRequest {
  return {
    customerOrderId,
    items: [],
    shippingId: null,
    stallId: null,
    name: null,
    address: null,
    message: null,
    contact: {},
    traits,
  };
}

/** The customer's own words about delivery. */
export function worded(request: OrderRequest) {
  return {
    name: request.name,
    address: request.address,
    message: request.message,
    contact: JSON.stringify(request.contact),
  };
}

/** What the quote says beside the total, which is the life cycle's. */
export function quoted(quote: Quote) {
  return {
    stall_id: quote.stallId,
    shipping_id: quote.shippingId,
    rate: quote.rate === null ? null : JSON.stringify(quote.rate),
    price_note: quote.priceNote,
  };
}

/** Tells a repeat from an amendment: everything that the customer ordered, in one order of keys. */
export function contentHash(request: OrderRequest): string {
  const items = request.items.map((item) => [item.productId, item.quantity]);
  const contact = Object.entries(request.contact).sort(([a], [b]) => a < b ? -1 : 1);
  const content = [
    items,
    request.shippingId,
    request.stallId,
    request.name,
    request.address,
    request.message,
    contact,
  ];
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}
