import type { Random } from "../random.ts";
import { readAmount } from "./amounts.ts";
import { conflict, invalid, type Refusal } from "./refusal.ts";
import { type StallRow, type Zone, zonesOf } from "./resources.ts";
import type { ZoneInput } from "./stall_input.ts";

/**
 * The zones of a stall as they are stored. A stall without any gets a free one (some clients can't order without a zone);
 * a zone without an id keeps that of the zone that had its name, else it gets a UUID.
 */
export function readZones(
  input: readonly ZoneInput[],
  currency: string,
  before: readonly Zone[],
  random: Random,
): { ok: true; zones: Zone[] } | Refusal {
  const wanted: readonly ZoneInput[] = input.length > 0 ? input : [{ name: "Free", cost: 0 }];
  const named = new Set(wanted.flatMap((zone) => zone.id ?? []));
  const zones: Zone[] = [];
  for (const [i, zone] of wanted.entries()) {
    const cost = readAmount(zone.cost, currency, `/shipping/${i}/cost`);
    if (!cost.ok) return cost;
    const kept = before.find((one) => one.name === zone.name && !named.has(one.id));
    const id = zone.id ?? kept?.id ?? random.uuid();
    if (zones.some((one) => one.id === id)) {
      return invalid(`two zones have the id ${id}`, `/shipping/${i}/id`);
    }
    named.add(id);
    const regions = [...new Set([...zone.regions ?? [], ...zone.countries ?? []])];
    zones.push({ id, name: zone.name ?? nameOf(regions), cost: cost.amount, regions });
  }
  return { ok: true, zones };
}

/** Zone ids are unique per merchant: an order may name a zone alone. */
export function zoneConflict(zones: readonly Zone[], others: readonly StallRow[]): Refusal | null {
  for (const other of others) {
    const taken = new Set(zonesOf(other).map((zone) => zone.id));
    const i = zones.findIndex((zone) => taken.has(zone.id));
    if (i >= 0) {
      return conflict(
        `the zone id ${
          zones[i]!.id
        } belongs to the stall ${other.id}: zone ids are unique per merchant, leave it out to get one`,
        `/shipping/${i}/id`,
      );
    }
  }
  return null;
}

function nameOf(regions: readonly string[]): string {
  return regions.length > 0 ? regions.join(", ").slice(0, 200) : "Shipping";
}
