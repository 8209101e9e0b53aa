import { join } from "node:path";
import { type BackupFile, backupName, backupsFolder, listBackups, pruneBackups } from "../db/backups.ts";
import { copySqlite } from "../db/backup.ts";
import { databaseFile } from "../db/open.ts";
import type { Settings } from "../settings.ts";

type Where = Pick<Settings, "NCC_DATA_DIR" | "NCC_DATABASE_URL" | "NCC_BACKUPS_KEEP">;

/** A backup that can't be made here; the message says what to do instead. */
export class BackupError extends Error {
  override readonly name = "BackupError";
}

/** What was made, and the names of older ones that were removed for it. */
export interface Backup extends BackupFile {
  removed: string[];
}

/** What a backup leaves out on purpose, and how to keep it. */
export const LEFT_OUT =
  "It holds customers' data, and neither the master key (master.key) nor the shop's key (key.nsec, NCC_KEY): keep " +
  "those apart from it, the shop's key by `ncc key export --encrypted`, the master key as a copy where only you can read. " +
  "Without the master key, keys and wallets that were set by the API can't be opened again.";

const PG_DUMP =
  'Back PostgreSQL up with its own tool: pg_dump --format=custom --file=ncc.dump "$NCC_DATABASE_URL" . ' +
  "After pg_restore run `ncc restore --fence`, so that nothing is sent twice.";

/**
 * Copies the SQLite database while others use it, verified whole, to `file` or else into `<data>/backups`, where the newest
 * NCC_BACKUPS_KEEP stay. Throws a `BackupError` where that can't be done.
 */
export async function makeBackup(settings: Where, o: { now: number; file?: string }): Promise<Backup> {
  const source = databaseFile(settings.NCC_DATABASE_URL ?? null, settings.NCC_DATA_DIR);
  if (source === null) {
    const inMemory = settings.NCC_DATABASE_URL?.startsWith("sqlite:");
    throw new BackupError(inMemory ? "A database in memory can't be backed up." : PG_DUMP);
  }
  if (!await exists(source)) throw new BackupError(`There is no database at ${source} yet.`);
  const target = o.file ?? await freeName(settings.NCC_DATA_DIR, o.now);
  if (await exists(target)) throw new BackupError(`${target} is there already. Give another name.`);
  await copySqlite(source, target);
  const removed = o.file === undefined
    ? await pruneBackups(settings.NCC_DATA_DIR, settings.NCC_BACKUPS_KEEP)
    : [];
  const { size, mtime } = await Deno.stat(target);
  return {
    name: target.slice(target.lastIndexOf("/") + 1),
    path: target,
    bytes: size,
    at: mtime?.getTime() ?? o.now,
    removed,
  };
}

/** Those in `<data>/backups`, newest first. */
export function backupsOf(settings: Where): Promise<BackupFile[]> {
  return listBackups(settings.NCC_DATA_DIR);
}

async function freeName(dataDir: string, now: number): Promise<string> {
  const folder = backupsFolder(dataDir);
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  for (let again = 0;; again++) {
    const path = join(folder, backupName(now, again));
    if (!await exists(path)) return path;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
