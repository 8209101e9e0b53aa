import { createHash } from "node:crypto";
import { normaliseCurrency } from "../../money/currency.ts";
import { type Ask, askAll } from "./ask.ts";
import { type Choice, chooseChannel, chooseCurrency, type Unusable } from "./choice.ts";
import * as shapes from "./shapes.ts";
import { type TaxGroup, taxGroups } from "./tax_groups.ts";

/** What stands around the products. */
export interface Surroundings {
  store: string;
  channel: { id: string; name: string };
  /** The publishable key by which the channel's products are seen. */
  storeKey: string;
  /** That key shows no other channel. */
  only: boolean;
  /** As Medusa writes it, in lower case. */
  currency: string;
  /** Those of the currency. */
  regions: shapes.Region[];
  groups: TaxGroup[];
  /** Those that start where the channel's goods are, by id. */
  options: shapes.ShippingOption[];
}

const OPTION_FIELDS = [
  "id",
  "name",
  "price_type",
  "shipping_profile_id",
  "*rules",
  "*prices",
  "*prices.price_rules",
  "*service_zone.geo_zones",
  "service_zone.fulfillment_set.location.id",
].join(",");

/** Reads what products need around them. Throws a MedusaError when Medusa doesn't answer. */
export async function readSurroundings(
  ask: Ask,
  choice: Choice,
  signal?: AbortSignal,
): Promise<{ ok: true; surroundings: Surroundings } | Unusable> {
  const all = <T>(path: string, list: string, item: Parameters<typeof askAll<T>>[1]["item"], query = {}) =>
    askAll<T>(ask, { path, list, item, query, signal });
  const [stores, keys] = await Promise.all([
    all("/admin/stores", "stores", shapes.store),
    all("/admin/api-keys", "api_keys", shapes.apiKey, { type: "publishable" }),
  ]);
  const [store] = stores;
  const chosen = chooseChannel(keys, store, choice.channel);
  if (!chosen.ok) return chosen;
  const currency = chooseCurrency(store, choice.currency);
  if (!currency.ok) return currency;
  const [channels, regions, options, taxes, preferences] = await Promise.all([
    all("/admin/sales-channels", "sales_channels", shapes.salesChannel, {
      "id[]": [chosen.channel.id],
      fields: "id,name,is_disabled,stock_locations.id",
    }),
    all("/admin/regions", "regions", shapes.region),
    all("/admin/shipping-options", "shipping_options", shapes.shippingOption, { fields: OPTION_FIELDS }),
    all("/admin/tax-regions", "tax_regions", shapes.taxRegion),
    all("/admin/price-preferences", "price_preferences", shapes.pricePreference),
  ]);
  const channel = channels.find(({ id }) => id === chosen.channel.id);
  if (channel?.is_disabled) {
    return {
      ok: false,
      lack: "no_channel",
      reason: `the sales channel ${channel.name} is disabled in Medusa`,
      remedy: "Enable it there, or set NCC_MEDUSA_CHANNEL to another.",
    };
  }
  const ours = regions.filter((region) => region.currency_code === currency.currency).sort(byId);
  if (ours.length === 0) {
    const known = regions.map(({ name, currency_code }) => `${name} (${normaliseCurrency(currency_code)})`);
    return {
      ok: false,
      lack: "no_currency",
      reason: `no region of Medusa's has the currency ${normaliseCurrency(currency.currency)}`,
      remedy: `Make a region with it in Medusa, or set NCC_MEDUSA_CURRENCY. There are: ${
        known.join(", ") || "none"
      }.`,
    };
  }
  const places = new Set((channel?.stock_locations ?? []).map(({ id }) => id));
  const ways = options.filter((option) => isForCustomers(option) && startsAt(option, places)).sort(byId);
  if (ways.length === 0) {
    return {
      ok: false,
      lack: "problem",
      reason:
        `no shipping option of Medusa's starts at a stock location of the sales channel ${chosen.channel.name}`,
      remedy: "Make one in Medusa, at the stock location of your goods, and give the location the channel.",
    };
  }
  return {
    ok: true,
    surroundings: {
      store: store?.name ?? "",
      channel: chosen.channel,
      storeKey: chosen.key,
      only: chosen.only,
      currency: currency.currency,
      regions: ours,
      groups: ours.flatMap((region) => taxGroups(region, taxes, preferences)),
      options: ways,
    },
  };
}

/** The same for surroundings that lead to the same zones, in whatever order Medusa lists what is in them. */
export function surroundingsHash({ channel, currency, regions, groups, options }: Surroundings): string {
  const text = canonical([channel.id, currency, regions, groups, options]);
  return createHash("sha256").update(text).digest("hex");
}

function canonical(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map(canonical).sort().join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  return `{${Object.entries(value).map(([key, one]) => `${key}:${canonical(one)}`).sort().join()}}`;
}

/** Neither for returns nor hidden from the store. */
function isForCustomers({ rules }: shapes.ShippingOption): boolean {
  const says = (attribute: string, value: string) =>
    rules.some((rule) => rule.attribute === attribute && String(rule.value) === value);
  return !says("is_return", "true") && !says("enabled_in_store", "false");
}

function startsAt({ service_zone: zone }: shapes.ShippingOption, places: ReadonlySet<string>): boolean {
  const place = zone?.fulfillment_set?.location?.id;
  return place !== undefined && places.has(place);
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1;
}
