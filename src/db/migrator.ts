import { type Migration, Migrator } from "kysely/migration";
import type { Database } from "./database.ts";

/** The database was written by a newer version of the program. */
export class NewerSchemaError extends Error {
  override readonly name = "NewerSchemaError";
}

/** What `migrate` did. */
export interface Migrated {
  /** Names of the migrations that ran now. */
  applied: string[];
  /** How many the database has in all. */
  schema: number;
}

/**
 * Brings the database to this program's schema. `beforeFirst` runs once before anything is changed in a database that
 * already holds data: the place for a backup. Kysely's migrator holds a lock for all processes (an advisory one on PostgreSQL).
 *
 * Throws `NewerSchemaError` when the database has migrations that this program doesn't know.
 */
export async function migrate(
  database: Database,
  migrations: Record<string, Migration>,
  beforeFirst: () => Promise<void> = () => Promise.resolve(),
): Promise<Migrated> {
  const migrator = new Migrator({
    db: database.kysely,
    provider: { getMigrations: () => Promise.resolve(migrations) },
  });
  const known = Object.keys(migrations).sort();
  const executed = await executedNames(database);
  const unknown = await unknownMigrations(database, migrations);
  if (unknown.length > 0) {
    throw new NewerSchemaError(
      `The database has ${unknown.join(", ")}, which this version of ncc doesn't know. ` +
        `It was written by a newer version: install that one, or restore the backup made before the upgrade.`,
    );
  }
  const pending = known.filter((name) => !executed.includes(name));
  if (pending.length > 0 && executed.length > 0) await beforeFirst();
  if (pending.length === 0) return { applied: [], schema: known.length };
  // All of them in one transaction on both databases, and under a lock: of two processes the second finds nothing to do.
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error) throw error;
  return { applied: results.map((one) => one.migrationName), schema: known.length };
}

/** Migrations that the database has had and this program doesn't know: it was written by a newer version. */
export async function unknownMigrations(
  database: Database,
  migrations: Record<string, Migration>,
): Promise<string[]> {
  return (await executedNames(database)).filter((name) => !(name in migrations));
}

async function executedNames(database: Database): Promise<string[]> {
  const tables = await database.kysely.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === "kysely_migration")) return [];
  const rows = await database.kysely.withTables<{ kysely_migration: { name: string } }>()
    .selectFrom("kysely_migration").select("name").orderBy("name").execute();
  return rows.map((row) => row.name);
}
