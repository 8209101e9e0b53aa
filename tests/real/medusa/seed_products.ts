import type { MedusaApi } from "./medusa_api.ts";
import { type Create, creator, type Id, type MedusaShop } from "./seed.ts";

type Goods = Pick<MedusaShop, "products" | "variants" | "inventoryItems">;

interface Product extends Id {
  handle: string;
  variants: (Id & { sku: string })[];
}

/** What is on hand, by SKU. What isn't here has no stock level. */
const STOCK = {
  "MUG": 10,
  "SHIRT-S-BLACK": 5,
  "SHIRT-S-WHITE": 5,
  "SHIRT-M-BLACK": 3,
  "SHIRT-M-WHITE": 0,
  "POSTER": 0,
  "DOLLARS": 7,
  "BULB": 10,
  "SALE": 4,
  "DRAFT": 5,
  "ELSEWHERE": 5,
};

/**
 * A few products. Simple ones cost 5 EUR more in `west`, with tax, and 2 USD more than EUR. Each has something of its own: `mug` (simple), `shirt` (sizes × colours), `ebook` (unmanaged), `poster`
 * (may be sold beyond the stock), `dollars` (no price in EUR), `unstocked` (no stock level), `lamp` (two variants of one and two
 * pieces of the same inventory item, `BULB`), `sale` (20 EUR, 15 EUR by a price list), `draft`, `elsewhere` (not in the channel).
 */
export async function seedProducts(
  api: MedusaApi,
  o: { channel: string; location: string; shippingProfile: string; west: string },
): Promise<Goods> {
  const create = creator(api);
  const products = await createProducts(create, o);
  const variants = Object.fromEntries(
    products.flatMap((product) => product.variants.map(({ sku, id }) => [sku, id])),
  );
  await create("price-lists", "price_list", {
    title: "Autumn",
    description: "Autumn",
    type: "sale",
    status: "active",
    prices: [{ variant_id: variants.SALE, currency_code: "eur", amount: 15 }],
  });
  const { inventory_items } = await api.call<{ inventory_items: (Id & { sku: string })[] }>(
    "GET",
    "/admin/inventory-items?fields=id,sku&limit=100",
  );
  const inventoryItems = Object.fromEntries(inventory_items.map(({ sku, id }) => [sku, id]));
  await api.call("POST", "/admin/inventory-items/location-levels/batch", {
    create: Object.entries(STOCK).map(([sku, stocked_quantity]) => ({
      inventory_item_id: inventoryItems[sku],
      location_id: o.location,
      stocked_quantity,
    })),
  });
  return {
    products: Object.fromEntries(products.map(({ handle, id }) => [handle, id])),
    variants,
    inventoryItems,
  };
}

async function createProducts(
  create: Create,
  { channel, shippingProfile, west }: { channel: string; shippingProfile: string; west: string },
): Promise<Product[]> {
  const category = (await create("product-categories", "product_category", {
    name: "Kitchen",
    is_active: true,
    is_internal: false,
  })).id;
  const tags = [
    { id: (await create("product-tags", "product_tag", { value: "clay" })).id },
    { id: (await create("product-tags", "product_tag", { value: "handmade" })).id },
  ];
  const bulb =
    (await create("inventory-items", "inventory_item", { sku: "BULB", requires_shipping: true })).id;
  const product = async (handle: string, title: string, more: object) =>
    await create<Product>("products", "product", {
      handle,
      title,
      status: "published",
      shipping_profile_id: shippingProfile,
      sales_channels: [{ id: channel }],
      ...more,
    });
  const simple = async (
    handle: string,
    title: string,
    eur: number,
    variant: object = {},
    more: object = {},
  ) =>
    await product(handle, title, {
      options: [{ title: "Default", values: ["Default"] }],
      variants: [{
        title: "Default",
        sku: handle.toUpperCase(),
        options: { Default: "Default" },
        prices: [
          { currency_code: "eur", amount: eur },
          { currency_code: "eur", amount: eur + 5, rules: { region_id: west } },
          { currency_code: "usd", amount: eur + 2 },
        ],
        ...variant,
      }],
      ...more,
    });
  return [
    await simple("mug", "Mug", 10, { metadata: { glaze: "blue" } }, {
      description: "A mug.",
      thumbnail: "https://shop.example/mug-1.jpg",
      images: [{ url: "https://shop.example/mug-1.jpg" }, { url: "https://shop.example/mug-2.jpg" }],
      categories: [{ id: category }],
      tags,
      material: "clay",
      weight: 350,
      metadata: { maker: "Ada" },
    }),
    await product("shirt", "Shirt", {
      options: [{ title: "Size", values: ["S", "M"] }, { title: "Color", values: ["Black", "White"] }],
      variants: ["S", "M"].flatMap((size) =>
        ["Black", "White"].map((color) => ({
          title: `${size} / ${color}`,
          sku: `SHIRT-${size}-${color}`.toUpperCase(),
          options: { Size: size, Color: color },
          prices: [{ currency_code: "eur", amount: size === "S" ? 10.5 : 12 }, {
            currency_code: "usd",
            amount: 13,
          }],
        }))
      ),
    }),
    await simple("ebook", "E-book", 8, { manage_inventory: false }),
    await simple("poster", "Poster", 5, { allow_backorder: true }),
    await simple("dollars", "For the States", 0, { prices: [{ currency_code: "usd", amount: 9 }] }),
    await simple("unstocked", "Unstocked", 3),
    await product("lamp", "Lamp", {
      options: [{ title: "Bulbs", values: ["1", "2"] }],
      variants: [1, 2].map((bulbs) => ({
        title: `${bulbs}`,
        sku: `LAMP-${bulbs}`,
        options: { Bulbs: `${bulbs}` },
        inventory_items: [{ inventory_item_id: bulb, required_quantity: bulbs }],
        prices: [{ currency_code: "eur", amount: 30 * bulbs }],
      })),
    }),
    await simple("sale", "Remnant", 20),
    await simple("draft", "Not yet", 1, {}, { status: "draft" }),
    await simple("elsewhere", "Not here", 1, {}, { sales_channels: [] }),
  ];
}
