import { type Ask, askAll } from "./ask.ts";
import type { PriceOf } from "./mapping.ts";
import { toCurrency } from "./rounding.ts";
import { type CalculatedPrice, listedProduct, pricePage, storePage, type StoreProduct } from "./shapes.ts";
import type { Surroundings } from "./surroundings.ts";
import type { TaxGroup } from "./tax_groups.ts";

/** How a channel's products are read; `channel` is its id. One that was stored before it said `only` doesn't say it. */
export type View = Pick<Surroundings, "storeKey" | "currency" | "groups"> & {
  channel: string;
  only?: boolean;
};

/** Products that customers may see, with what they cost in each tax group. */
export interface ProductPage {
  products: StoreProduct[];
  priceOf: PriceOf;
  /** When (ms) the first question was asked. */
  readAt: number;
}

/** Products of one question at most: half as many cost Medusa half as much again, and an address has only so much room. */
export const PAGE_PRODUCTS = 200;
/** Of the first one, when nobody knows how many variants they have. */
export const FIRST_PRODUCTS = 50;
/** About so many keep an answer within a few megabytes. */
const PAGE_VARIANTS = 2_000;
/** Ids alone are cheap. */
const PAGE_IDS = 1_000;
const PUBLISHED = "published";

// Named one by one: what Medusa adds by itself doubles its work. What isn't on its list it leaves out without a word.
const FIELDS = [
  "id,title,description,is_giftcard,thumbnail,images.url,images.rank,tags.value,*categories,options.id,options.title",
  ...["id", "title", "manage_inventory", "allow_backorder", "inventory_quantity", "calculated_price"].map((
    field,
  ) => `variants.${field}`),
  "*variants.options",
].join(",");
const PRICE_FIELDS = "id,variants.id,variants.calculated_price";

/**
 * The ids of the published products of a channel, by which they are read: for every page by number Medusa's store would look
 * through the whole channel first, which with 10,000 products costs it a second each time.
 */
export async function readIds(ask: Ask, channel: string, signal?: AbortSignal): Promise<string[]> {
  const all = await askAll(ask, {
    path: "/admin/products",
    list: "products",
    item: listedProduct,
    query: { fields: "id,status,sales_channels.id", order: "id" },
    page: PAGE_IDS,
    signal,
  });
  const shown = all.filter(({ status, sales_channels }) =>
    status === PUBLISHED && sales_channels.some(({ id }) => id === channel)
  );
  // While they are listed one may come, and move another to the next page.
  return [...new Set(shown.map(({ id }) => id))];
}

/** How many products to ask for after these. */
export function nextSize({ products }: ProductPage): number {
  if (products.length === 0) return FIRST_PRODUCTS;
  const variants = products.reduce((sum, product) => sum + product.variants.length, 0);
  const size = Math.floor(PAGE_VARIANTS * products.length / Math.max(1, variants));
  return Math.max(1, Math.min(PAGE_PRODUCTS, size));
}

/** A tax group's name: its region and its first country. */
export function groupName({ region, countries }: Pick<TaxGroup, "region" | "countries">): string {
  return `${region} ${countries[0]}`;
}

/** The named products, at most `PAGE_PRODUCTS`, that customers may see. */
export async function readPage(
  ask: Ask,
  view: View,
  ids: readonly string[],
  now: () => number,
  signal?: AbortSignal,
): Promise<ProductPage> {
  const readAt = now();
  const [first, ...others] = view.groups;
  if (first === undefined) throw new Error("there is no region to read prices for");
  const common = { method: "GET" as const, path: "/store/products", storeKey: view.storeKey, signal };
  const { products } = await ask({
    ...common,
    query: { ...at(view, first), "id[]": ids, fields: FIELDS, limit: PAGE_PRODUCTS },
    schema: storePage,
  });
  const prices = new Map([[first, pricesOf(products, view.currency)]]);
  for (const group of products.length > 0 ? others : []) {
    const [, sibling] = [...prices].find(([{ region }]) => region === group.region) ?? [];
    // A price that holds its tax is the same wherever in the region it goes.
    prices.set(group, sibling?.holdTax ? sibling : await pricesFor(group));
  }
  const byName = new Map([...prices].map(([group, { byVariant }]) => [groupName(group), byVariant]));
  const priceOf: PriceOf = (variant, group) => byName.get(group)?.get(variant) ?? null;
  return { products, priceOf, readAt };

  async function pricesFor(group: TaxGroup): Promise<Prices> {
    const answer = await ask({
      ...common,
      query: { ...at(view, group), "id[]": ids, fields: PRICE_FIELDS, limit: PAGE_PRODUCTS },
      schema: pricePage,
    });
    return pricesOf(answer.products, view.currency);
  }
}

/** A channel that the key shows alone needn't be named: it costs Medusa a quarter more. */
function at({ channel, only }: View, { region, countries }: TaxGroup) {
  const country = { region_id: region, country_code: countries[0]! };
  return only ? country : { ...country, "sales_channel_id[]": [channel] };
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
