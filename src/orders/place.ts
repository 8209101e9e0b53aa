import { createHash } from "node:crypto";
import { loadForOrder } from "../catalog/catalogue.ts";
import type { Tx } from "../db/database.ts";
import { enqueue } from "../jobs/queue.ts";
import type { Rate } from "../money/rates.ts";
import type { Random } from "../random.ts";
import { hold, type Line, release } from "../stock/stock.ts";
import { applyTo } from "./apply.ts";
import {
  addTimeline,
  countOpen,
  insertItems,
  insertOrder,
  itemsOf,
  lockOrderByKey,
  type OrderRow,
  replaceItems,
  updateOrder,
} from "./orders_store.ts";
import { quote, type QuoteResult } from "./pricing.ts";
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

/** The shop's terms at this moment. */
export interface Terms {
  /** Why nothing can be ordered now; null when it can. */
  closed: string | null;
  stockPolicy: "hold" | "onpay";
  invoiceExpiryMs: number;
  maxOpenOrders: number;
  /** Price of a bitcoin, fresh enough to quote; null when there is none. */
  rate(currency: string): Rate | null;
}

/** A checkout message that names an order but can't be read as one. */
export interface InvalidOrder {
  customerOrderId: string;
  reason: string;
  traits: Traits;
}

/**
 * Takes an order message (the whole of T2 for it): a new order is priced, its stock held and its invoice asked for; the
 * same order again repeats the answer; the same id with other content amends it. Every outcome leaves an answer.
 */
export async function place(
  tx: Tx,
  origin: Origin,
  request: OrderRequest,
  terms: Terms,
  random: Random,
  now: number,
): Promise<OrderRow> {
  const known = await lockOrderByKey(tx, { ...origin, customerOrderId: request.customerOrderId });
  if (known) return await again(tx, await followCustomer(tx, known, origin), request, terms, now);

  const priced = await price(tx, origin.merchant, request, terms);
  const refusal = await refusalOf(tx, origin, priced, terms);
  const row = newOrder(origin, request, random.uuid(), now);
  if (refusal !== null) return await insertRefused(tx, row, refusal, origin.stale, now);

  const accepted = (priced as { quote: Quote }).quote;
  const order = { ...row, ...quoted(accepted), expires_at: now + terms.invoiceExpiryMs };
  if (terms.stockPolicy === "hold") {
    const held = await hold(tx, {
      merchant: order.merchant,
      orderId: order.id,
      lines: linesOf(accepted),
      now,
    });
    if (!held.ok) return await insertRefused(tx, row, shortText(accepted, held.short), false, now);
  }
  await insertOrder(tx, order);
  await insertItems(tx, order.id, accepted.lines);
  await addTimeline(tx, order.id, now, "requested", `Order received: ${accepted.summary}`);
  await enqueue(tx, { kind: "invoice.create", payload: { order_id: order.id }, key: order.id }, now);
  return order;
}

/** Answers a message that is an order by its shape but can't be read: kept, refused with the reason, never silent. */
export async function refuseInvalid(
  tx: Tx,
  origin: Origin,
  invalid: InvalidOrder,
  random: Random,
  now: number,
): Promise<OrderRow> {
  const request: OrderRequest = {
    customerOrderId: invalid.customerOrderId,
    items: [],
    shippingId: null,
    stallId: null,
    name: null,
    address: null,
    message: null,
    contact: {},
    traits: invalid.traits,
  };
  const known = await lockOrderByKey(tx, { ...origin, customerOrderId: invalid.customerOrderId });
  if (known) {
    const order = await followCustomer(tx, known, origin);
    return (await applyTo(tx, order, { type: "amended", totalMsat: null, reason: invalid.reason }, now))
      .order;
  }
  return await insertRefused(
    tx,
    newOrder(origin, request, random.uuid(), now),
    invalid.reason,
    origin.stale,
    now,
  );
}

/** The answer goes where the customer last spoke, and is dated after it. */
async function followCustomer(tx: Tx, order: OrderRow, origin: Origin): Promise<OrderRow> {
  const change = {
    envelope: origin.envelope,
    relay: origin.relay,
    asked_at_seconds: Math.max(order.asked_at_seconds, origin.askedAtSeconds),
  };
  await updateOrder(tx, order.id, change);
  return { ...order, ...change };
}

/** The customer sent an order that we have: a repeat, or an amendment. */
async function again(
  tx: Tx,
  order: OrderRow,
  request: OrderRequest,
  terms: Terms,
  now: number,
): Promise<OrderRow> {
  const hash = contentHash(request);
  if (hash === order.content_hash) return (await applyTo(tx, order, { type: "requested" }, now)).order;
  if (order.payment !== "quoting" && order.payment !== "awaiting") {
    return (await applyTo(tx, order, { type: "amended", totalMsat: null }, now)).order;
  }
  const priced = await price(tx, order.merchant, request, terms);
  if (!priced.ok) {
    return (await applyTo(tx, order, { type: "amended", totalMsat: null, reason: priced.reason }, now)).order;
  }
  if (terms.stockPolicy === "hold") {
    const short = await moveHold(tx, order, priced.quote, now);
    if (short !== null) {
      return (await applyTo(tx, order, { type: "amended", totalMsat: null, reason: short }, now)).order;
    }
  }
  await replaceItems(tx, order.id, priced.quote.lines);
  const { total_msat, ...rest } = quoted(priced.quote);
  const change = { ...rest, ...worded(request), content_hash: hash, expires_at: now + terms.invoiceExpiryMs };
  await updateOrder(tx, order.id, change);
  return (await applyTo(tx, { ...order, ...change }, { type: "amended", totalMsat: BigInt(total_msat) }, now))
    .order;
}

/** Holds the amended lines in place of the old ones; when they aren't there the old hold stays. Answers why not, or null. */
async function moveHold(tx: Tx, order: OrderRow, wanted: Quote, now: number): Promise<string | null> {
  const old: Line[] = (await itemsOf(tx, [order.id])).map((item) => ({
    productId: item.product_id,
    quantity: item.quantity,
  }));
  await release(tx, { orderId: order.id, now });
  const held = await hold(tx, { merchant: order.merchant, orderId: order.id, lines: linesOf(wanted), now });
  if (held.ok) return null;
  await hold(tx, { merchant: order.merchant, orderId: order.id, lines: old, now });
  return shortText(wanted, held.short);
}

async function price(tx: Tx, merchant: string, request: OrderRequest, terms: Terms): Promise<QuoteResult> {
  const catalogue = await loadForOrder(tx, merchant, request.items.map((item) => item.productId));
  return quote({ request, catalogue, rateFor: (currency) => terms.rate(currency) });
}

async function refusalOf(tx: Tx, origin: Origin, priced: QuoteResult, terms: Terms): Promise<string | null> {
  if (origin.stale) return "This order reached us too late to be answered. Please order again.";
  if (terms.closed !== null) return terms.closed;
  if (!priced.ok) return priced.reason;
  const open = await countOpen(tx, origin.merchant, origin.customer);
  if (open >= terms.maxOpenOrders) {
    return `You have ${open} unpaid orders here, which is the most we keep open. Please pay one or let it expire first.`;
  }
  return null;
}

async function insertRefused(
  tx: Tx,
  row: OrderRow,
  reason: string,
  silent: boolean,
  now: number,
): Promise<OrderRow> {
  const order: OrderRow = { ...row, payment: "rejected", reason };
  await insertOrder(tx, order);
  const seq = await addTimeline(tx, order.id, now, "rejected", `Order refused: ${reason}`);
  if (!silent) {
    const payload = { order_id: order.id, reply: "refusal", number: `${seq}.0` };
    await enqueue(tx, { kind: "reply.send", payload, key: `${order.id}:${seq}.0` }, now);
  }
  return order;
}

function newOrder(origin: Origin, request: OrderRequest, id: string, now: number): OrderRow {
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
    asked_at_seconds: origin.askedAtSeconds,
    expires_at: null,
    paid_at: null,
    tracking: null,
    created_at: now,
    updated_at: now,
  };
}

/** The customer's own words about delivery. */
function worded(request: OrderRequest) {
  return {
    name: request.name,
    address: request.address,
    message: request.message,
    contact: JSON.stringify(request.contact),
  };
}

function quoted(accepted: Quote) {
  return {
    stall_id: accepted.stallId,
    shipping_id: accepted.shippingId,
    total_msat: Number(accepted.totalMsat),
    rate: accepted.rate === null ? null : JSON.stringify(accepted.rate),
  };
}

function linesOf(accepted: Quote): Line[] {
  return accepted.lines.map((line) => ({ productId: line.productId, quantity: line.quantity }));
}

function shortText(wanted: Quote, short: { productId: string; available: number }[]): string {
  const parts = short.map(({ productId, available }) => {
    const name = wanted.lines.find((line) => line.productId === productId)?.name ?? productId;
    return available > 0 ? `only ${available} of "${name}" left` : `"${name}" is sold out`;
  });
  const text = parts.join(", ");
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}

/** Tells a repeat from an amendment: everything that the customer ordered, in one order of keys. */
function contentHash(request: OrderRequest): string {
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
