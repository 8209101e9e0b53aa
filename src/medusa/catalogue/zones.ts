import type { StallInput, ZoneInput } from "../../catalog/stall_input.ts";
import { type Decimal, formatDecimal } from "../../money/decimal.ts";
import { toCurrency } from "./rounding.ts";
import type { ShippingOption } from "./shapes.ts";
import type { Surroundings } from "./surroundings.ts";
import type { TaxGroup } from "./tax_groups.ts";
import { cut, singleLine } from "./wording.ts";

/** A shipping option to countries of one tax group: what becomes a zone. */
export interface Route {
  option: ShippingOption;
  group: TaxGroup;
  /** Those of the group that it goes to; the first one is asked for. */
  countries: string[];
}

/** What a route costs: before and with taxes, or why that isn't known. */
export type RouteCost = { net: Decimal; gross: Decimal } | { trouble: string };

/** A shipping zone as Medusa's set-up makes it. */
export interface ZonePlan {
  id: string;
  region: string;
  option: string;
  name: string;
  countries: string[];
  /** The countries' names, for people. */
  places: string[];
  /** Before taxes: what Medusa is told. */
  amount: string;
  /** With taxes: what the customer pays. */
  cost: string;
  trouble: string | null;
}

/** NIP-15 sets no limit; a stall of ours has at most so many. */
export const MOST_ZONES = 100;

/** Where each shipping option goes, in the order of their ids. */
export function routesOf({ groups, options }: Pick<Surroundings, "groups" | "options">): Route[] {
  return options.flatMap((option) => {
    const reached = new Set(
      (option.service_zone?.geo_zones ?? [])
        .filter(({ type }) => type === "country").map(({ country_code }) => country_code.toLowerCase()),
    );
    return groups.map((group) => ({
      option,
      group,
      countries: group.countries.filter((country) => reached.has(country)),
    })).filter(({ countries }) => countries.length > 0);
  });
}

/** The zones of routes whose cost was learnt; `costs` in the order of the routes. */
export function zonesOf(
  { regions, currency }: Pick<Surroundings, "regions" | "currency">,
  routes: readonly Route[],
  costs: readonly RouteCost[],
): ZonePlan[] {
  const names = new Map(
    regions.flatMap((region) =>
      region.countries.map((one) => [one.iso_2.toLowerCase(), one.display_name || one.iso_2.toUpperCase()])
    ),
  );
  return routes.map(({ option, group, countries }, i) => {
    const several = routes.filter((route) => route.option.id === option.id).length > 1;
    const region = regions.find(({ id }) => id === group.region)!;
    const places = countries.map((country) => names.get(country)!);
    const cost = costs[i]!;
    const known = "trouble" in cost ? null : cost;
    const where = countries.length === region.countries.length && countries.length > 3
      ? region.name
      : shortList(places);
    return {
      id: several ? `${option.id}-${countries[0]}` : option.id,
      region: group.region,
      option: option.id,
      name: cut(singleLine(`${option.name}: ${where}`), 200),
      countries,
      places,
      amount: known === null ? "0" : formatDecimal(known.net),
      cost: known === null ? "0" : toCurrency(known.gross, currency),
      trouble: group.trouble ?? ("trouble" in cost ? cost.trouble : null),
    };
  });
}

/** A stall's zone. */
export function zoneInputOf(zone: Pick<ZonePlan, "id" | "name" | "cost"> & { places: string[] }): ZoneInput {
  const regions = [...new Set(zone.places.map((place) => cut(singleLine(place), 100)))];
  return { id: zone.id, name: zone.name, cost: zone.cost, regions };
}

/** The stall that a channel's products in one currency are in. */
export function stallIdOf({ channel, currency }: Pick<Surroundings, "channel" | "currency">): string {
  return `${channel.id}-${currency}`;
}

/** A new stall; its name and description are the merchant's from then on. */
export function stallInputOf(s: Surroundings, zones: ZoneInput[]): StallInput {
  const name = cut(singleLine(s.store), 200) || cut(singleLine(s.channel.name), 200) || "Shop";
  return { id: stallIdOf(s), name, description: "", currency: s.currency, shipping: zones };
}

function shortList(places: string[]): string {
  return places.length <= 3
    ? places.join(", ")
    : `${places.slice(0, 2).join(", ")} and ${places.length - 2} more`;
}
