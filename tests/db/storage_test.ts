import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { sql } from "kysely";
import type { Database } from "../../src/db/database.ts";
import { StorageFailedError, storageFaultOf } from "../../src/db/storage_state.ts";
import { sqliteFile } from "../support/databases.ts";

const BIG = "x".repeat(2_000);

/** From now on the file can't grow: what a full disk does. `null`: there is room again. */
async function limitSize(db: Database, pages: "now" | null): Promise<void> {
  const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(db.kysely);
  const most = pages === null ? 1_000_000 : rows[0]!.page_count;
  await sql`pragma max_page_count = ${sql.raw(String(most))}`.execute(db.kysely);
}

function write(db: Database, name: string, value = BIG): Promise<unknown> {
  return db.transaction((tx) => tx.insertInto("settings").values({ name, value, updated_at: 1 }).execute());
}

async function names(db: Database): Promise<string[]> {
  return (await db.kysely.selectFrom("settings").select("name").orderBy("name").execute()).map((row) =>
    row.name
  );
}

Deno.test("a full disk fails every transaction of its group as what it is, and keeps what was committed", async () => {
  await using shared = await sqliteFile();
  const db = await shared.open();
  await write(db, "before");
  await limitSize(db, "now");
  const many = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => write(db, `during ${i}`)));
  assert(many.every((one) => one.status === "rejected"));
  for (const one of many) assertEquals(storageFaultOf((one as PromiseRejectedResult).reason), "full");
  assertEquals(db.storage.fault?.kind, "full");
  assertEquals(await names(db), ["before"]);

  await limitSize(db, null);
  await write(db, "after");
  assertEquals(await names(db), ["after", "before"]);
  // One commit that went well is no room for a shop: who watches the disk says when it is over.
  assertEquals(db.storage.fault?.kind, "full");
  assertThrows(() => db.storage.checkRoom(), Error, "disk is full");
  db.storage.recovered();
  db.storage.checkRoom();
  assertEquals(db.storage.fault, null);
});

Deno.test("a transaction that fails beside a full disk leaves the others of its group nothing half done", async () => {
  await using shared = await sqliteFile();
  const db = await shared.open();
  await limitSize(db, "now");
  const results = await Promise.allSettled([
    db.transaction((tx) =>
      tx.insertInto("bans").values({ merchant: "m", pubkey: "p", created_at: 1 }).execute()
    ),
    write(db, "big", "x".repeat(100_000)),
    db.transaction(async (tx) => {
      await tx.insertInto("bans").values({ merchant: "m", pubkey: "q", created_at: 1 }).execute();
    }),
  ]);
  const stored = await db.kysely.selectFrom("bans").select("pubkey").execute();
  const fulfilled = results.filter((one) => one.status === "fulfilled").length;
  assertEquals(stored.length, fulfilled, "what resolved is stored, what rejected isn't");
});

Deno.test("a database that turns read-only is a fault, and none any more after the next commit", async () => {
  await using shared = await sqliteFile();
  const db = await shared.open();
  await sql`pragma query_only = 1`.execute(db.kysely);
  await assertRejects(() => write(db, "a"), Error, "readonly");
  assertEquals(db.storage.fault?.kind, "read_only");
  await sql`pragma query_only = 0`.execute(db.kysely);
  await write(db, "b");
  assertEquals(db.storage.fault, null);
});

Deno.test("after an I/O error nothing is written any more, not even what would seem to succeed", async () => {
  await using shared = await sqliteFile();
  const db = await shared.open();
  await write(db, "before");
  const failure = Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode: 1034 });
  await assertRejects(() => db.transaction(() => Promise.reject(failure)), Error, "disk I/O error");
  assertEquals((await db.storage.failed).kind, "disk");
  await assertRejects(() => write(db, "after"), StorageFailedError, "kept");
  assertEquals(await names(db), ["before"]);
});

Deno.test("storageFaultOf() knows the words of SQLite and the codes of PostgreSQL, and nothing else", () => {
  const sqlite = (message: string, errcode?: number) =>
    storageFaultOf(Object.assign(new Error(message), { code: "ERR_SQLITE_ERROR", errcode }));
  assertEquals(sqlite("database or disk is full"), "full");
  assertEquals(sqlite("database disk image is malformed", 267), "corrupt");
  assertEquals(sqlite("disk I/O error", 1034), "disk");
  assertEquals(sqlite("database is locked", 5), "busy");
  assertEquals(sqlite("UNIQUE constraint failed: settings.name", 1555), null);
  assertEquals(storageFaultOf(Object.assign(new Error("x"), { code: "53100" })), "full");
  assertEquals(storageFaultOf(Object.assign(new Error("x"), { code: "ECONNREFUSED" })), "away");
  assertEquals(storageFaultOf(Object.assign(new Error("x"), { code: "23505" })), null);
  assertEquals(storageFaultOf(new Error("database or disk is full")), null);
});
