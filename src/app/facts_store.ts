import type { Kysely } from "kysely";
import type { Tx } from "../db/database.ts";
import type { Tables } from "../db/tables.ts";

/** A fact of the installation that outlives restarts; undefined when it was never stated. */
export async function getFact(db: Kysely<Tables>, name: string): Promise<string | undefined> {
  const row = await db.selectFrom("settings").select("value").where("name", "=", name).executeTakeFirst();
  return row?.value;
}

/** States it, instead of what was stated before. */
export async function putFact(tx: Tx, fact: { name: string; value: string; now: number }): Promise<void> {
  const { name, value, now } = fact;
  await tx.insertInto("settings").values({ name, value, updated_at: now })
    .onConflict((on) => on.column("name").doUpdateSet({ value, updated_at: now })).execute();
}
