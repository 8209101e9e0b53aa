import type { Tx } from "../db/database.ts";
import type { Random } from "../random.ts";
import { hold } from "../stock/stock.ts";
import { amendUnreadable, askedAgain } from "./amend.ts";
import { begin } from "./apply.ts";
import { draftOrder, type Origin, quoted, unreadable } from "./draft.ts";
import { countOpen, lockOrderByKey, type OrderRow } from "./orders_store.ts";
import { linesOf, price, shortOf, shortText, type Terms } from "./terms.ts";
import type { CatalogueSlice, OrderEvent, OrderRequest, Quote, Traits } from "./types.ts";

export type { Origin } from "./draft.ts";
export type { Terms } from "./terms.ts";

/** A checkout message that names an order but can't be read as one. */
export interface InvalidOrder {
  customerOrderId: string;
  reason: string;
  traits: Traits;
}

const TOO_LATE = "This order reached us too late to be answered. Please order again.";

/**
 * Takes an order message (the whole of T2 for it): a new order is priced, its stock held and its invoice asked for; the
 * same order again repeats the answer; the same id with other content amends it. Every outcome leaves an answer, unless
 * the message is stale. When two processes take the same new order at once, one fails on its key and must try again.
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
  const { priced, catalogue } = await price(tx, origin.merchant, request, terms);
  const reason = origin.stale
    ? TOO_LATE
    : terms.closed ?? (priced.ok ? await tooMany(tx, origin, terms) : priced.reason);
  if (!priced.ok) return await refuse(tx, draft, { reason: reason!, silently: origin.stale }, now);

  const accepted = priced.quote;
  const order = { ...draft, ...quoted(accepted) };
  if (reason !== null) {
    return await refuse(tx, order, { reason, quote: accepted, silently: origin.stale }, now);
  }
  const missing = await reserve(tx, order, { quote: accepted, catalogue, terms }, now);
  if (missing !== null) return await refuse(tx, order, { reason: missing, quote: accepted }, now);
  return await begin(tx, { ...order, expires_at: now + terms.invoiceExpiryMs }, {
    lines: accepted.lines,
    intro: `Order received: ${accepted.summary}`,
    events: [{ type: "quoted", totalMsat: accepted.totalMsat }, { type: "stockReserved" }],
  }, now);
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
  return await refuse(tx, draft, { reason, silently: origin.stale }, now);
}

/** Keeps an order that isn't taken, and tells the customer why unless it comes too late for any answer. */
function refuse(
  tx: Tx,
  draft: OrderRow,
  { reason, quote, silently = false }: { reason: string; quote?: Quote; silently?: boolean },
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

async function tooMany(tx: Tx, { merchant, customer }: Origin, terms: Terms): Promise<string | null> {
  const open = await countOpen(tx, merchant, customer);
  if (open < terms.maxOpenOrders) return null;
  return `You have ${open} unpaid orders here, which is the most we keep open. Please pay one or let it expire first.`;
}

/** Holds the goods, or only looks whether they are there, as the shop's policy has it. Answers what is missing, or null. */
async function reserve(
  tx: Tx,
  order: OrderRow,
  { quote, catalogue, terms }: { quote: Quote; catalogue: CatalogueSlice; terms: Terms },
  now: number,
): Promise<string | null> {
  if (terms.stockPolicy === "onpay") {
    const short = shortOf(quote.lines, catalogue);
    return short.length === 0 ? null : shortText(quote.lines, short);
  }
  const lines = linesOf(quote.lines);
  const held = await hold(tx, { merchant: order.merchant, orderId: order.id, lines, now });
  return held.ok ? null : shortText(quote.lines, held.short);
}
