import { createHash } from "node:crypto";
import { isKnownCurrency, normaliseCurrency } from "../../money/currency.ts";
import { type Ask, askAll } from "./ask.ts";
import * as shapes from "./shapes.ts";
import { type TaxGroup, taxGroups } from "./tax_groups.ts";

/** What the merchant chose of Medusa; null: what there is only one of. */
export interface Choice {
  /** A sales channel's id or name. */
  channel: string | null;
  /** The store's default otherwise. */
  currency: string | null;
}

/** What stands around the products. */
export interface Surroundings {
  store: string;
  channel: { id: string; name: string };
  /** The publishable key by which the channel's products are seen. */
  storeKey: string;
  /** As Medusa writes it, in lower case. */
  currency: string;
  /** Those of the currency. */
  regions: shapes.Region[];
  groups: TaxGroup[];
  /** Those that start where the channel's goods are, by id. */
  options: shapes.ShippingOption[];
}

/** Why nothing can be taken from Medusa as it is set up: what the report calls it, and a sentence for the merchant. */
export interface Unusable {
  ok: false;
  lack: "no_channel" | "no_currency" | "problem";
  reason: string;
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
  const chosen = chooseKey(keys, choice.channel);
  if (!chosen.ok) return chosen;
  const currency = chooseCurrency(stores, choice.currency);
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
    return unusable("no_channel", `the sales channel ${channel.name} is disabled in Medusa`);
  }
  const ours = regions.filter((region) => region.currency_code === currency.currency).sort(byId);
  if (ours.length === 0) {
    const known = list(regions.map((region) => `${region.name} (${region.currency_code})`));
    return unusable(
      "no_currency",
      `no region of Medusa's has the currency ${currency.currency}: there are ${known}; set NCC_MEDUSA_CURRENCY to one's`,
    );
  }
  const places = new Set((channel?.stock_locations ?? []).map(({ id }) => id));
  const ways = options.filter((option) => isForCustomers(option) && startsAt(option, places)).sort(byId);
  if (ways.length === 0) {
    return unusable(
      "problem",
      `no shipping option of Medusa's starts at a stock location of the sales channel ${chosen.channel.name}`,
    );
  }
  return {
    ok: true,
    surroundings: {
      store: stores[0]?.name ?? "",
      channel: chosen.channel,
      storeKey: chosen.key,
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

type Key = ReturnType<typeof shapes.apiKey.parse>;

/** The sales channel, and a key that shows it; the key that shows nothing else first, for some questions want such a one. */
function chooseKey(
  keys: Key[],
  wanted: string | null,
): { ok: true; channel: { id: string; name: string }; key: string } | Unusable {
  const good = keys.filter(({ revoked_at }) => (revoked_at ?? null) === null)
    .sort((a, b) => a.sales_channels.length - b.sales_channels.length || (a.id < b.id ? -1 : 1));
  const channels = new Map(good.flatMap((key) => key.sales_channels.map((one) => [one.id, one] as const)));
  if (channels.size === 0) {
    return unusable(
      "no_channel",
      "Medusa has no publishable API key with a sales channel: make one in its settings",
    );
  }
  const names = list([...channels.values()].map(({ name }) => name).sort());
  const found = [...channels.values()].filter(({ id, name }) =>
    wanted === null || id === wanted || name === wanted
  );
  if (found.length === 0) {
    return unusable(
      "no_channel",
      `no publishable API key of Medusa's shows a sales channel ${wanted}: there is ${names}`,
    );
  }
  if (found.length > 1) {
    return unusable(
      "no_channel",
      `Medusa has several sales channels with a publishable API key: ${names}; set NCC_MEDUSA_CHANNEL`,
    );
  }
  const channel = found[0]!;
  const key = good.find(({ sales_channels }) => sales_channels.some(({ id }) => id === channel.id))!;
  return { ok: true, channel, key: key.token };
}

function chooseCurrency(
  stores: ReturnType<typeof shapes.store.parse>[],
  wanted: string | null,
): { ok: true; currency: string } | Unusable {
  const supported = stores[0]?.supported_currencies ?? [];
  const currency = wanted?.toLowerCase() ??
    (supported.find(({ is_default }) => is_default) ?? supported[0])?.currency_code;
  if (currency === undefined) {
    return unusable("no_currency", "Medusa's store has no currency: set NCC_MEDUSA_CURRENCY");
  }
  if (!isKnownCurrency(currency)) {
    return unusable(
      "no_currency",
      `the currency ${normaliseCurrency(currency)} isn't known here: set NCC_MEDUSA_CURRENCY`,
    );
  }
  return { ok: true, currency };
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

function list(names: string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}

function unusable(lack: Unusable["lack"], reason: string): Unusable {
  return { ok: false, lack, reason };
}
