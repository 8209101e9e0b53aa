import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Migration } from "kysely/migration";
import { migrations } from "../../migrations/mod.ts";
import type { Database } from "../../src/db/database.ts";
import { migrate, NewerSchemaError } from "../../src/db/migrator.ts";
import { onEachDatabase, onEachEmptyDatabase } from "../support/databases.ts";

const first: Migration = { up: (db) => db.schema.createTable("one").addColumn("n", "integer").execute() };
const second: Migration = { up: (db) => db.schema.createTable("two").addColumn("n", "integer").execute() };
const broken: Migration = {
  up: async (db) => {
    await db.schema.createTable("three").addColumn("n", "integer").execute();
    await db.schema.alterTable("one").addColumn("m", "integer").execute();
    throw new Error("broken");
  },
};

async function tables(db: Database): Promise<string[]> {
  return (await db.kysely.introspection.getTables()).map((table) => table.name).sort();
}

onEachEmptyDatabase(
  "migrate() builds a fresh database, and a second time finds nothing to do",
  async (shared) => {
    const db = await shared.open();
    let calls = 0;
    const beforeFirst = () => Promise.resolve(void calls++);
    assertEquals(await migrate(db, { "0001_a": first, "0002_b": second }, beforeFirst), {
      applied: ["0001_a", "0002_b"],
      schema: 2,
    });
    assertEquals(await migrate(db, { "0001_a": first, "0002_b": second }, beforeFirst), {
      applied: [],
      schema: 2,
    });
    assertEquals(await tables(db), ["one", "two"]);
    assertEquals(calls, 0);
  },
);

onEachEmptyDatabase(
  "migrate() calls beforeFirst before it changes a database with data, and not at all if it can't",
  async (shared) => {
    const db = await shared.open();
    await migrate(db, { "0001_a": first });
    const refuse = () => Promise.reject(new Error("no backup"));
    await assertRejects(() => migrate(db, { "0001_a": first, "0002_b": second }, refuse), Error, "no backup");
    assertEquals(await tables(db), ["one"]);
    const seen: string[][] = [];
    await migrate(db, { "0001_a": first, "0002_b": second }, async () => void seen.push(await tables(db)));
    assertEquals(seen, [["one"]]);
    assertEquals(await tables(db), ["one", "two"]);
  },
);

onEachEmptyDatabase(
  "a failing migration leaves the old schema, also of those before it in the same run",
  async (shared) => {
    const db = await shared.open();
    await migrate(db, { "0001_a": first });
    const all = { "0001_a": first, "0002_b": second, "0003_c": broken };
    await assertRejects(() => migrate(db, all), Error, "broken");
    assertEquals(await tables(db), ["one"]);
    assertEquals(await migrate(db, { "0001_a": first, "0002_b": second }), {
      applied: ["0002_b"],
      schema: 2,
    });
  },
);

onEachEmptyDatabase("a newer schema is refused and named", async (shared) => {
  const db = await shared.open();
  await migrate(db, { "0001_a": first, "0002_b": second });
  const error = await assertRejects(() => migrate(db, { "0001_a": first }), NewerSchemaError, "0002_b");
  assert(error.message.includes("newer version"));
});

onEachEmptyDatabase("of two processes that start at the same time one migrates", async (shared) => {
  const databases = [await shared.open(), await shared.open()];
  const all = { "0001_a": first, "0002_b": second };
  const both = await Promise.all(databases.map((db) => migrate(db, all)));
  assertEquals(both.map((one) => one.applied.length).sort(), [0, 2]);
});

onEachDatabase("the program's own migrations give every table that tables.ts names", async (db) => {
  const known = await tables(db);
  for (const table of ["inbox", "orders", "jobs", "leases", "outbox", "stock", "nostr_events"]) {
    assert(known.includes(table), table);
  }
  assertEquals(await migrate(db, migrations), { applied: [], schema: Object.keys(migrations).length });
});
