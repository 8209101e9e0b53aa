import type { Kysely } from "kysely";
import type { Tx } from "../db/database.ts";
import type { Tables } from "../db/tables.ts";

const NAME = "clock.seen";

/** The wall clock (ms) as it was last noted; null before the first time. */
export async function lastSeen(db: Kysely<Tables>): Promise<number | null> {
  const row = await db.selectFrom("settings").select("value").where("name", "=", NAME).executeTakeFirst();
  const at = Number(row?.value ?? NaN);
  return Number.isSafeInteger(at) ? at : null;
}

export async function noteSeen(tx: Tx, now: number): Promise<void> {
  const value = String(now);
  await tx.insertInto("settings").values({ name: NAME, value, updated_at: now })
    .onConflict((on) => on.column("name").doUpdateSet({ value, updated_at: now })).execute();
}
