import type { MedusaServer } from "../tests/real/medusa/medusa_server.ts";

/** Products of one call: Medusa makes about thirty a second, whatever their number. */
const PRODUCTS = 100;
const LEVELS = 500;

/** Fills a Medusa with products of one variant each, five of every one in stock. */
export async function fillShop(medusa: MedusaServer, count: number): Promise<void> {
  const { shop } = medusa;
  for (let made = 0; made < count; made += PRODUCTS) {
    await medusa.call("POST", "/admin/products/batch?fields=id", {
      create: Array.from({ length: Math.min(PRODUCTS, count - made) }, (_, i) => productOf(made + i, shop)),
    });
  }
  const items = await medusa.sql<{ id: string }>(
    "select id from inventory_item where sku like 'GOODS-%' order by id",
  );
  for (let from = 0; from < items.length; from += LEVELS) {
    await medusa.call("POST", "/admin/inventory-items/location-levels/batch", {
      create: items.slice(from, from + LEVELS).map(({ id }) => ({
        inventory_item_id: id,
        location_id: shop.location,
        stocked_quantity: 5,
      })),
    });
  }
  // A shop's PostgreSQL does so by itself (autovacuum); the tests' doesn't, and would go on planning for an empty shop.
  await medusa.sql("analyze");
}

function productOf(n: number, { channel, shippingProfile }: MedusaServer["shop"]) {
  return {
    title: `Goods ${n}`,
    handle: `goods-${n}`,
    description: `Number ${n} of many. `.repeat(10),
    status: "published",
    shipping_profile_id: shippingProfile,
    sales_channels: [{ id: channel }],
    images: [1, 2].map((i) => ({ url: `https://shop.example/goods-${n}-${i}.jpg` })),
    options: [{ title: "Size", values: ["One"] }],
    variants: [{
      title: "One",
      sku: `GOODS-${n}`,
      options: { Size: "One" },
      manage_inventory: true,
      prices: ["eur", "usd"].map((currency_code) => ({ currency_code, amount: 10 + n % 90 })),
    }],
  };
}
