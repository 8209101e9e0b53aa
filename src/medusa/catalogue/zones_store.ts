import type { Insertable, Kysely, Selectable } from "kysely";
import type { Tx } from "../../db/database.ts";
import type { MedusaZonesTable, Tables } from "../../db/tables.ts";

/** A shipping zone of ours that Medusa keeps. */
export type ZoneRow = Selectable<MedusaZonesTable>;

/** A merchant's zones, by their ids. */
export async function selectZones(db: Kysely<Tables>, merchant: string): Promise<ZoneRow[]> {
  return await db.selectFrom("medusa_zones").selectAll().where("merchant", "=", merchant).orderBy("zone_id")
    .execute();
}

/** Writes a zone, new or not; whether it is left out stays as it was. */
export async function putZone(tx: Tx, row: Insertable<MedusaZonesTable>): Promise<void> {
  const { merchant: _merchant, zone_id: _id, left_out: _leftOut, ...rest } = row;
  await tx.insertInto("medusa_zones").values(row)
    .onConflict((c) => c.columns(["merchant", "zone_id"]).doUpdateSet(rest)).execute();
}

/** Leaves a zone out, or takes it again. */
export async function setLeftOut(
  tx: Tx,
  merchant: string,
  zoneId: string,
  leftOut: boolean,
  now: number,
): Promise<void> {
  await tx.updateTable("medusa_zones").set({ left_out: leftOut ? 1 : 0, updated_at: now })
    .where("merchant", "=", merchant).where("zone_id", "=", zoneId).execute();
}

/** Forgets the zones that a sweep didn't find. */
export async function deleteZonesBefore(tx: Tx, merchant: string, sweep: number): Promise<void> {
  await tx.deleteFrom("medusa_zones").where("merchant", "=", merchant).where("sweep", "<", sweep).execute();
}
