import { loadForOrder } from "../catalog/catalogue.ts";
import { earlierPrices, PRICES_KEPT_MS, pricesAt } from "../catalog/earlier_prices_store.ts";
import type { Tx } from "../db/database.ts";
import type { Mirror } from "../db/tables.ts";
import type { Rate } from "../money/rates.ts";
import type { AutoApproval } from "../payments/refund_approval.ts";
import type { Line, Shortage } from "../stock/stock.ts";
import { list, shortened } from "./naming.ts";
import type { Memory } from "./said_before_store.ts";
import { quote, type QuoteLimits, type QuoteResult } from "./pricing.ts";
import type { CatalogueSlice, OrderEvent, OrderRequest, QuotedLine } from "./types.ts";

/** The shop's terms at this moment. */
export interface Terms {
  /** Why nothing can be ordered now; null when it can. */
  closed: string | null;
  /** When goods are reserved: with the order; at payment; or when a payment is there that can still be given back. */
  stockPolicy: "hold" | "onpay" | "holdinvoice";
  invoiceExpiryMs: number;
  maxOpenOrders: number;
  /** How much of a product (0–1) unpaid orders of keys that never paid may hold together; all of it by default. */
  maxHeldShare?: number;
  /** The least and the most that an order may come to, narrower than what can be invoiced at all. */
  limits?: Partial<QuoteLimits>;
  /** Whether another system sells a stall's goods, too, and whether it has to confirm them first; null, the default: none does. */
  mirrorOf?(stallId: string): Mirror | null;
  /** What refunds are paid without a person; none by default. */
  autoRefund?: AutoApproval | null;
  /** Whether a backup was restored: what was answered since then holds. */
  memory?: Memory;
  /** Price of a bitcoin, fresh enough to quote; null when there is none. */
  rate(currency: string): Rate | null;
  /** Whether there may be a rate in a while: then an order that has none waits for it. It never does by default. */
  rateMayCome?(currency: string): boolean;
}

/** How long a price is honoured after a change, for who ordered before it; their order may have been under way. */
const HONOURED_MS = 10 * 60_000;

const AS_SEEN = "The price has changed since you ordered; you pay what it was then.";
const AS_NOW = "A price in this order has gone up within the last day; this is the price now.";

/**
 * How goods are reserved for an order: for the usual time; `brief`: more than a new customer's share of a product, which had
 * no other hold; `unheld`: for nobody, they are assigned at payment.
 */
export type Reservation = "usual" | "brief" | "unheld";

/** Who orders what isn't held for them, or holds more than their share, is asked to pay in a third of the time … */
const SHORT_PART = 3;
/** … but has so long where others have: somebody who is asked to pay sooner than usual still has to find their wallet. */
const SHORTEST_MS = { brief: 10 * 60_000, unheld: 5 * 60_000 };

/** When the goods of a stall are reserved: what another system has to confirm is held here first. */
export function stockPolicyOf(terms: Terms, stallId: string): Terms["stockPolicy"] {
  return terms.mirrorOf?.(stallId) === "confirm" ? "hold" : terms.stockPolicy;
}

/** How another system takes part in an order. What is held for nobody needs no confirmation: it is assigned at payment. */
export function mirrored(terms: Terms, stallId: string, reservation: Reservation): Mirror | null {
  const mirror = terms.mirrorOf?.(stallId) ?? null;
  return mirror === "confirm" && reservation === "unheld" ? "follow" : mirror;
}

/** What happens when an order's goods are reserved. */
export function goodsReserved(mirror: Mirror | null): OrderEvent {
  return { type: mirror === "confirm" ? "stockAwaited" : "stockReserved" };
}

/** Until when an order that is taken now is to be paid (ms). */
export function payBy({ invoiceExpiryMs }: Terms, reservation: Reservation, now: number): number {
  if (reservation === "usual") return now + invoiceExpiryMs;
  return now + Math.min(invoiceExpiryMs, Math.max(SHORTEST_MS[reservation], invoiceExpiryMs / SHORT_PART));
}

/** How an order's goods are reserved, by its row. */
export function reservationOf(order: { unheld: number; brief: number }): Reservation {
  if (order.unheld === 1) return "unheld";
  return order.brief === 1 ? "brief" : "usual";
}

/** The same as the row's columns. */
export function reserved(reservation: Reservation): { unheld: 0 | 1; brief: 0 | 1 } {
  return { unheld: reservation === "unheld" ? 1 : 0, brief: reservation === "brief" ? 1 : 0 };
}

/** How the stock has held them. */
export function asHeld(held: { unheld?: true; brief?: true }): Reservation {
  if (held.unheld) return "unheld";
  return held.brief ? "brief" : "usual";
}

/**
 * Prices a request by the rates of now and the catalogue of now, or that of `askedAtSeconds` where it asks for less and was
 * replaced no longer than ten minutes ago: nobody pays more than the shop asked when they ordered, and an order dated back
 * gains ten minutes at most. What the customer has to be told of it stands in the quote.
 */
export async function price(
  tx: Tx,
  merchant: string,
  request: OrderRequest,
  asked: { terms: Terms; askedAtSeconds: number; now: number },
): Promise<{ priced: QuoteResult; catalogue: CatalogueSlice }> {
  const { terms, now } = asked;
  const catalogue = await loadForOrder(tx, merchant, request.items.map((item) => item.productId));
  const rateFor = (currency: string) => terms.rate(currency);
  const limits = terms.limits ?? {};
  const priced = quote({ request, catalogue, rateFor, limits });
  if (!priced.ok) return { priced, catalogue };
  const earlier = await earlierPrices(tx, merchant, catalogue, now - PRICES_KEPT_MS);
  if (earlier.length === 0) return { priced, catalogue };

  const lowerAt = (at: number) => {
    const then = quote({ request, catalogue: pricesAt(catalogue, earlier, at), rateFor, limits });
    return then.ok && then.quote.totalMsat < priced.quote.totalMsat ? then.quote : null;
  };
  // Within one second nobody can tell which came first: then the order came after the change.
  const writtenBy = asked.askedAtSeconds * 1000 + 999;
  const seen = lowerAt(Math.max(now - HONOURED_MS, writtenBy));
  if (seen) return { priced: { ok: true, quote: { ...seen, priceNote: AS_SEEN } }, catalogue };
  const priceNote = lowerAt(now - PRICES_KEPT_MS) ? AS_NOW : null;
  return { priced: { ok: true, quote: { ...priced.quote, priceNote } }, catalogue };
}

/** The lines as the stock knows them. */
export function linesOf(lines: readonly QuotedLine[]): Line[] {
  return lines.map(({ productId, quantity }) => ({ productId, quantity }));
}

/** What of the lines isn't there. Where nothing is held this may be another thing a moment later. */
export function shortOf(lines: readonly QuotedLine[], catalogue: CatalogueSlice): Shortage[] {
  const products = new Map(catalogue.products.map((product) => [product.id, product]));
  return lines.flatMap(({ productId, quantity }) => {
    const available = products.get(productId)?.available ?? null;
    return available !== null && available < quantity ? [{ productId, available }] : [];
  });
}

/** Tells the customer what is missing, and what there is. */
export function shortText(lines: readonly QuotedLine[], short: readonly Shortage[]): string {
  const text = list(short.map(({ productId, available }) => {
    const name = shortened(lines.find((line) => line.productId === productId)?.name ?? productId);
    return available > 0 ? `only ${available} of "${name}" left` : `"${name}" is sold out`;
  }));
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}
