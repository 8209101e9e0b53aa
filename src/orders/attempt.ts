import type { Tx } from "../db/database.ts";
import { hold } from "../stock/stock.ts";
import type { Origin } from "./draft.ts";
import { countOpen } from "./orders_store.ts";
import { heldShare } from "./held_share.ts";
import {
  asHeld,
  linesOf,
  price,
  type Reservation,
  shortOf,
  shortText,
  stockPolicyOf,
  type Terms,
} from "./terms.ts";
import type { Unpriced } from "./pricing.ts";
import type { CatalogueSlice, OrderRequest, Quote } from "./types.ts";

/**
 * An order that can be taken, and how its goods are reserved; or why it can't, with the quote if there is one. `waits`: it only
 * lacks an exchange rate, and there may be one in a while.
 */
export type Attempt =
  | { ok: true; quote: Quote; reservation: Reservation }
  | { ok: false; reason: string; quote: Quote | null; waits?: Unpriced };

/** What is answered to a message that is too old: nothing. It stands with the order. */
export const TOO_LATE = "This order reached us too late to be answered. Please order again.";

/** Prices an order and reserves its goods for `orderId`, unless anything speaks against taking it. */
export async function attempt(
  tx: Tx,
  orderId: string,
  { origin, request, terms }: { origin: Origin; request: OrderRequest; terms: Terms },
  now: number,
): Promise<Attempt> {
  const { merchant, askedAtSeconds } = origin;
  const { priced, catalogue } = await price(tx, merchant, request, { terms, askedAtSeconds, now });
  const quote = priced.ok ? priced.quote : null;
  if (origin.stale) return { ok: false, reason: TOO_LATE, quote };
  if (terms.closed !== null) return { ok: false, reason: terms.closed, quote };
  const waits = priced.ok ? undefined : priced.unpriced;
  if (!priced.ok && !(waits && terms.rateMayCome?.(waits.currency))) {
    return { ok: false, reason: priced.reason, quote: null };
  }
  const reason = await tooMany(tx, origin, terms);
  if (reason !== null) return { ok: false, reason, quote };
  if (!priced.ok) return { ok: false, reason: priced.reason, quote: null, ...(waits && { waits }) };
  return await reserve(tx, { ...origin, orderId }, { quote: priced.quote, catalogue, terms }, now);
}

async function tooMany(tx: Tx, { merchant, customer }: Origin, terms: Terms): Promise<string | null> {
  const open = await countOpen(tx, merchant, customer);
  if (open < terms.maxOpenOrders) return null;
  return `You have ${open} unpaid orders here, which is the most we keep open. Please pay one or let it expire first.`;
}

/** Holds the goods, or only looks whether they are there, as the shop's policy has it. */
async function reserve(
  tx: Tx,
  { merchant, customer, orderId }: { merchant: string; customer: string; orderId: string },
  { quote, catalogue, terms }: { quote: Quote; catalogue: CatalogueSlice; terms: Terms },
  now: number,
): Promise<Attempt> {
  if (stockPolicyOf(terms, quote.stallId) !== "hold") {
    const short = shortOf(quote.lines, catalogue);
    return short.length === 0
      ? { ok: true, quote, reservation: "usual" }
      : { ok: false, reason: shortText(quote.lines, short), quote };
  }
  const share = await heldShare(tx, { merchant, customer }, terms);
  const held = await hold(tx, { merchant, orderId, lines: linesOf(quote.lines), now, ...share });
  if (!held.ok) return { ok: false, reason: shortText(quote.lines, held.short), quote };
  return { ok: true, quote, reservation: asHeld(held) };
}
