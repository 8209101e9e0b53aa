import type { MedusaApi } from "./medusa_api.ts";
import { seedProducts } from "./seed_products.ts";

/** What is in the tests' shop. Ids are Medusa's. */
export interface MedusaShop {
  publishableKey: string;
  /** Of a back-office user of its own; Medusa takes 50 ms to check it. */
  secretKey: string;
  /** The sales channel that the publishable key has. */
  channel: string;
  /** Where all of the stock is. */
  location: string;
  shippingProfile: string;
  regions: {
    /** Germany (19 %) and Austria (20 %), EUR, prices without tax. */
    central: string;
    /** France (20 %) and the Netherlands (21 %), EUR, prices with tax. */
    west: string;
    /** The United States, USD, no tax. */
    usa: string;
  };
  /** Of `central`: 4.20 and 9.90 EUR without tax; of `west`: 6 EUR with tax; of `usa`: 15 USD. */
  shippingOptions: { standard: string; express: string; west: string; usa: string };
  /** By handle. */
  products: Record<string, string>;
  /** By SKU. */
  variants: Record<string, string>;
  /** By SKU; what isn't managed has none. */
  inventoryItems: Record<string, string>;
}

/** Fills a Medusa that was just migrated. */
export async function seed(api: MedusaApi): Promise<MedusaShop> {
  const create = creator(api);
  const { stores } = await api.call<{ stores: Id[] }>("GET", "/admin/stores?fields=id");
  await api.call("POST", `/admin/stores/${stores[0]!.id}`, {
    supported_currencies: [{ currency_code: "eur", is_default: true }, { currency_code: "usd" }],
  });
  const channel = await create("sales-channels", "sales_channel", { name: "Nostr" });
  const publishable = await create<Key>("api-keys", "api_key", { title: "shop", type: "publishable" });
  const secret = await create<Key>("api-keys", "api_key", { title: "ncc", type: "secret" });
  await api.call("POST", `/admin/api-keys/${publishable.id}/sales-channels`, { add: [channel.id] });
  const location = await create("stock-locations", "stock_location", {
    name: "Warehouse",
    address: { address_1: "Hof 1", country_code: "de" },
  });
  const at = `stock-locations/${location.id}`;
  await api.call("POST", `/admin/${at}/sales-channels`, { add: [channel.id] });
  await api.call("POST", `/admin/${at}/fulfillment-providers`, { add: ["manual_manual"] });
  await seedTaxes(create);
  const regions = await seedRegions(create);
  const { shipping_profiles } = await api.call<{ shipping_profiles: Id[] }>(
    "GET",
    "/admin/shipping-profiles",
  );
  const shippingProfile = shipping_profiles[0]!.id;
  const shippingOptions = await seedShipping(api, create, {
    location: location.id,
    shippingProfile,
    regions,
  });
  const goods = await seedProducts(api, {
    channel: channel.id,
    location: location.id,
    shippingProfile,
    west: regions.west,
  });
  return {
    publishableKey: publishable.token,
    secretKey: secret.token,
    channel: channel.id,
    location: location.id,
    shippingProfile,
    regions,
    shippingOptions,
    ...goods,
  };
}

export interface Id {
  id: string;
}

interface Key extends Id {
  token: string;
}

/** Makes one thing in the back office: a path below `/admin/`, and the name that the answer has it by. */
export type Create = <T extends Id>(path: string, name: string, body: unknown) => Promise<T>;

export function creator(api: MedusaApi): Create {
  return async <T>(path: string, name: string, body: unknown) =>
    (await api.call<Record<string, T>>("POST", `/admin/${path}`, body))[name]!;
}

async function seedTaxes(create: Create): Promise<void> {
  for (const [country, rate] of [["de", 19], ["at", 20], ["fr", 20], ["nl", 21]] as const) {
    await create("tax-regions", "tax_region", {
      country_code: country,
      provider_id: "tp_system",
      default_tax_rate: { rate, code: `vat-${country}`, name: "VAT" },
    });
  }
}

async function seedRegions(create: Create): Promise<MedusaShop["regions"]> {
  const region = async (name: string, currency: string, countries: string[], inclusive: boolean) =>
    (await create("regions", "region", {
      name,
      currency_code: currency,
      countries,
      automatic_taxes: true,
      is_tax_inclusive: inclusive,
      payment_providers: ["pp_system_default"],
    })).id;
  // Prices of a region are with tax where it says so; those of a currency aren't.
  return {
    central: await region("Germany and Austria", "eur", ["de", "at"], false),
    west: await region("France and the Netherlands", "eur", ["fr", "nl"], true),
    usa: await region("United States", "usd", ["us"], false),
  };
}

async function seedShipping(
  api: MedusaApi,
  create: Create,
  o: { location: string; shippingProfile: string; regions: MedusaShop["regions"] },
): Promise<MedusaShop["shippingOptions"]> {
  const { stock_location } = await api.call<{ stock_location: { fulfillment_sets: Id[] } }>(
    "POST",
    `/admin/stock-locations/${o.location}/fulfillment-sets?fields=*fulfillment_sets`,
    { name: "Parcels", type: "shipping" },
  );
  const set = stock_location.fulfillment_sets[0]!.id;
  const zone = async (name: string, countries: string[]) => {
    const { service_zones } = await create<Id & { service_zones: (Id & { name: string })[] }>(
      `fulfillment-sets/${set}/service-zones`,
      "fulfillment_set",
      { name, geo_zones: countries.map((country_code) => ({ type: "country", country_code })) },
    );
    return service_zones.find((zone) => zone.name === name)!.id;
  };
  const option = async (zone: string, name: string, price: object, isReturn = false) =>
    (await create("shipping-options", "shipping_option", {
      name,
      service_zone_id: zone,
      shipping_profile_id: o.shippingProfile,
      provider_id: "manual_manual",
      price_type: "flat",
      type: { label: name, description: name, code: name.toLowerCase().replaceAll(" ", "-") },
      prices: [price],
      rules: [
        { attribute: "enabled_in_store", operator: "eq", value: "true" },
        { attribute: "is_return", operator: "eq", value: String(isReturn) },
      ],
    })).id;
  const central = await zone("Germany and Austria", ["de", "at"]);
  const west = await zone("France and the Netherlands", ["fr", "nl"]);
  const usa = await zone("United States", ["us"]);
  await option(central, "Return", { currency_code: "eur", amount: 0 }, true);
  return {
    standard: await option(central, "Standard", { currency_code: "eur", amount: 4.2 }),
    express: await option(central, "Express", { currency_code: "eur", amount: 9.9 }),
    west: await option(west, "Colissimo", { region_id: o.regions.west, amount: 6 }),
    usa: await option(usa, "Airmail", { currency_code: "usd", amount: 15 }),
  };
}
