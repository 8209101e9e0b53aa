import { migrations } from "../../migrations/mod.ts";
import type { Database } from "../../src/db/database.ts";
import { migrate } from "../../src/db/migrator.ts";
import { openSqlite } from "../../src/db/sqlite.ts";

/** A migrated database in memory; `await using` closes it. */
export async function memoryDatabase(): Promise<Database & AsyncDisposable> {
  const database = openSqlite(":memory:");
  await migrate(database, migrations);
  return Object.assign(database, { [Symbol.asyncDispose]: () => database.close() });
}
