import { assertEquals } from "@std/assert";
import { Kysely } from "kysely";
import { DatabaseSync } from "node:sqlite";
import { NodeSqliteDialect } from "../../src/db/sqlite_dialect.ts";
import type { Tables } from "../../src/db/tables.ts";

function onSqlite(
  build: (db: Kysely<Tables>) => { compile(): { sql: string; parameters: readonly unknown[] } },
) {
  const db = new Kysely<Tables>({ dialect: new NodeSqliteDialect(new DatabaseSync(":memory:")) });
  const { sql, parameters } = build(db).compile();
  return [sql.replace(/^.* where /, ""), parameters];
}

Deno.test("a state stands in the text of a statement and a limit is no bare parameter, so that SQLite plans it once", () => {
  assertEquals(
    onSqlite((db) =>
      db.selectFrom("invoices").selectAll().where("order_id", "=", "1").where("state", "=", "open").limit(3)
    ),
    [`"order_id" = ? and "state" = 'open' limit cast(? as integer)`, ["1", 3]],
  );
  assertEquals(
    onSqlite((db) => db.deleteFrom("outbox").where("outbox.state", "!=", "pending")),
    [`"outbox"."state" != 'pending'`, []],
  );
});

Deno.test("a state that is no word of ours stays a parameter", () => {
  assertEquals(
    onSqlite((db) => db.selectFrom("jobs").selectAll().where("state", "=", "x' or 'x" as "ready")),
    [`"state" = ?`, ["x' or 'x"]],
  );
  assertEquals(
    onSqlite((db) => db.selectFrom("jobs").selectAll().where("key", "=", "open")),
    [`"key" = ?`, ["open"]],
  );
});

Deno.test("the words in a text are those of the parameters: a limit limits and a state selects", () => {
  const file = new DatabaseSync(":memory:");
  file.exec("create table jobs (id integer primary key, state text)");
  file.exec("insert into jobs (state) values ('ready'), ('dead'), ('ready'), ('ready')");
  const db = new Kysely<Tables>({ dialect: new NodeSqliteDialect(file) });
  return (async () => {
    const ids = async (state: "ready" | "dead", limit: number) =>
      (await db.selectFrom("jobs").select("id").where("state", "=", state).orderBy("id").limit(limit)
        .execute())
        .map(({ id }) => id);
    assertEquals([await ids("ready", 2), await ids("dead", 2), await ids("ready", 9)], [[1, 3], [2], [
      1,
      3,
      4,
    ]]);
    await db.destroy();
  })();
});
