import { type Kysely, PostgresAdapter } from "kysely";

/** Whether this Kysely speaks to PostgreSQL; the other database is SQLite. */
// deno-lint-ignore no-explicit-any -- any tables will do
export function isPostgres(kysely: Kysely<any>): boolean {
  return kysely.getExecutor().adapter instanceof PostgresAdapter;
}
