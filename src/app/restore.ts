import { migrations } from "../../migrations/mod.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { migrate } from "../db/migrator.ts";
import { databaseFile, openDatabase } from "../db/open.ts";
import { RestoreError, restoreSqlite } from "../db/restore.ts";
import type { Settings } from "../settings.ts";
import { newestTime, whoIsIn, writeRestore } from "./restore_store.ts";

/** What a restored database holds. */
export interface RestoredShop {
  /** Where the database of before is; null: there was none, or it is PostgreSQL's. */
  kept: string | null;
  backup_at: number;
  merchants: { pubkey: string; key_source: string }[];
  orders: number;
  /** Keys and wallets that only the master key opens. */
  secrets: number;
}

/** Puts a backup in the place of the shop's SQLite database, behind the fence. Throws as `restoreSqlite` does. */
export async function restoreShop(settings: Settings, file: string, clock: Clock): Promise<RestoredShop> {
  const target = databaseFile(settings.NCC_DATABASE_URL ?? null, settings.NCC_DATA_DIR);
  if (target === null) {
    throw new RestoreError(
      "This shop's database isn't a SQLite file. PostgreSQL: stop every ncc, restore with pg_restore, then run " +
        "`ncc restore --fence` before the next start, so that nothing is sent twice.",
    );
  }
  const now = clock.now();
  const { kept, found } = await restoreSqlite({
    file,
    target,
    now,
    migrations,
    prepare: (copy) => setFence(copy, now),
  });
  return { kept, ...found };
}

/** Puts the fence into a database that somebody restored by other means (`pg_restore`). */
export async function fenceShop(settings: Settings, clock: Clock): Promise<RestoredShop> {
  const database = await openDatabase(settings.NCC_DATABASE_URL ?? null, settings.NCC_DATA_DIR);
  try {
    await migrate(database, migrations);
    return { kept: null, ...await setFence(database, clock.now()) };
  } finally {
    await database.close();
  }
}

async function setFence(database: Database, now: number): Promise<Omit<RestoredShop, "kept">> {
  const backup_at = await newestTime(database.kysely);
  await database.transaction((tx) => writeRestore(tx, { restored_at: now, backup_at, lifted_at: null }, now));
  return { backup_at, ...await whoIsIn(database.kysely) };
}
