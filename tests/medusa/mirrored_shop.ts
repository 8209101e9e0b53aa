import { mirrorJobs } from "../../src/medusa/orders/mirror_jobs.ts";
import { TheirOrders } from "../../src/medusa/orders/their_orders.ts";
import { orderSweep } from "../../src/medusa/orders/orders_sweep.ts";
import type { OrderJson } from "../support/customer.ts";
import { Shop, type ShopOptions } from "../support/shop.ts";
import { ModelMedusa } from "./model_medusa.ts";

export const STALL = "sc_1-EUR";
const ZONE = "so_1";
const UNITS = 5;
const PRICE = 10.5;
const SHIPPING = 4.9;

/** An order of one shirt, to Germany. */
export const shirt: OrderJson = {
  items: [{ product_id: "variant_1", quantity: 1 }],
  shipping_id: ZONE,
  address: "Alice\nExample Street 1\n10115 Berlin",
};

/** How a shop with a Medusa is. */
export interface Mirrored {
  authority?: "medusa" | "local";
  whenDown?: "wait" | "refuse";
}

/** A shop whose stall is Medusa's: five shirts at 10.50 €, sent to Germany for 4.90 €. */
export async function mirroredShop(
  how: Mirrored = {},
  options: ShopOptions = {},
  medusa = new ModelMedusa({ variant_1: { units: UNITS, price: PRICE } }),
): Promise<{ shop: Shop; medusa: ModelMedusa }> {
  const { authority = "medusa", whenDown = "wait" } = how;
  const theirs = new TheirOrders(medusa.client);
  const shop = await Shop.process({
    ...options,
    terms: {
      mirrorOf: (stall) => stall !== STALL ? null : authority === "medusa" ? "confirm" : "follow",
      ...options.terms,
    },
    handlers: (base) => ({
      ...mirrorJobs({ ...base, theirs, authority, whenDown }),
      ...orderSweep({ ...base, theirs }),
    }),
  });
  return { shop, medusa };
}

/** Its catalogue, as a sweep has made it. */
export async function stocked(shop: Shop): Promise<void> {
  const { shelf, database, merchant, clock } = shop;
  const regions = ["Germany"];
  await shelf.stall({
    id: STALL,
    name: "Shirts",
    currency: "EUR",
    shipping: [{ id: ZONE, name: "Standard", cost: SHIPPING, regions }],
  });
  await shelf.product({ id: "variant_1", stall_id: STALL, name: "Shirt", price: PRICE, quantity: UNITS });
  const at = { updated_at: clock.now(), sweep: 1 };
  await database.transaction(async (tx) => {
    await tx.insertInto("medusa_bridges").values({
      merchant,
      stall_id: STALL,
      view: JSON.stringify({ channel: "sc_1" }),
      ...at,
    })
      .execute();
    await tx.insertInto("medusa_products").values({
      merchant,
      product_id: "variant_1",
      medusa_product: "prod_1",
      medusa_variant: "variant_1",
      title: "Shirt",
      seen_hash: "",
      read_at: clock.now(),
      created_at: clock.now(),
      ...at,
    }).execute();
    await tx.insertInto("medusa_zones").values({
      merchant,
      zone_id: ZONE,
      stall_id: STALL,
      region: "reg_1",
      shipping_option: ZONE,
      name: "Standard",
      countries: JSON.stringify(["de"]),
      places: JSON.stringify(["Germany"]),
      amount: String(SHIPPING),
      cost: String(SHIPPING),
      ...at,
    }).execute();
  });
}
