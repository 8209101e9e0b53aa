import { sql } from "kysely";
import type { Database } from "../../src/db/database.ts";
import { openPostgres } from "../../src/db/postgres.ts";
import { memoryDatabase } from "./database.ts";
import { postgresDatabase, type SharedDatabase } from "./databases.ts";

/** Databases of this test file that nobody has now. They go with the test run's server. */
const spares: SharedDatabase[] = [];

/**
 * Whether tests that don't care which database they run on get PostgreSQL (`NCC_TEST_DATABASE=postgres`) instead of
 * SQLite.
 */
export function runsOnPostgres(): boolean {
  const choice = Deno.env.get("NCC_TEST_DATABASE") ?? "sqlite";
  if (choice !== "sqlite" && choice !== "postgres") {
    throw new Error(`NCC_TEST_DATABASE=${choice}: expected sqlite or postgres`);
  }
  return choice === "postgres";
}

/** A migrated database of the kind that this run is for; `await using` closes it and removes what it leaves. */
export async function freshDatabase(): Promise<Database & AsyncDisposable> {
  if (!runsOnPostgres()) return await memoryDatabase();
  const shared = await emptyPostgres();
  const database = await openPostgres(shared.url);
  return Object.assign(database, {
    async [Symbol.asyncDispose]() {
      await database.close();
      spares.push(shared);
    },
  });
}

/**
 * The `NCC_DATABASE_URL` of a program that a test opens: a database of the kind that this run is for, without a row. `sqlite`
 * is what it is on SQLite; an empty string is the file in the data directory.
 */
export async function freshUrl(sqlite = "sqlite::memory:"): Promise<{ url: string } & AsyncDisposable> {
  if (!runsOnPostgres()) return { url: sqlite, [Symbol.asyncDispose]: () => Promise.resolve() };
  // Not used again: a test of the program may have changed its tables.
  return await postgresDatabase();
}

/** Emptying a database takes a fraction of the time of copying one, and dropping it. */
async function emptyPostgres(): Promise<SharedDatabase> {
  const spare = spares.pop();
  if (!spare) return await postgresDatabase();
  const database = await openPostgres(spare.url);
  try {
    await sql.raw(EMPTY).execute(database.kysely);
  } finally {
    await database.close();
  }
  return spare;
}

/** Who still has a lock after the test is a fault of the test, and shouldn't hang the next one. */
const EMPTY = `
  do $$
  declare
    name text;
    filled boolean;
  begin
    set local lock_timeout = '10s';
    for name in select format('%I', tablename) from pg_tables
      where schemaname = 'public' and tablename not in ('kysely_migration', 'kysely_migration_lock')
    loop
      execute 'select exists (select 1 from ' || name || ')' into filled;
      if filled then execute 'truncate ' || name || ' cascade'; end if;
    end loop;
    for name in select format('%I', sequencename) from pg_sequences where last_value is not null loop
      execute 'alter sequence ' || name || ' restart';
    end loop;
  end $$`;
