import { z } from "zod";
import { type Decimal, decimalOf } from "../../money/decimal.ts";

/** What we read of Medusa's answers. Other fields may be there, and are dropped; what is used must be as it is expected. */

/** An amount in a currency's major unit. */
const amount = z.union([z.number(), z.string()]).transform((value, context): Decimal => {
  const read = decimalOf(value);
  if (read !== null) return read;
  context.addIssue({ code: "custom", message: "expected an amount" });
  return z.NEVER;
});

/** A list that Medusa may leave out or give as null. */
function listOf<T extends z.ZodType>(item: T) {
  return z.array(item).nullish().transform((list) => list ?? []);
}

const text = z.string().nullish().transform((value) => value ?? "");

export const store = z.object({
  id: z.string(),
  name: text,
  default_sales_channel_id: z.string().nullish(),
  supported_currencies: listOf(z.object({ currency_code: z.string(), is_default: z.boolean().nullish() })),
});

const channel = z.object({ id: z.string(), name: z.string() });

export const apiKey = z.object({
  id: z.string(),
  title: text,
  token: z.string(),
  revoked_at: z.string().nullish(),
  sales_channels: listOf(channel),
});

export const salesChannel = channel.extend({
  is_disabled: z.boolean().nullish(),
  stock_locations: listOf(z.object({ id: z.string() })),
});

export const region = z.object({
  id: z.string(),
  name: z.string(),
  currency_code: z.string(),
  automatic_taxes: z.boolean(),
  countries: listOf(z.object({ iso_2: z.string(), display_name: text })),
});

export const shippingOption = z.object({
  id: z.string(),
  name: z.string(),
  price_type: z.string(),
  shipping_profile_id: z.string().nullish(),
  rules: listOf(z.object({ attribute: z.string(), operator: z.string(), value: z.unknown() })),
  prices: listOf(z.object({ amount, currency_code: z.string().nullish(), price_rules: listOf(z.unknown()) })),
  service_zone: z.object({
    geo_zones: listOf(z.object({ type: z.string(), country_code: z.string() })),
    fulfillment_set: z.object({ location: z.object({ id: z.string() }).nullish() }).nullish(),
  }).nullish(),
});

export const taxRegion = z.object({
  id: z.string(),
  country_code: z.string(),
  province_code: z.string().nullish(),
  parent_id: z.string().nullish(),
  provider_id: z.string().nullish(),
  tax_rates: listOf(z.object({
    rate: z.number().nullish(),
    is_default: z.boolean().nullish(),
    is_combinable: z.boolean().nullish(),
    rules: listOf(z.object({ reference: z.string(), reference_id: z.string() })),
  })),
});

export const pricePreference = z.object({
  attribute: z.string(),
  value: z.string().nullish(),
  is_tax_inclusive: z.boolean(),
});

/** What a variant costs in a region, for one piece, with price lists; with the country's tax where the region adds it. */
export const calculatedPrice = z.object({
  calculated_amount: amount.nullish(),
  calculated_amount_with_tax: amount.nullish(),
  is_calculated_price_tax_inclusive: z.boolean().nullish(),
});

const variant = z.object({
  id: z.string(),
  title: text,
  manage_inventory: z.boolean(),
  allow_backorder: z.boolean(),
  /** Null where nothing is counted, or nothing is there that could be. */
  inventory_quantity: z.number().nullish(),
  options: listOf(z.object({ value: text, option_id: z.string().nullish() })),
  calculated_price: calculatedPrice.nullish(),
});

export const storeProduct = z.object({
  id: z.string(),
  title: z.string(),
  description: text,
  is_giftcard: z.boolean().nullish(),
  thumbnail: z.string().nullish(),
  images: listOf(z.object({ url: z.string(), rank: z.number().nullish() })),
  tags: listOf(z.object({ value: z.string() })),
  categories: listOf(z.object({
    name: z.string(),
    is_active: z.boolean().nullish(),
    is_internal: z.boolean().nullish(),
  })),
  options: listOf(z.object({ id: z.string(), title: text })),
  variants: listOf(variant),
});

export const storePage = z.object({ products: z.array(storeProduct) });

/** Whether customers may see a product, and where. */
export const listedProduct = z.object({
  id: z.string(),
  status: text,
  sales_channels: listOf(z.object({ id: z.string() })),
});

/** The same products for another country: prices alone. */
export const pricePage = z.object({
  products: z.array(z.object({
    id: z.string(),
    variants: listOf(z.object({ id: z.string(), calculated_price: calculatedPrice.nullish() })),
  })),
});

/** Where there is something of a variant, or was. */
export const variantLevels = z.object({
  variants: z.array(z.object({
    id: z.string(),
    inventory_items: listOf(z.object({
      inventory: z.object({ location_levels: listOf(z.object({ location_id: z.string() })) }).nullish(),
    })),
  })),
});

export const cart = z.object({ cart: z.object({ id: z.string() }) });

/** What may be chosen for a cart. */
export const cartOptions = z.object({
  shipping_options: z.array(z.object({ id: z.string(), amount: amount.nullish() })),
});

/** A cart with a way of shipping: before taxes, and with them. */
export const shippedCart = z.object({
  cart: z.object({ shipping_subtotal: amount, shipping_total: amount }),
});

export type Store = z.output<typeof store>;
export type ApiKey = z.output<typeof apiKey>;
export type Region = z.output<typeof region>;
export type ShippingOption = z.output<typeof shippingOption>;
export type TaxRegion = z.output<typeof taxRegion>;
export type PricePreference = z.output<typeof pricePreference>;
export type CalculatedPrice = z.output<typeof calculatedPrice>;
export type StoreProduct = z.output<typeof storeProduct>;
export type Variant = StoreProduct["variants"][number];
