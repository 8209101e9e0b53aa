import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sql } from "kysely";
import { DamagedDatabaseError, openDatabase } from "../../src/db/open.ts";
import { onPostgres } from "../support/databases.ts";

async function inFolder(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "ncc-test-" });
  try {
    await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function mode(path: string): string {
  return (Deno.statSync(path).mode! & 0o777).toString(8);
}

for (const [url, file] of [[null, "ncc.db"], ["", "ncc.db"], ["sqlite:shop.db", "shop.db"]] as const) {
  Deno.test(`openDatabase(${JSON.stringify(url)}) opens data/${file}, for its owner only`, () =>
    inFolder(async (dir) => {
      const data = join(dir, "data");
      const db = await openDatabase(url, data);
      await sql`create table one (n integer)`.execute(db.kysely);
      assertEquals(db.dialect, "sqlite");
      assertEquals(mode(data), "700");
      for (const suffix of ["", "-wal", "-shm"]) assertEquals(mode(join(data, file + suffix)), "600", suffix);
      await db.close();
      assertEquals((await Array.fromAsync(Deno.readDir(data))).map((entry) => entry.name), [file]);
    }));
}

Deno.test("openDatabase() takes an absolute path as it is, and a database in memory", () =>
  inFolder(async (dir) => {
    for (const url of [`sqlite:${dir}/a.db`, `sqlite://${dir}/b.db`, "sqlite::memory:"]) {
      await (await openDatabase(url, join(dir, "unused"))).close();
    }
    assertEquals((await Array.fromAsync(Deno.readDir(dir))).map((entry) => entry.name).sort(), [
      "a.db",
      "b.db",
    ]);
  }));

onPostgres("openDatabase() opens a postgres:// URL", async (shared) => {
  const db = await openDatabase(shared.url, "/nowhere");
  assertEquals(db.dialect, "postgres");
  await db.close();
});

Deno.test("openDatabase() refuses other URLs with help and without repeating a password", async () => {
  const error = await assertRejects(
    () => openDatabase("mysql://me:secret@host/x", "/nowhere"),
    Error,
    "expected postgres://",
  );
  assertEquals(error.message.includes("secret"), false);
});

Deno.test("openDatabase() of a server that isn't there fails and leaves nothing open", async () => {
  using unused = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = unused.addr;
  unused.close();
  await assertRejects(() => openDatabase(`postgres://a:b@127.0.0.1:${port}/x`, "/nowhere"));
});

Deno.test("openDatabase() of a file that is no database fails and leaves nothing open", () =>
  inFolder(async (dir) => {
    await Deno.writeTextFile(
      join(dir, "ncc.db"),
      "not a database, but long enough to be taken for one".repeat(50),
    );
    await assertRejects(() => openDatabase(null, dir), Error, "not a database");
  }));

onPostgres("close() ends although a query is under way", async (shared) => {
  const database = await shared.open();
  const query = sql`select pg_sleep(1)`.execute(database.kysely).catch((error: unknown) => error);
  await sql`select 1`.execute(database.kysely);
  await database.close();
  await query;
});

Deno.test("openDatabase() refuses a damaged file, says what to do, and leaves it as it was", () =>
  inFolder(async (dir) => {
    const path = join(dir, "shop.db");
    const file = new DatabaseSync(path);
    file.exec("pragma journal_mode = wal; create table many (n integer primary key, t text)");
    for (let i = 0; i < 200; i++) file.prepare("insert into many (t) values (?)").run("x".repeat(500));
    file.close();
    const bytes = await Deno.readFile(path);
    // Not the header: SQLite opens the file, and only looks wrong inside.
    bytes.fill(0xff, 3 * 4096, 4 * 4096);
    await Deno.writeFile(path, bytes);
    await assertRejects(() => openDatabase("sqlite:shop.db", dir), DamagedDatabaseError, "ncc restore");
    assertEquals(await Deno.readFile(path), bytes);
  }));
