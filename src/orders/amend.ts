import type { Tx } from "../db/database.ts";
import { rehold, release } from "../stock/stock.ts";
import { applyTo, wouldTake } from "./apply.ts";
import { attempt } from "./attempt.ts";
import { contentHash, type Origin, quoted, worded } from "./draft.ts";
import { mirror } from "./mirror.ts";
import { itemsOf, type OrderRow, replaceItems, updateOrder } from "./orders_store.ts";
import { heldShare, reservationNote } from "./held_share.ts";
import {
  asHeld,
  linesOf,
  mirrored,
  payBy,
  price,
  type Reservation,
  reservationOf,
  reserved,
  shortOf,
  shortText,
  stockPolicyOf,
  type Terms,
} from "./terms.ts";
import type { CatalogueSlice, OrderRequest, Quote, QuotedLine, Traits } from "./types.ts";
import { waitsForRate } from "./waiting.ts";

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
  if (!outdated && wasRefused(order)) return await tryAgain(tx, order, { origin, request, terms, now });
  if (outdated || contentHash(request) === order.content_hash) {
    return (await applyTo(tx, order, { type: "requested" }, now)).order;
  }
  return await amend(tx, order, { request, terms, now });
}

/** The customer sent an order that we have in a form that can't be read: it stands as it was, and the customer is told. */
export async function amendUnreadable(
  tx: Tx,
  known: OrderRow,
  { origin, invalid, now }: { origin: Origin; invalid: { reason: string; traits: Traits }; now: number },
): Promise<OrderRow> {
  if (origin.stale) return known;
  const order = await follow(tx, known, origin, invalid.traits);
  const { reason } = invalid;
  if (!wasRefused(order)) return await refuseChange(tx, order, reason, now);
  return (await applyTo(tx, order, { type: "retried", totalMsat: null, reason }, now)).order;
}

/** Nothing of it can be paid, and who asks again is asking anew: the reason may hold no longer. */
function wasRefused({ payment }: OrderRow): boolean {
  return payment === "rejected" || payment === "failed";
}

/** Takes an order that was refused or has failed as if it came for the first time. What can't be priced leaves its lines. */
async function tryAgain(
  tx: Tx,
  order: OrderRow,
  { origin, request, terms, now }: { origin: Origin; request: OrderRequest; terms: Terms; now: number },
): Promise<OrderRow> {
  const tried = await attempt(tx, order.id, { origin, request, terms }, now);
  const { quote } = tried;
  const totalMsat = quote?.totalMsat ?? null;
  const reservation = tried.ok ? tried.reservation : "usual";
  const change = {
    ...worded(request),
    forgotten_at: null,
    content_hash: contentHash(request),
    ...(quote && quoted(quote)),
    ...reserved(reservation),
    ...(tried.ok && {
      reason: null,
      expires_at: payBy(terms, reservation, now),
      mirror: mirrored(terms, tried.quote.stallId, reservation),
    }),
  };
  if (quote) await replaceItems(tx, order.id, quote.lines);
  await updateOrder(tx, order.id, change);
  const event = { type: "retried", totalMsat, ...(!tried.ok && { reason: tried.reason }) } as const;
  const retried = (await applyTo(tx, { ...order, ...change }, event, now)).order;
  return await noteReservation(tx, retried, reservation, now);
}

async function noteReservation(
  tx: Tx,
  order: OrderRow,
  reservation: Reservation,
  now: number,
): Promise<OrderRow> {
  let noted = order;
  for (const event of reservationNote(reservation)) noted = (await applyTo(tx, noted, event, now)).order;
  return noted;
}

/** The answer goes where and how the customer last spoke, and is dated after it. */
export async function follow(tx: Tx, order: OrderRow, origin: Origin, traits: Traits): Promise<OrderRow> {
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
  { request, terms, now }: { request: OrderRequest; terms: Terms; now: number },
): Promise<OrderRow> {
  // Any total will do to learn whether the order can still be changed at all.
  if (!await wouldTake(tx, order, { type: "amended", totalMsat: BigInt(order.total_msat) }, now)) {
    return await refuseChange(tx, order, undefined, now);
  }
  const { merchant, asked_at_seconds: askedAtSeconds } = order;
  const { priced, catalogue } = await price(tx, merchant, request, { terms, askedAtSeconds, now });
  const lines = priced.ok ? priced.quote.lines : priced.unpriced?.lines;
  if (waitsForRate(order) && lines) return await amendWaiting(tx, order, { request, lines, now });
  if (!priced.ok) return await refuseChange(tx, order, priced.reason, now);
  const { quote } = priced;
  // Who only corrects the address keeps the price that was agreed, whatever prices and rates have done since.
  const agreed = quote.shippingId === order.shipping_id && await hasSameLines(tx, order, quote.lines);
  const totalMsat = agreed ? BigInt(order.total_msat) : quote.totalMsat;
  const repriced = totalMsat !== BigInt(order.total_msat);
  if (repriced && terms.closed !== null) return await refuseChange(tx, order, terms.closed, now);
  const before = reservationOf(order);
  let reservation = before;
  if (!agreed) {
    const moved = await moveHold(tx, order, { quote, catalogue, terms }, now);
    if (!moved.ok) return await refuseChange(tx, order, moved.reason, now);
    reservation = moved.reservation;
    // An only hold above the share is for one short time: else it could be changed back and forth for ever.
    if (reservation === "brief") {
      await release(tx, { orderId: order.id, now });
      reservation = "unheld";
    }
    await replaceItems(tx, order.id, quote.lines);
  }
  const change = {
    ...(!agreed && quoted(quote)),
    ...(!agreed && { mirror: mirrored(terms, quote.stallId, reservation) }),
    ...worded(request),
    content_hash: contentHash(request),
    // The open invoice of an unchanged total lives no longer than it did.
    ...(repriced && { expires_at: payBy(terms, reservation, now) }),
    ...reserved(reservation),
  };
  await updateOrder(tx, order.id, change);
  // What another system has of it ends there when the goods are no longer its.
  if (!agreed && mirrored(terms, quote.stallId, reservation) === null) await mirror(tx, order, now);
  const amended = (await applyTo(tx, { ...order, ...change }, { type: "amended", totalMsat }, now)).order;
  return reservation === before ? amended : await noteReservation(tx, amended, reservation, now);
}

/** What isn't priced yet takes every change: its job prices it as it is then. */
async function amendWaiting(
  tx: Tx,
  order: OrderRow,
  { request, lines, now }: { request: OrderRequest; lines: QuotedLine[]; now: number },
): Promise<OrderRow> {
  const change = {
    ...worded(request),
    content_hash: contentHash(request),
    stall_id: request.stallId,
    shipping_id: request.shippingId,
    revision: order.revision + 1,
  };
  await replaceItems(tx, order.id, lines);
  await updateOrder(tx, order.id, change);
  const noted = { type: "noted", text: "Changed by the customer before it was priced." } as const;
  return (await applyTo(tx, { ...order, ...change }, noted, now)).order;
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

/** Holds the amended lines in place of the old ones. When they aren't there the old hold stays. */
async function moveHold(
  tx: Tx,
  order: OrderRow,
  { quote, catalogue, terms }: { quote: Quote; catalogue: CatalogueSlice; terms: Terms },
  now: number,
): Promise<{ ok: true; reservation: Reservation } | { ok: false; reason: string }> {
  const wanted = quote.lines;
  if (await hasSameLines(tx, order, wanted)) return { ok: true, reservation: reservationOf(order) };
  const hold = { merchant: order.merchant, orderId: order.id, now };
  if (stockPolicyOf(terms, quote.stallId) !== "hold") {
    const short = shortOf(wanted, catalogue);
    if (short.length > 0) return { ok: false, reason: shortText(wanted, short) };
    // From the time when the policy was another one.
    await rehold(tx, { ...hold, lines: [] });
    return { ok: true, reservation: "usual" };
  }
  const share = await heldShare(tx, order, terms);
  const moved = await rehold(tx, { ...hold, lines: linesOf(wanted), ...share });
  if (!moved.ok) return { ok: false, reason: shortText(wanted, moved.short) };
  return { ok: true, reservation: asHeld(moved) };
}

async function hasSameLines(tx: Tx, order: OrderRow, wanted: QuotedLine[]): Promise<boolean> {
  const items = await itemsOf(tx, [order.id]);
  return items.length === wanted.length &&
    items.every((item, i) =>
      item.product_id === wanted[i]!.productId && item.quantity === wanted[i]!.quantity
    );
}
