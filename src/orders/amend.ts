import type { Tx } from "../db/database.ts";
import { rehold } from "../stock/stock.ts";
import { applyTo, wouldTake } from "./apply.ts";
import { contentHash, type Origin, quoted, worded } from "./draft.ts";
import { itemsOf, type OrderRow, replaceItems, updateOrder } from "./orders_store.ts";
import { linesOf, price, shortOf, shortText, type Terms } from "./terms.ts";
import type { CatalogueSlice, OrderRequest, Quote, QuotedLine, Traits } from "./types.ts";

/** The customer sent an order that we have: a repeat, or an amendment. What is too old to be answered changes nothing. */
export async function askedAgain(
  tx: Tx,
  known: OrderRow,
  { origin, request, terms, now }: { origin: Origin; request: OrderRequest; terms: Terms; now: number },
): Promise<OrderRow> {
  if (origin.stale) return known;
  // Relays deliver in any order: what was written before the version that we have doesn't take its place.
  const outdated = origin.askedAtSeconds < known.asked_at_seconds;
  const order = outdated ? known : await follow(tx, known, origin, request.traits);
  if (outdated || contentHash(request) === order.content_hash) {
    return (await applyTo(tx, order, { type: "requested" }, now)).order;
  }
  return await amend(tx, order, request, terms, now);
}

/** The customer sent an order that we have in a form that can't be read: it stands as it was, and the customer is told. */
export async function amendUnreadable(
  tx: Tx,
  known: OrderRow,
  { origin, invalid, now }: { origin: Origin; invalid: { reason: string; traits: Traits }; now: number },
): Promise<OrderRow> {
  if (origin.stale) return known;
  return await refuseChange(
    tx,
    await follow(tx, known, origin, invalid.traits),
    invalid.reason,
    now,
  );
}

/** The answer goes where and how the customer last spoke, and is dated after it. */
async function follow(tx: Tx, order: OrderRow, origin: Origin, traits: Traits): Promise<OrderRow> {
  const change = {
    dialect: origin.dialect,
    traits: JSON.stringify(traits),
    envelope: origin.envelope,
    relay: origin.relay,
    asked_at_seconds: Math.max(order.asked_at_seconds, origin.askedAtSeconds),
  };
  await updateOrder(tx, order.id, change);
  return { ...order, ...change };
}

/** The same id with another content. Lines and holds are touched only when the life cycle takes the change. */
async function amend(
  tx: Tx,
  order: OrderRow,
  request: OrderRequest,
  terms: Terms,
  now: number,
): Promise<OrderRow> {
  // Any total will do to learn whether the order can still be changed at all.
  if (!await wouldTake(tx, order, { type: "amended", totalMsat: BigInt(order.total_msat) }, now)) {
    return await refuseChange(tx, order, undefined, now);
  }
  const { priced, catalogue } = await price(tx, order.merchant, request, terms);
  if (!priced.ok) return await refuseChange(tx, order, priced.reason, now);
  const { totalMsat, lines } = priced.quote;
  const repriced = totalMsat !== BigInt(order.total_msat);
  if (repriced && terms.closed !== null) return await refuseChange(tx, order, terms.closed, now);
  const missing = await moveHold(tx, order, { quote: priced.quote, catalogue, terms }, now);
  if (missing !== null) return await refuseChange(tx, order, missing, now);
  await replaceItems(tx, order.id, lines);
  const change = {
    ...quoted(priced.quote),
    ...worded(request),
    content_hash: contentHash(request),
    // The open invoice of an unchanged total lives no longer than it did.
    ...(repriced && { expires_at: now + terms.invoiceExpiryMs }),
  };
  await updateOrder(tx, order.id, change);
  return (await applyTo(tx, { ...order, ...change }, { type: "amended", totalMsat }, now)).order;
}

async function refuseChange(
  tx: Tx,
  order: OrderRow,
  reason: string | undefined,
  now: number,
): Promise<OrderRow> {
  const event = { type: "amended", totalMsat: null, ...(reason !== undefined && { reason }) } as const;
  return (await applyTo(tx, order, event, now)).order;
}

/** Holds the amended lines in place of the old ones. When they aren't there the old hold stays: answers why not, or null. */
async function moveHold(
  tx: Tx,
  order: OrderRow,
  { quote, catalogue, terms }: { quote: Quote; catalogue: CatalogueSlice; terms: Terms },
  now: number,
): Promise<string | null> {
  const wanted = quote.lines;
  if (await hasSameLines(tx, order, wanted)) return null;
  const hold = { merchant: order.merchant, orderId: order.id, now };
  if (terms.stockPolicy === "onpay") {
    const short = shortOf(wanted, catalogue);
    if (short.length > 0) return shortText(wanted, short);
    // From the time when the policy was another one.
    await rehold(tx, { ...hold, lines: [] });
    return null;
  }
  const moved = await rehold(tx, { ...hold, lines: linesOf(wanted) });
  return moved.ok ? null : shortText(wanted, moved.short);
}

async function hasSameLines(tx: Tx, order: OrderRow, wanted: QuotedLine[]): Promise<boolean> {
  const items = await itemsOf(tx, [order.id]);
  return items.length === wanted.length &&
    items.every((item, i) =>
      item.product_id === wanted[i]!.productId && item.quantity === wanted[i]!.quantity
    );
}
