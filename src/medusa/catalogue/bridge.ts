import { createStall, deleteStall, updateStall } from "../../catalog/stalls.ts";
import { selectStall } from "../../catalog/stalls_store.ts";
import { zonesOf as stallZonesOf } from "../../catalog/resources.ts";
import type { Tx } from "../../db/database.ts";
import type { Random } from "../../random.ts";
import { selectBridge, updateBridgeRow } from "./bridge_store.ts";
import { groupName, type View } from "./pages.ts";
import type { MappingContext } from "./mapping.ts";
import { type Surroundings, surroundingsHash } from "./surroundings.ts";
import { MOST_ZONES, stallIdOf, stallInputOf, zoneInputOf, type ZonePlan } from "./zones.ts";
import { deleteZonesBefore, putZone, selectZones, type ZoneRow } from "./zones_store.ts";

/** Whose stall it is, and when. */
export interface At {
  merchant: string;
  now: number;
  random: Random;
}

const by = "medusa";

/** Stores Medusa's zones and brings the stall to them. The answer is why that can't be done, a sentence; null: it is. */
export async function takeZones(
  tx: Tx,
  at: At,
  s: Surroundings,
  zones: readonly ZonePlan[],
  sweep: number,
): Promise<string | null> {
  const { merchant, now } = at;
  const stallId = stallIdOf(s);
  const before = await selectBridge(tx, merchant);
  if (before?.stall_id && before.stall_id !== stallId) {
    // Another channel or currency: another stall, and nothing of the old one is offered any more.
    await deleteStall(tx, { merchant, id: before.stall_id, now, by });
  }
  for (const zone of zones) {
    await putZone(tx, {
      merchant,
      zone_id: zone.id,
      stall_id: stallId,
      region: zone.region,
      shipping_option: zone.option,
      name: zone.name,
      countries: JSON.stringify(zone.countries),
      places: JSON.stringify(zone.places),
      amount: zone.amount,
      cost: zone.cost,
      trouble: zone.trouble,
      sweep,
      updated_at: now,
    });
  }
  await deleteZonesBefore(tx, merchant, sweep);
  const problem = await bringStall(tx, at, s);
  const hash = problem === null ? surroundingsHash(s) : null;
  await updateBridgeRow(tx, merchant, { stall_id: stallId, region_hash: hash, updated_at: now });
  return problem;
}

/** Brings the stall's zones to those that are stored; makes the stall where `s` says which. Null: it is done, or why not. */
export async function bringStall(tx: Tx, at: At, s: Surroundings | null): Promise<string | null> {
  const { merchant, now, random } = at;
  const rows = await selectZones(tx, merchant);
  const usable = usableZones(rows);
  if (usable.length === 0) {
    const [first] = rows.filter(({ left_out }) => left_out === 0);
    const why = first === undefined ? "every zone is left out" : `${first.name}: ${first.trouble}`;
    return `nothing can be sent anywhere: ${why}`;
  }
  const inputs = usable.map((row) =>
    zoneInputOf({ id: row.zone_id, name: row.name, cost: row.cost, places: JSON.parse(row.places) })
  );
  const id = usable[0]!.stall_id;
  const there = await selectStall(tx, merchant, id);
  if (there && there.deleted_at === null) {
    if (there.kept_by !== by) return `there is a stall ${id} of yours already`;
    const input = { ...there, shipping: inputs };
    const { name, description, currency, shipping } = input;
    const done = await updateStall(tx, {
      merchant,
      id,
      input: { name, description, currency, shipping },
      now,
      random,
      by,
    });
    return done.ok ? null : done.reason;
  }
  if (s === null) return `there is no stall ${id}`;
  const made = await createStall(tx, { merchant, input: stallInputOf(s, inputs), now, random, by });
  return made.ok ? null : made.reason;
}

/** The zones that goods can be sent to. */
export function usableZones(rows: readonly ZoneRow[]): ZoneRow[] {
  return rows.filter(({ left_out, trouble }) => left_out === 0 && trouble === null).slice(0, MOST_ZONES);
}

/** What products are mapped for, as it is stored; null before the first sweep got so far. */
export async function mappingContext(
  tx: Parameters<typeof selectBridge>[0],
  merchant: string,
): Promise<{ view: View; context: MappingContext } | null> {
  const bridge = await selectBridge(tx, merchant);
  if (!bridge?.view || bridge.stall_id === null) return null;
  const view: View = JSON.parse(bridge.view);
  const stall = await selectStall(tx, merchant, bridge.stall_id);
  if (stall === undefined || stall.deleted_at !== null) return null;
  const inStall = new Set(stallZonesOf(stall).map(({ id }) => id));
  const zones = usableZones(await selectZones(tx, merchant)).filter(({ zone_id }) => inStall.has(zone_id))
    .flatMap(({ zone_id, region, countries }) => {
      const [country]: string[] = JSON.parse(countries);
      const group = view.groups.find((one) => one.region === region && one.countries.includes(country!));
      return group === undefined ? [] : [{ id: zone_id, group: groupName(group) }];
    });
  // Where nothing is sent to, prices aren't asked for.
  const groups = view.groups.filter((group) => zones.some((zone) => zone.group === groupName(group)));
  return { view: { ...view, groups }, context: { stallId: stall.id, zones } };
}
