import { dirname, resolve } from "node:path";
import type { Database } from "./database.ts";
import { openPostgres } from "./postgres.ts";
import { openSqlite } from "./sqlite.ts";

/**
 * Opens the database that `url` names: `null` or an empty string is the SQLite file `ncc.db` in `dataDir`, `sqlite:<path>`
 * another file (relative to `dataDir`; `sqlite::memory:` keeps nothing), `postgres://…` a PostgreSQL database. A new file
 * is readable by its owner only, and so is a new folder.
 *
 * Throws an error that says what to do when the URL isn't one of these. The URL itself, which may hold a password, is
 * never part of it.
 */
export async function openDatabase(url: string | null, dataDir: string): Promise<Database> {
  if (url === null || url === "") return await openFile(resolve(dataDir, "ncc.db"));
  if (/^postgres(ql)?:\/\//.test(url)) return await openPostgres(url);
  if (url === "sqlite::memory:") return openSqlite(":memory:");
  if (url.startsWith("sqlite:") && url.length > "sqlite:".length) {
    return await openFile(resolve(dataDir, url.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "")));
  }
  throw new Error(
    `NCC_DATABASE_URL begins with "${
      url.split(":")[0]?.slice(0, 20)
    }": expected postgres://user:password@host/database, ` +
      `sqlite:<path>, or nothing for a SQLite file in the data folder.`,
  );
}

async function openFile(path: string): Promise<Database> {
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // SQLite gives its -wal and -shm files the mode of the database file.
  (await Deno.open(path, { create: true, write: true, mode: 0o600 })).close();
  return openSqlite(path);
}
