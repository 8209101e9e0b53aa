import { basename, join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { sql } from "kysely";
import type { Migration } from "kysely/migration";
import type { Clock } from "../clock.ts";
import type { Database } from "./database.ts";
import { migrate, type Migrated } from "./migrator.ts";

/** A database with data is not migrated without a backup. */
export class BackupNeededError extends Error {
  override readonly name = "BackupNeededError";
}

/** What `migrateWithBackup` needs beside the database. */
export interface BackupOptions {
  dataDir: string;
  /** The operator says that a PostgreSQL database was backed up (`--backed-up`). */
  backedUp: boolean;
  clock: Clock;
}

/** What `migrateWithBackup` did. */
export interface MigratedSafely extends Migrated {
  /** The verified copy of a SQLite database that was made before; null when there was no need. */
  backup: string | null;
}

/**
 * Like `migrate`, but a database with data is backed up before anything changes: a SQLite file by a verified copy in
 * `<dataDir>/backups`, a PostgreSQL database by its operator.
 *
 * Throws `BackupNeededError` on PostgreSQL without `backedUp`, `NewerSchemaError`, and whatever stopped the copy; the
 * database is unchanged then.
 */
export async function migrateWithBackup(
  database: Database,
  migrations: Record<string, Migration>,
  options: BackupOptions,
): Promise<MigratedSafely> {
  let copy: string | null = null;
  const migrated = await migrate(database, migrations, async () => {
    if (database.dialect === "sqlite") {
      copy = await backUpBeforeMigration(database, options);
    } else if (!options.backedUp) {
      throw new BackupNeededError(
        `This version of ncc has to change the tables of the PostgreSQL database. Back it up first ` +
          `(for example: pg_dump --format=custom --file=ncc.dump …), then start once more with --backed-up.`,
      );
    }
  });
  return { ...migrated, backup: copy };
}

/**
 * Copies the SQLite database, while others use it, to the file `target`, which is then opened and checked. The copy is one
 * file of mode 0600 and appears under its name only when it is known to be good. It leaves out the key files.
 */
export async function backUpSqlite(database: Database, target: string): Promise<void> {
  const source = await fileOf(database);
  if (source === null) throw new Error("a database in memory can't be backed up");
  await copySqlite(source, target);
}

/** The same for a file that another process may have open. */
export async function copySqlite(source: string, target: string): Promise<void> {
  const part = `${target}.part`;
  await removeIfThere(part);
  (await Deno.open(part, { createNew: true, write: true, mode: 0o600 })).close();
  try {
    const from = new DatabaseSync(source, { readOnly: true });
    try {
      await backup(from, part);
    } finally {
      from.close();
    }
    check(part, source);
    using file = await Deno.open(part, { read: true, write: true });
    await file.sync();
    await Deno.rename(part, target);
  } catch (error) {
    await removeIfThere(part);
    throw error;
  }
}

async function backUpBeforeMigration(
  database: Database,
  { dataDir, clock }: BackupOptions,
): Promise<string | null> {
  const source = await fileOf(database);
  if (source === null) return null;
  const folder = join(dataDir, "backups");
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const time = new Date(clock.now()).toISOString().replace(/[-:]|\.\d+/g, "");
  const target = join(folder, `${basename(source)}-before-migration-${time}`);
  try {
    await backUpSqlite(database, target);
  } catch (error) {
    const why =
      `The database could not be backed up to ${target}, so its tables were not changed. Is the disk full?`;
    throw new Error(why, { cause: error });
  }
  return target;
}

/** Opens the copy as a restore would, and reads all of it. */
function check(copy: string, source: string): void {
  const database = new DatabaseSync(copy);
  try {
    // One file: no -wal beside it that a restore could forget.
    database.exec("pragma journal_mode = delete");
    const problems = database.prepare("pragma integrity_check").all().map((row) =>
      String(row.integrity_check)
    );
    if (problems.join() !== "ok") {
      throw new Error(`the copy of ${source} is damaged: ${problems.slice(0, 3).join("; ")}`);
    }
  } finally {
    database.close();
  }
}

async function fileOf(database: Database): Promise<string | null> {
  const { rows } = await sql<{ name: string; file: string }>`pragma database_list`.execute(database.kysely);
  return rows.find((row) => row.name === "main")?.file || null;
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
