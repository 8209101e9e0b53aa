import type { Tx } from "../db/database.ts";
import type { Random } from "../random.ts";
import { amendUnreadable, askedAgain } from "./amend.ts";
import { type AttemptAgain, attemptAgain } from "./answered_before.ts";
import { begin } from "./apply.ts";
import { attempt, TOO_LATE } from "./attempt.ts";
import { draftOrder, type Origin, quoted, unreadable } from "./draft.ts";
import { lockOrderByKey, type OrderRow } from "./orders_store.ts";
import { reservationNote } from "./held_share.ts";
import type { Unpriced } from "./pricing.ts";
import { goodsReserved, mirrored, payBy, reserved, type Terms } from "./terms.ts";
import type { OrderEvent, OrderRequest, Quote, Traits } from "./types.ts";

export type { Origin } from "./draft.ts";
export type { Terms } from "./terms.ts";

/** A checkout message that names an order but can't be read as one. */
export interface InvalidOrder {
  customerOrderId: string;
  reason: string;
  traits: Traits;
}

/**
 * Takes an order message (the whole of T2 for it): a new order is priced, its stock held and its invoice asked for; the
 * same order again repeats the answer, or tries again what was refused; the same id with other content amends it. Every
 * outcome leaves an answer, unless the message is stale. When two processes take the same new order at once, one fails on
 * its key and must try again.
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
  if (known) return await askedAgain(tx, known, { origin, request, terms, now });

  const draft = draftOrder(origin, request, random.uuid(), now);
  const asked = { origin, request, terms };
  const tried: AttemptAgain = await attemptAgain(tx, draft.id, asked, now) ??
    await attempt(tx, draft.id, asked, now);
  const order = tried.quote ? { ...draft, ...quoted(tried.quote) } : draft;
  if (!tried.ok && tried.waits && !tried.silently) return await awaitRate(tx, order, tried.waits, now);
  if (!tried.ok) return await refuse(tx, order, { ...tried, silently: tried.silently ?? origin.stale }, now);
  const { quote, reservation } = tried;
  const mirror = mirrored(terms, quote.stallId, reservation);
  const taken = { ...order, ...reserved(reservation), mirror, expires_at: payBy(terms, reservation, now) };
  return await begin(tx, taken, {
    lines: quote.lines,
    intro: `Order received: ${quote.summary}`,
    events: [
      { type: "quoted", totalMsat: quote.totalMsat },
      goodsReserved(mirror),
      ...reservationNote(reservation),
    ],
  }, now);
}

/** Keeps an order that nobody can price now: what the customer is told of it, and when, is for its job to say. */
function awaitRate(tx: Tx, draft: OrderRow, { currency, lines }: Unpriced, now: number): Promise<OrderRow> {
  const events: OrderEvent[] = [{ type: "rateAwaited", currency }];
  return begin(tx, draft, { lines, intro: "Order received.", events }, now);
}

/** Answers a message that is an order by its shape but can't be read: kept, refused with the reason, never silent. */
export async function refuseInvalid(
  tx: Tx,
  origin: Origin,
  invalid: InvalidOrder,
  random: Random,
  now: number,
): Promise<OrderRow> {
  const known = await lockOrderByKey(tx, { ...origin, customerOrderId: invalid.customerOrderId });
  if (known) return await amendUnreadable(tx, known, { origin, invalid, now });
  const draft = draftOrder(
    origin,
    unreadable(invalid.customerOrderId, invalid.traits),
    random.uuid(),
    now,
  );
  const reason = origin.stale ? TOO_LATE : invalid.reason;
  return await refuse(tx, draft, { reason, quote: null, silently: origin.stale }, now);
}

/** Keeps an order that isn't taken, and tells the customer why unless it comes too late for any answer. */
function refuse(
  tx: Tx,
  draft: OrderRow,
  { reason, quote, silently }: { reason: string; quote: Quote | null; silently: boolean },
  now: number,
): Promise<OrderRow> {
  const priced: OrderEvent[] = quote ? [{ type: "quoted", totalMsat: quote.totalMsat }] : [];
  return begin(tx, draft, {
    lines: quote?.lines ?? [],
    intro: quote ? `Order received: ${quote.summary}` : "Order received.",
    events: [...priced, { type: "stockRefused", reason }],
    silently,
  }, now);
}
