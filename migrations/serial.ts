import type { CreateTableBuilder, Kysely } from "kysely";
import { isPostgres } from "../src/db/dialect.ts";

/** A table whose primary key counts up by itself. */
// deno-lint-ignore no-explicit-any -- a migration mustn't follow today's table types
export function serial(db: Kysely<any>, table: string, column: string): CreateTableBuilder<string, string> {
  const create = db.schema.createTable(table);
  return isPostgres(db)
    ? create.addColumn(
      column,
      "bigint",
      (c) => c.primaryKey().generatedAlwaysAsIdentity(),
    ) as CreateTableBuilder<string, string>
    : create.addColumn(column, "integer", (c) => c.primaryKey().autoIncrement()) as CreateTableBuilder<
      string,
      string
    >;
}
