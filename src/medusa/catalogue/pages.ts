import type { Ask } from "./ask.ts";
import type { PriceOf } from "./mapping.ts";
import { toCurrency } from "./rounding.ts";
import { type CalculatedPrice, pricePage, storePage, type StoreProduct } from "./shapes.ts";
import type { Surroundings } from "./surroundings.ts";
import type { TaxGroup } from "./tax_groups.ts";

/** How a channel's products are read; `channel` is its id. */
export type View = Pick<Surroundings, "storeKey" | "currency" | "groups"> & { channel: string };

/** Products that customers may see, with what they cost in each tax group. */
export interface ProductPage {
  products: StoreProduct[];
  priceOf: PriceOf;
  /** When (ms) the first question was asked. */
  readAt: number;
}

/** Products of one answer: more save Medusa no time, and hold up who asks for an order. */
export const PAGE_PRODUCTS = 100;

const FIELDS = "+variants.inventory_quantity,+variants.calculated_price,*categories";
const PRICE_FIELDS = "id,variants.id,variants.calculated_price";

/** A tax group's name: its region and its first country. */
export function groupName({ region, countries }: Pick<TaxGroup, "region" | "countries">): string {
  return `${region} ${countries[0]}`;
}

/** A page of products: those from `offset` on, by their ids, or those that are named. */
export async function readPage(
  ask: Ask,
  view: View,
  which: { offset: number } | { ids: readonly string[] },
  now: () => number,
  signal?: AbortSignal,
): Promise<ProductPage> {
  const readAt = now();
  const [first, ...others] = view.groups;
  if (first === undefined) throw new Error("there is no region to read prices for");
  const page = await ask({
    ...common(view, signal),
    query: {
      ...at(view, first),
      fields: FIELDS,
      ..."ids" in which ? { "id[]": which.ids } : { offset: which.offset, order: "id" },
      limit: PAGE_PRODUCTS,
    },
    schema: storePage,
  });
  const prices = new Map([[first, pricesOf(page.products, view.currency)]]);
  const ids = page.products.map(({ id }) => id);
  for (const group of ids.length > 0 ? others : []) {
    const [, sibling] = [...prices].find(([{ region }]) => region === group.region) ?? [];
    // A price that holds its tax is the same wherever in the region it goes.
    prices.set(group, sibling?.holdTax ? sibling : await pricesFor(group));
  }
  const byName = new Map([...prices].map(([group, { byVariant }]) => [groupName(group), byVariant]));
  const priceOf: PriceOf = (variant, group) => byName.get(group)?.get(variant) ?? null;
  return { products: page.products, priceOf, readAt };

  async function pricesFor(group: TaxGroup): Promise<Prices> {
    const answer = await ask({
      ...common(view, signal),
      query: { ...at(view, group), fields: PRICE_FIELDS, "id[]": ids, limit: PAGE_PRODUCTS },
      schema: pricePage,
    });
    return pricesOf(answer.products, view.currency);
  }
}

function common({ storeKey }: View, signal: AbortSignal | undefined) {
  return { method: "GET" as const, path: "/store/products", storeKey, signal };
}

function at({ channel }: View, { region, countries }: TaxGroup) {
  return { region_id: region, country_code: countries[0]!, "sales_channel_id[]": [channel] };
}

/** What variants cost in a tax group. */
interface Prices {
  byVariant: Map<string, string>;
  /** Whether all of them hold their tax. */
  holdTax: boolean;
}

function pricesOf(
  products: readonly { variants: { id: string; calculated_price?: CalculatedPrice | null | undefined }[] }[],
  currency: string,
): Prices {
  const prices: Prices = { byVariant: new Map(), holdTax: true };
  for (const { id, calculated_price: price } of products.flatMap(({ variants }) => variants)) {
    // Where no tax is added there is no amount with tax.
    const amount = price?.calculated_amount_with_tax ?? price?.calculated_amount ?? null;
    if (amount === null) continue;
    prices.byVariant.set(id, toCurrency(amount, currency));
    prices.holdTax &&= price?.is_calculated_price_tax_inclusive === true;
  }
  return prices;
}
