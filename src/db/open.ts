import { dirname, resolve } from "node:path";
import type { Database } from "./database.ts";
import { openPostgres } from "./postgres.ts";
import { openSqlite } from "./sqlite.ts";

const IN_MEMORY = "sqlite::memory:";

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
  // SQLite gives its -wal and -shm files the mode of the database file.
  (await Deno.open(path, { create: true, write: true, mode: 0o600 })).close();
  return openSqlite(path);
}
