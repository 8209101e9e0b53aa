import { assert, assertEquals, assertRejects } from "@std/assert";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Migration } from "kysely/migration";
import { BackupNeededError, backUpSqlite, migrateWithBackup } from "../../src/db/backup.ts";
import { migrations } from "../../migrations/mod.ts";
import type { Database } from "../../src/db/database.ts";
import { memoryDatabase } from "../support/database.ts";
import { onPostgres, sqliteFile } from "../support/databases.ts";
import { FakeClock } from "../support/fake_clock.ts";

const first: Migration = {
  up: async (db) => {
    await db.schema.createTable("one").addColumn("n", "integer").execute();
    await db.insertInto("one").values({ n: 7 }).execute();
  },
};
const second: Migration = { up: (db) => db.schema.dropTable("one").execute() };
const clock = new FakeClock();
const empty = { migrated: false };

function read(path: string): unknown[] {
  const file = new DatabaseSync(path, { readOnly: true });
  try {
    return file.prepare("select n from one").all().map((row) => row.n);
  } finally {
    file.close();
  }
}

Deno.test("migrateWithBackup() copies a SQLite database with data first", async () => {
  await using shared = await sqliteFile(empty);
  const dataDir = dirname(shared.url);
  const db = await shared.open();
  const options = { dataDir, backedUp: false, clock };
  assertEquals((await migrateWithBackup(db, { "0001_a": first }, options)).backup, null);
  assertEquals((await migrateWithBackup(db, { "0001_a": first }, options)).backup, null);

  const { backup, applied } = await migrateWithBackup(db, { "0001_a": first, "0002_b": second }, options);
  assertEquals(applied, ["0002_b"]);
  assertEquals(backup, join(dataDir, "backups", "ncc.db-before-migration-20260101T000000Z"));
  assertEquals(read(backup!), [7]);
  assertEquals(Deno.statSync(backup!).mode! & 0o777, 0o600);
  assertEquals(Deno.statSync(dirname(backup!)).mode! & 0o777, 0o700);
  assertEquals((await Array.fromAsync(Deno.readDir(dirname(backup!)))).length, 1);
});

Deno.test("migrateWithBackup() changes nothing when the copy can't be made", async () => {
  await using shared = await sqliteFile(empty);
  const db = await shared.open();
  const options = { dataDir: dirname(shared.url), backedUp: true, clock };
  await migrateWithBackup(db, { "0001_a": first }, options);
  await Deno.writeTextFile(join(options.dataDir, "backups"), "in the way");
  await assertRejects(() => migrateWithBackup(db, { "0001_a": first, "0002_b": second }, options));
  assertEquals(read(shared.url), [7]);
});

Deno.test("backUpSqlite() copies while others write, and replaces the remains of a broken-off copy", async () => {
  await using shared = await sqliteFile();
  const db = await shared.open();
  const target = join(dirname(shared.url), "copy.db");
  await Deno.writeTextFile(`${target}.part`, "remains");
  const writing = Promise.all(Array.from({ length: 50 }, (_, i) => ban(db, `p${i}`)));
  await backUpSqlite(db, target);
  await writing;
  const file = new DatabaseSync(target, { readOnly: true });
  assert(Number(file.prepare("select count(*) as n from bans").get()!.n) <= 50);
  file.close();
});

Deno.test("backUpSqlite() refuses a damaged database and leaves no copy", async () => {
  await using shared = await sqliteFile(empty);
  const file = new DatabaseSync(shared.url);
  file.exec("create table one (n text unique); insert into one values ('needle')");
  file.close();
  // Both the table and its index hold the word: now they differ.
  const text = new TextDecoder("latin1").decode(await Deno.readFile(shared.url));
  const changed = text.slice(0, text.lastIndexOf("needle")) + "noodle" +
    text.slice(text.lastIndexOf("needle") + 6);
  await Deno.writeFile(shared.url, Uint8Array.from(changed, (char) => char.charCodeAt(0)));
  const again = await shared.open();
  const target = join(dirname(shared.url), "copy.db");
  await assertRejects(() => backUpSqlite(again, target), Error, "damaged");
  assertEquals(
    (await Array.fromAsync(Deno.readDir(dirname(target)))).filter((e) => e.name.startsWith("copy")),
    [],
  );
});

Deno.test("backUpSqlite() refuses a database in memory", async () => {
  await using db = await memoryDatabase();
  await assertRejects(() => backUpSqlite(db, "/nowhere/copy.db"), Error, "memory");
});

onPostgres(
  "migrateWithBackup() changes a PostgreSQL database with data only when told that it is backed up",
  async (shared) => {
    const db = await shared.open();
    const next = "9999_next";
    const all = { ...migrations, [next]: { up: () => Promise.resolve() } };
    const options = { dataDir: "/nowhere", backedUp: false, clock };
    await assertRejects(() => migrateWithBackup(db, all, options), BackupNeededError, "--backed-up");
    assertEquals(await migrateWithBackup(db, all, { ...options, backedUp: true }), {
      applied: [next],
      schema: Object.keys(all).length,
      backup: null,
    });
  },
);

function ban(db: Database, pubkey: string): Promise<unknown> {
  return db.transaction((tx) =>
    tx.insertInto("bans").values({ merchant: "m", pubkey, created_at: 1 }).execute()
  );
}
