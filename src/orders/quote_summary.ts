import { addDecimal, type Decimal, formatDecimal, parseDecimal, timesDecimal } from "../money/decimal.ts";
import { isBitcoinUnit, normaliseCurrency } from "../money/currency.ts";
import { formatSat, type Msat } from "../money/msat.ts";
import type { OrderedProduct } from "./goods.ts";
import { shortened } from "./naming.ts";
import type { FrozenRate, PricedStall } from "./types.ts";
import type { Zone } from "./zones.ts";

const SHOWN_LINES = 5;

/**
 * The breakdown of a quote for people: `2 × Mug 24 EUR + shipping to Europe 5 EUR = 32,223 sat (1 BTC = 90000 EUR).`
 * Clients show other totals when they count shipping differently, so the sentence says what was counted.
 */
export function summarise(quote: {
  products: OrderedProduct[];
  stall: PricedStall;
  zone: Zone | null;
  totalMsat: Msat;
  rates: FrozenRate[];
}): string {
  const { products, stall, zone } = quote;
  const terms = products.slice(0, SHOWN_LINES).map(({ product, quantity }) =>
    `${quantity} × ${shortened(product.name)} ${times(product.price, quantity, product.currency)}`
  );
  if (products.length > SHOWN_LINES) terms.push(`${products.length - SHOWN_LINES} more products`);
  if (zone !== null) terms.push(shippingTerm(products, stall, zone));
  const rates = quote.rates.map(({ per_btc, currency }) => `1 BTC = ${per_btc} ${currency}`);
  return `${terms.join(" + ")} = ${formatSat(quote.totalMsat)}${
    rates.length > 0 ? ` (${rates.join(", ")})` : ""
  }.`;
}

function shippingTerm(products: OrderedProduct[], stall: PricedStall, zone: Zone): string {
  let cost: Decimal = parseDecimal(zone.cost)!;
  for (const { product, quantity } of products) {
    const extra = product.digital ? undefined : product.shipping.find(({ id }) => id === zone.id);
    if (extra) cost = addDecimal(cost, timesDecimal(parseDecimal(extra.cost)!, BigInt(quantity)));
  }
  const name = zone.name === "" ? zone.id : zone.name;
  return `shipping (${shortened(name)}) ${cost.units === 0n ? "free" : money(cost, stall.currency)}`;
}

function times(price: string, quantity: number, currency: string): string {
  return money(timesDecimal(parseDecimal(price)!, BigInt(quantity)), currency);
}

/** Bitcoin's units read as sat are shown as the total is; everything else as a plain decimal and its currency. */
function money(amount: Decimal, currency: string): string {
  const name = normaliseCurrency(currency);
  return isBitcoinUnit(name) && name === "sat" && amount.scale === 0
    ? formatSat(amount.units * 1000n)
    : `${formatDecimal(amount)} ${name}`;
}
