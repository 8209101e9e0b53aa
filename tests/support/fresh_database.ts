import postgres from "postgres";
import type { Database } from "../../src/db/database.ts";
import { openPostgres } from "../../src/db/postgres.ts";
import { memoryDatabase } from "./database.ts";
import { postgresDatabase, type SharedDatabase } from "./databases.ts";
import { runsOnPostgres } from "./lane.ts";
import { waitForQuiet } from "./quiet.ts";

/** Empty databases of this test file that nobody has now. They go with the test run's server. */
const spares: SharedDatabase[] = [];
const LEFT_MS = 5_000;

/** A migrated database of the kind that this run is for; `await using` closes it and removes what it leaves. */
export async function freshDatabase(): Promise<Database & AsyncDisposable> {
  if (!runsOnPostgres()) return await memoryDatabase();
  const shared = spares.pop() ?? await postgresDatabase();
  const database = await openPostgres(shared.url);
  const quiet = waitForQuiet(database);
  return Object.assign(database, {
    async [Symbol.asyncDispose]() {
      quiet[Symbol.dispose]();
      await database.close();
      await empty(shared);
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
async function empty(shared: SharedDatabase): Promise<void> {
  const admin = postgres(shared.url, { max: 1, onnotice: () => {} });
  try {
    await admin.unsafe(EMPTY);
    // A closed pool's last connections end a moment later, and with them timers that count as the test's.
    for (const end = Date.now() + LEFT_MS; Date.now() < end;) {
      const left = await admin`select 1 from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`;
      if (left.length === 0) break;
    }
  } finally {
    await admin.end();
  }
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
