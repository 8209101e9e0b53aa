import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Migration } from "kysely/migration";
import { timeOf } from "./backups.ts";
import { copySqlite } from "./backup.ts";
import type { Database } from "./database.ts";
import { migrate, NewerSchemaError } from "./migrator.ts";
import { DatabaseInUseError, lockDatabaseFile } from "./sole_lock.ts";
import { openSqlite } from "./sqlite.ts";

/** A file that can't be restored; nothing was changed. */
export class RestoreError extends Error {
  override readonly name = "RestoreError";
}

/** What moving files needs of the system; a test makes it fail. */
export interface Files {
  /** False when there is nothing to move. */
  move(from: string, to: string): boolean;
  remove(path: string): void;
}

/** What was put in place, and where the database of before is now (null: there was none). */
export interface Restored<T> {
  kept: string | null;
  found: T;
}

const PREPARING = ".restore-part";
const READY = ".restoring-";
const KEPT = ".before-restore-";
/** Beside a SQLite file: its log of commits and that log's index. */
const COMPANIONS = ["-wal", "-journal", "-shm"] as const;

/**
 * Puts the backup `file` in the place of the SQLite database `target`. A copy is made, checked whole, brought to this
 * program's schema and handed to `prepare`; only then is it decided, by the rename that makes the copy `…restoring-<time>`.
 * A crash before leaves the database of before; after it, whoever opens the database next completes the move. The
 * database of before stays beside it as `…before-restore-<time>`, with its log.
 *
 * Throws a `RestoreError` for a file that is no good backup, a `DatabaseInUseError` while a server runs.
 */
export async function restoreSqlite<T>(o: {
  file: string;
  target: string;
  now: number;
  migrations: Record<string, Migration>;
  prepare(copy: Database): Promise<T>;
  files?: Files;
}): Promise<Restored<T>> {
  const { file, target, now } = o;
  if (!isFile(file)) throw new RestoreError(`There is no file ${file}. Backups are in <data>/backups.`);
  await Deno.mkdir(dirname(target), { recursive: true, mode: 0o700 });
  using lock = lockDatabaseFile(target);
  if (lock === null) {
    throw new DatabaseInUseError(
      `A server uses ${target}. Stop it first (Ctrl-C, or SIGTERM), then restore.`,
    );
  }
  completeRestore(target, o.files);
  const part = `${target}${PREPARING}`;
  forget(part);
  const found = await readied(o, part);
  const ready = `${target}${READY}${timeOf(now)}`;
  await synced(part);
  Deno.renameSync(part, ready);
  const kept = completeRestore(target, o.files);
  return { kept, found };
}

/**
 * Completes a restore that was decided and not finished; whoever opens the database calls this first. Answers where the
 * database of before is; null when there was none, or nothing to complete. Throws a `DatabaseInUseError` when another
 * process is at it.
 */
export function finishRestore(target: string): string | null {
  if (readyFile(target) === null) return null;
  using lock = lockDatabaseFile(target);
  if (lock === null) throw new DatabaseInUseError(`${target} is being restored. Try again in a moment.`);
  return completeRestore(target);
}

/** Every step can be the last one before a crash: what is done is found done, and what is missing is done. */
function completeRestore(target: string, files: Files = denoFiles): string | null {
  const ready = readyFile(target);
  if (ready === null) return null;
  const kept = `${target}${KEPT}${ready.slice(`${target}${READY}`.length)}`;
  // Its log first: a log that stood beside the restored file would be taken for its own.
  for (const companion of COMPANIONS) {
    if (companion === "-shm") files.remove(`${target}${companion}`);
    else files.move(`${target}${companion}`, `${kept}${companion}`);
  }
  files.move(target, kept);
  files.move(ready, target);
  syncFolder(dirname(target));
  return isFile(kept) ? kept : null;
}

/** The copy, checked and prepared, as one closed file. */
async function readied<T>(
  { file, migrations, prepare }: {
    file: string;
    migrations: Record<string, Migration>;
    prepare(copy: Database): Promise<T>;
  },
  part: string,
): Promise<T> {
  try {
    await copySqlite(file, part);
    looksLikeOurs(part, file);
  } catch (error) {
    if (error instanceof RestoreError) throw error;
    throw new RestoreError(
      `${file} can't be restored: ${(error as Error).message}. Take another backup; nothing was changed.`,
      { cause: error },
    );
  }
  const copy = openSqlite(part);
  let found: T;
  try {
    await migrate(copy, migrations);
    found = await prepare(copy);
  } catch (error) {
    if (!(error instanceof NewerSchemaError)) throw error;
    throw new RestoreError(`${file} was made by a newer version of ncc: install that one to restore it.`, {
      cause: error,
    });
  } finally {
    await copy.close();
  }
  const plain = new DatabaseSync(part);
  try {
    plain.exec("pragma journal_mode = delete");
  } finally {
    plain.close();
  }
  return found;
}

function looksLikeOurs(part: string, file: string): void {
  const database = new DatabaseSync(part, { readOnly: true });
  try {
    const found = database.prepare(
      "select name from sqlite_master where name in ('kysely_migration', 'inbox')",
    )
      .all();
    if (found.length < 2) throw new RestoreError(`${file} is no database of ncc. Nothing was changed.`);
  } finally {
    database.close();
  }
}

function readyFile(target: string): string | null {
  const begin = `${basename(target)}${READY}`;
  try {
    for (const { name } of Deno.readDirSync(dirname(target))) {
      if (name.startsWith(begin) && !COMPANIONS.some((one) => name.endsWith(one))) {
        return join(dirname(target), name);
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return null;
}

const denoFiles: Files = {
  move(from, to) {
    if (!isFile(from)) return false;
    Deno.renameSync(from, to);
    return true;
  },
  remove: forget,
};

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

function forget(path: string): void {
  if (isFile(path)) Deno.removeSync(path);
}

async function synced(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  await file.sync();
}

/** The renames themselves are only safe from a power cut once their folder is written. */
function syncFolder(path: string): void {
  using folder = Deno.openSync(path, { read: true });
  folder.syncSync();
}
