import { loadForOrder } from "../catalog/catalogue.ts";
import type { Tx } from "../db/database.ts";
import type { Rate } from "../money/rates.ts";
import type { Line, Shortage } from "../stock/stock.ts";
import { list, shortened } from "./naming.ts";
import { quote, type QuoteResult } from "./pricing.ts";
import type { CatalogueSlice, OrderRequest, QuotedLine } from "./types.ts";

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

/** Prices a request by the catalogue and the rates of now. */
export async function price(
  tx: Tx,
  merchant: string,
  request: OrderRequest,
  terms: Terms,
): Promise<{ priced: QuoteResult; catalogue: CatalogueSlice }> {
  const catalogue = await loadForOrder(tx, merchant, request.items.map((item) => item.productId));
  return { priced: quote({ request, catalogue, rateFor: (currency) => terms.rate(currency) }), catalogue };
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
