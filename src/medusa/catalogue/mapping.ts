import { type ProductInput, productInput } from "../../catalog/product_input.ts";
import { compareDecimal, type Decimal, formatDecimal, parseDecimal } from "../../money/decimal.ts";
import type { StoreProduct, Variant } from "./shapes.ts";
import { clean, cut, singleLine } from "./wording.ts";

/** What products are mapped for. */
export interface MappingContext {
  stallId: string;
  /** The stall's zones, at least one, and the tax group that each one's countries are in. */
  zones: readonly { id: string; group: string }[];
}

/** What a variant costs, with taxes, in the stall's currency, where a tax group lives; null: it has no price there. */
export type PriceOf = (variantId: string, group: string) => string | null;

/** A product of ours as Medusa has it. */
export interface Wanted {
  /** Ours. */
  id: string;
  medusaProduct: string;
  /** Null for a variable product. */
  medusaVariant: string | null;
  /** For people. */
  title: string;
  /** Null when it can't be sold on Nostr. */
  input: WantedInput | null;
  /** Why it can't, a sentence. */
  trouble: string | null;
  /** What the sales channel could sell now; null = unlimited. A variable product has none. */
  available: number | null;
}

/** A product's fields but its stock, whole. */
export type WantedInput =
  & Required<
    Pick<
      ProductInput,
      "id" | "stall_id" | "name" | "type" | "description" | "images" | "specs" | "shipping" | "categories"
    >
  >
  & { parent_id: string | null; price: string };

/** Troubles that the merchant is told how many products have. */
export const NO_PRICE = "it has no price in the stall's currency";
export const NO_STOCK_LEVEL = "its stock is managed, but no stock location has a level of it";

/** Medusa calls the only option and variant of a simple product so. */
const NO_OPTION = /^default( option| variant)?( value)?$/i;

/** What products of ours a product of Medusa's becomes: a simple one, or a variable one and its variations after it. */
export function mapProduct(product: StoreProduct, priceOf: PriceOf, context: MappingContext): Wanted[] {
  const title = cut(singleLine(product.title) || product.id, 200);
  const whole = { medusaProduct: product.id, title };
  if (product.is_giftcard) return [unsellable(whole, product.id, null, "it is a gift card")];
  const { variants } = product;
  const [only] = variants;
  if (only === undefined) return [unsellable(whole, product.id, null, "it has no variants")];
  const common = { ...contentOf(product, title), stall_id: context.stallId };
  if (variants.length === 1) {
    return [
      ofVariant(product, whole, only, priceOf, context, { ...common, type: "simple", parent_id: null }),
    ];
  }
  const variations = variants.map((variant) => {
    const name = cut(`${title} – ${variantName(variant)}`, 200);
    const own = { ...common, name, type: "variation" as const, parent_id: product.id };
    return ofVariant(product, { ...whole, title: name }, variant, priceOf, context, own);
  });
  return [ofVariable(whole, product.id, variations, { ...common, type: "variable" }), ...variations];
}

type Whole = Pick<Wanted, "medusaProduct" | "title">;
type Content = Omit<WantedInput, "id" | "price" | "shipping" | "specs" | "parent_id">;

function ofVariant(
  product: StoreProduct,
  whole: Whole,
  variant: Variant,
  priceOf: PriceOf,
  { zones }: MappingContext,
  content: Content & { parent_id: string | null },
): Wanted {
  const prices = new Map<string, Decimal>();
  for (const { group } of zones) {
    const price = priceOf(variant.id, group);
    const read = price === null ? null : parseDecimal(price);
    if (read === null) {
      return unsellable(whole, variant.id, variant.id, NO_PRICE);
    }
    prices.set(group, read);
  }
  if (variant.manage_inventory && !variant.allow_backorder && (variant.inventory_quantity ?? null) === null) {
    return unsellable(whole, variant.id, variant.id, NO_STOCK_LEVEL);
  }
  const least = [...prices.values()].reduce((a, b) => compareDecimal(b, a) < 0 ? b : a);
  const shipping = zones.map(({ id, group }) => ({ id, cost: difference(prices.get(group)!, least) }))
    .filter(({ cost }) => cost !== "0");
  const specs = optionsOf(product, variant);
  const input = { ...content, id: variant.id, price: formatDecimal(least), shipping, specs };
  return checked({
    ...whole,
    id: variant.id,
    medusaVariant: variant.id,
    input,
    trouble: null,
    available: availableOf(variant),
  });
}

/** A variable product shows what its cheapest variation costs. */
function ofVariable(whole: Whole, id: string, variations: Wanted[], content: Content): Wanted {
  const sold = variations.flatMap(({ input }) => input === null ? [] : [input]);
  const prices = sold.map(({ price }) => parseDecimal(price)!);
  if (prices.length === 0) {
    return unsellable(whole, id, null, `none of its variants can be sold: ${variations[0]!.trouble}`);
  }
  const least = prices.reduce((a, b) => compareDecimal(b, a) < 0 ? b : a);
  const input = { ...content, id, parent_id: null, price: formatDecimal(least), shipping: [], specs: [] };
  return checked({ ...whole, id, medusaVariant: null, input, trouble: null, available: null });
}

/** What Medusa lists in no order of its own is sorted: the same product is the same another time. */
function contentOf(product: StoreProduct, name: string): Omit<Content, "type" | "stall_id"> {
  const pictures = product.images.toSorted((a, b) =>
    (a.rank ?? 0) - (b.rank ?? 0) || (a.url < b.url ? -1 : 1)
  )
    .map(({ url }) => url);
  const shown = product.categories.filter((one) => one.is_active !== false && one.is_internal !== true);
  const words = [...product.tags.map(({ value }) => value).sort(), ...shown.map((one) => one.name).sort()];
  return {
    name,
    // As it stands: Medusa's admin and storefront take it for plain text, and what looks like HTML there may be meant so.
    description: cut(clean(product.description), 10_000),
    images: unique([product.thumbnail ?? "", ...pictures]).filter(isImage).slice(0, 20),
    categories: unique(words.map((word) => cut(singleLine(word), 100))).filter((word) => word !== "")
      .slice(0, 30),
  };
}

/** What a variant is by each of its product's options, by their names. */
function optionsOf({ options }: StoreProduct, variant: Variant): [string, string][] {
  return variant.options.map(({ option_id, value }): [string, string] => {
    const title = options.find(({ id }) => id === option_id)?.title ?? "";
    return [cut(singleLine(title), 200), cut(clean(value), 1000)];
  }).filter(([title, value]) =>
    title !== "" && value !== "" && !(NO_OPTION.test(title) && NO_OPTION.test(value))
  ).sort(([a], [b]) => a < b ? -1 : 1).slice(0, 100);
}

function variantName({ title, options, id }: Variant): string {
  return singleLine(title) || singleLine(options.map(({ value }) => value).join(" / ")) || id;
}

function availableOf({ manage_inventory, allow_backorder, inventory_quantity }: Variant): number | null {
  if (!manage_inventory || allow_backorder) return null;
  return Math.max(0, Math.floor(inventory_quantity ?? 0));
}

/** What our own rules refuse is told like any other trouble. */
function checked(wanted: Wanted): Wanted {
  const [issue] = productInput.safeParse(wanted.input).error?.issues ?? [];
  if (issue === undefined) return wanted;
  return { ...wanted, input: null, trouble: `its ${issue.path.join(".")} ${issue.message}` };
}

function unsellable(whole: Whole, id: string, medusaVariant: string | null, trouble: string): Wanted {
  return { ...whole, id, medusaVariant, input: null, trouble, available: null };
}

function isImage(url: string): boolean {
  return productInput.shape.images.safeParse([url]).success;
}

function difference(a: Decimal, b: Decimal): string {
  const scale = Math.max(a.scale, b.scale);
  const units = ({ units, scale: own }: Decimal) => units * 10n ** BigInt(scale - own);
  return formatDecimal({ units: units(a) - units(b), scale });
}

function unique(texts: string[]): string[] {
  return [...new Set(texts)];
}
