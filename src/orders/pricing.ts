import { ceilToSat, type Msat, satToMsat } from "../money/msat.ts";
import { isBitcoinUnit, normaliseCurrency } from "../money/currency.ts";
import { compareDecimal, parseDecimal } from "../money/decimal.ts";
import { addExact, type Exact, EXACT_ZERO, timesExact } from "../money/exact.ts";
import { type Rate, toMsat } from "../money/rates.ts";
import { findGoods, type OrderedProduct } from "./goods.ts";
import { summarise } from "./quote_summary.ts";
import type { CatalogueSlice, FrozenRate, OrderRequest, PricedStall, Quote, QuotedLine } from "./types.ts";
import { chooseZone, type Zone } from "./zones.ts";

/** What a quote is made of. All money the customer names stays out of it. */
export interface QuoteInput {
  request: OrderRequest;
  catalogue: CatalogueSlice;
  /** The price of a bitcoin; null when there is none fresh enough. Asked only for currencies that need one. */
  rateFor(currency: string): Rate | null;
  limits?: Partial<QuoteLimits>;
}

/** Orders outside of these are refused. */
export interface QuoteLimits {
  /** At least 1 sat: less can't be invoiced. */
  minTotalMsat: Msat;
  maxTotalMsat: Msat;
}

/** Why nothing is quoted, for programs. */
export type QuoteRefusal =
  | "no_items"
  | "too_many_lines"
  | "quantity"
  | "unknown_product"
  | "not_for_sale"
  | "choose_variation"
  | "wrong_stall"
  | "mixed_stalls"
  | "no_zones"
  | "zone_missing"
  | "zone_unknown"
  | "bad_price"
  | "no_rate"
  | "too_small"
  | "too_large";

/** What an order asks for that only lacks an exchange rate: no total, and the lines as they would be quoted. */
export interface Unpriced {
  currency: string;
  lines: QuotedLine[];
}

/** A quote, or why there is none: `reason` is a sentence for the customer. `unpriced` belongs to `no_rate`. */
export type QuoteResult =
  | { ok: true; quote: Quote }
  | { ok: false; code: QuoteRefusal; reason: string; unpriced?: Unpriced };

/** 1 sat to 1 BTC. */
export const defaultLimits: QuoteLimits = { minTotalMsat: 1000n, maxTotalMsat: 100_000_000_000n };

/** An amount in a currency, as the catalogue has it, and how often it counts. */
interface Part {
  amount: string;
  currency: string;
  times: bigint;
}

/**
 * Prices an order. NIP-15: Σ price × quantity + the zone's base cost + Σ the product's extra cost for the zone ×
 * quantity. Exact up to one rounding, up to whole sats. Digital goods cost no shipping. Whether the goods are there is
 * not decided here but by `stock.hold`.
 */
export function quote({ request, catalogue, rateFor, limits }: QuoteInput): QuoteResult {
  const goods = findGoods(request, catalogue);
  if (!goods.ok) return goods;
  const { products, stall } = goods;
  const shipping = chooseZone(request.shippingId, products, goods.stalls);
  if (!shipping.ok) return shipping;

  const parts = partsOf(products, stall, shipping.charged);
  const lines = linesOf(products);
  const rates = ratesFor(parts, rateFor);
  if (!rates.ok) {
    const { currency, ...refusal } = rates;
    return { ...refusal, unpriced: { currency, lines } };
  }
  const total = sum(parts, rates.byCurrency);
  if (!total.ok) return total;
  const totalMsat = satToMsat(ceilToSat(total.exact));
  const outside = checkTotal(totalMsat, limits);
  if (outside) return outside;

  const frozen = [...rates.byCurrency.values()].map(freeze).sort((a, b) => a.currency < b.currency ? -1 : 1);
  const digital = products.every(({ product }) => product.digital);
  return {
    ok: true,
    quote: {
      stallId: stall.id,
      shippingId: shipping.zone?.id ?? null,
      lines,
      totalMsat,
      rate: frozen.find((rate) => rate.currency === normaliseCurrency(stall.currency)) ?? frozen[0] ?? null,
      rates: frozen,
      digital,
      addressMissing: !digital && (request.address ?? "").trim() === "",
      summary: summarise({ products, stall, zone: shipping.charged, totalMsat, rates: frozen }),
      priceNote: null,
    },
  };
}

function linesOf(products: OrderedProduct[]): QuotedLine[] {
  return products.map(({ product, quantity }) => ({
    productId: product.id,
    name: product.name,
    quantity,
    price: product.price,
    currency: product.currency,
    digital: product.digital,
  }));
}

function partsOf(products: OrderedProduct[], stall: PricedStall, zone: Zone | null): Part[] {
  const parts: Part[] = zone === null ? [] : [{ amount: zone.cost, currency: stall.currency, times: 1n }];
  for (const { product, quantity } of products) {
    const times = BigInt(quantity);
    parts.push({ amount: product.price, currency: product.currency, times });
    if (zone === null || product.digital) continue;
    const extra = product.shipping.find(({ id }) => id === zone.id);
    if (extra) parts.push({ amount: extra.cost, currency: stall.currency, times });
  }
  return parts;
}

function ratesFor(
  parts: Part[],
  rateFor: QuoteInput["rateFor"],
):
  | { ok: true; byCurrency: Map<string, Rate> }
  | { ok: false; code: "no_rate"; currency: string; reason: string } {
  const byCurrency = new Map<string, Rate>();
  for (const currency of new Set(parts.map((part) => normaliseCurrency(part.currency)))) {
    if (isBitcoinUnit(currency)) continue;
    const rate = rateFor(currency);
    const price = rate === null ? null : parseDecimal(rate.perBtc);
    if (rate === null || price === null || price.units <= 0n) {
      return {
        ok: false,
        code: "no_rate",
        currency,
        reason: `We have no exchange rate for ${currency} right now. Please try again in a few minutes.`,
      };
    }
    byCurrency.set(currency, { ...rate, currency });
  }
  return { ok: true, byCurrency };
}

function sum(
  parts: Part[],
  rates: Map<string, Rate>,
): { ok: true; exact: Exact } | { ok: false; code: "bad_price"; reason: string } {
  let exact = EXACT_ZERO;
  for (const { amount, currency, times } of parts) {
    const decimal = parseDecimal(amount);
    if (decimal === null || compareDecimal(decimal, { units: 0n, scale: 0 }) < 0) {
      return {
        ok: false,
        code: "bad_price",
        reason: `A price in this order is not set right ("${amount}").`,
      };
    }
    const msat = toMsat(amount, currency, rates.get(normaliseCurrency(currency)) ?? null);
    exact = addExact(exact, timesExact(msat, times));
  }
  return { ok: true, exact };
}

/** Why a total is outside of what is taken; null when it isn't. */
export function checkTotal(
  totalMsat: Msat,
  narrower: Partial<QuoteLimits> = {},
): { ok: false; code: "too_small" | "too_large"; reason: string } | null {
  const limits = { ...defaultLimits, ...narrower };
  const sat = (msat: Msat) => `${msat / 1000n} sat`;
  if (totalMsat < limits.minTotalMsat || totalMsat < defaultLimits.minTotalMsat) {
    const least = limits.minTotalMsat > defaultLimits.minTotalMsat
      ? limits.minTotalMsat
      : defaultLimits.minTotalMsat;
    return {
      ok: false,
      code: "too_small",
      reason: `The total is ${sat(totalMsat)}; the least we can take is ${sat(least)}.`,
    };
  }
  if (totalMsat > limits.maxTotalMsat) {
    return {
      ok: false,
      code: "too_large",
      reason: `The total is ${sat(totalMsat)}; the most we take in one order is ${sat(limits.maxTotalMsat)}.`,
    };
  }
  return null;
}

/** A rate as it is kept with what was priced by it. */
export function freeze(rate: Rate): FrozenRate {
  return {
    currency: rate.currency,
    per_btc: rate.perBtc,
    sources: [...rate.sources],
    at: new Date(rate.at).toISOString(),
  };
}
