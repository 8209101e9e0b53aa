import { dirname, resolve } from "node:path";
import { sql } from "kysely";
import type { Database } from "./database.ts";
import { openPostgres } from "./postgres.ts";
import { finishRestore } from "./restore.ts";
import { openSqlite } from "./sqlite.ts";
import { storageFaultOf } from "./storage_state.ts";

const IN_MEMORY = "sqlite::memory:";
/** Files up to this size are looked through whenever they are opened (about 50 ms); a backup reads those of any size. */
const LOOKED_THROUGH_BYTES = 32 * 1024 * 1024;

/** The SQLite file is damaged. Going on would make it worse. */
export class DamagedDatabaseError extends Error {
  override readonly name = "DamagedDatabaseError";
}

/**
 * Opens the database that `url` names: `null` or an empty string is the SQLite file `ncc.db` in `dataDir`, `sqlite:<path>`
 * another file (relative to `dataDir`; `sqlite::memory:` keeps nothing), `postgres://…` a PostgreSQL database. A new file
 * is readable by its owner only, and so is a new folder.
 *
 * Throws an error that says what to do when the URL isn't one of these. The URL itself, which may hold a password, is
 * never part of it.
 */
export async function openDatabase(url: string | null, dataDir: string): Promise<Database> {
  if (url !== null && /^postgres(ql)?:\/\//.test(url)) return await openPostgres(url);
  if (url === IN_MEMORY) return openSqlite(":memory:");
  const file = databaseFile(url, dataDir);
  if (file !== null) return await openFile(file);
  throw new Error(
    `NCC_DATABASE_URL begins with "${
      url!.split(":")[0]?.slice(0, 20)
    }": expected postgres://user:password@host/database, ` +
      `sqlite:<path>, or nothing for a SQLite file in the data folder.`,
  );
}

/** The SQLite file that `openDatabase` opens for this URL; null when it is no file. */
export function databaseFile(url: string | null, dataDir: string): string | null {
  if (url === null || url === "") return resolve(dataDir, "ncc.db");
  if (!url.startsWith("sqlite:") || url === "sqlite:" || url === IN_MEMORY) return null;
  return resolve(dataDir, url.slice("sqlite:".length).replace(/^\/\/(?=\/)/, ""));
}

async function openFile(path: string): Promise<Database> {
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  finishRestore(path);
  // SQLite gives its -wal and -shm files the mode of the database file.
  (await Deno.open(path, { create: true, write: true, mode: 0o600 })).close();
  const database = openSqlite(path);
  try {
    if ((await Deno.stat(path)).size <= LOOKED_THROUGH_BYTES) await refuseDamaged(database, path);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Throws a `DamagedDatabaseError` that says what is wrong and what to do. */
async function refuseDamaged(database: Database, path: string): Promise<void> {
  const problems = await problemsOf(database);
  if (problems.join() === "ok") return;
  throw new DamagedDatabaseError(
    `The database ${path} is damaged: ${
      problems.join("; ")
    }\n  Stop everything that uses it, keep a copy of it and of its -wal file, ` +
      `and restore a backup from <data>/backups (ncc restore).`,
  );
}

async function problemsOf(database: Database): Promise<string[]> {
  try {
    const { rows } = await sql<{ quick_check: string }>`pragma quick_check(3)`.execute(database.kysely);
    return rows.map((row) => row.quick_check);
  } catch (error) {
    // So damaged that it can't even be looked through.
    if (storageFaultOf(error) === "corrupt") return [(error as Error).message];
    throw error;
  }
}
