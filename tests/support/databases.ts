import { join } from "node:path";
import postgres from "postgres";
import { migrations } from "../../migrations/mod.ts";
import type { Database, Dialect } from "../../src/db/database.ts";
import { migrate } from "../../src/db/migrator.ts";
import { openPostgres } from "../../src/db/postgres.ts";
import { openSqlite } from "../../src/db/sqlite.ts";
import { memoryDatabase, migrateSqlite } from "./database.ts";
import { runsOnPostgres } from "./lane.ts";
import { postgresIsOff, testPostgres } from "./postgres.ts";
import { waitForQuiet } from "./quiet.ts";

/** One database that several may open, as several processes would; all are closed, and it is removed, when it is disposed. */
export interface SharedDatabase extends AsyncDisposable {
  readonly dialect: Dialect;
  /** A path or a `postgres://` URL. */
  readonly url: string;
  open(): Promise<Database>;
}

/** Registers a test on SQLite (in memory) and one on PostgreSQL, each on a fresh database with all tables. */
export function onEachDatabase(name: string, fn: (db: Database) => Promise<void>): void {
  onSqlite(name, async () => {
    await using db = await memoryDatabase();
    await fn(db);
  });
  onPostgres(name, async (shared) => await fn(await shared.open()));
}

/** Like `onEachDatabase`, with a database that the test opens itself, as often as it likes (SQLite: a file). */
export function onEachSharedDatabase(name: string, fn: (shared: SharedDatabase) => Promise<void>): void {
  onSqlite(name, async () => {
    await using shared = await sqliteFile();
    await fn(shared);
  });
  onPostgres(name, fn);
}

/** Like `onEachSharedDatabase`, without any table. */
export function onEachEmptyDatabase(name: string, fn: (shared: SharedDatabase) => Promise<void>): void {
  onSqlite(name, async () => {
    await using shared = await sqliteFile({ migrated: false });
    await fn(shared);
  });
  onPostgres(name, fn, { migrated: false });
}

function onSqlite(name: string, fn: () => Promise<void>): void {
  if (!runsOnPostgres()) Deno.test(`${name} (sqlite)`, fn);
}

/** Registers a test on PostgreSQL only. The run on SQLite has it, beside those on both: the one on PostgreSQL needn't repeat it. */
export function onPostgres(
  name: string,
  fn: (shared: SharedDatabase) => Promise<void>,
  options = { migrated: true },
): void {
  if (runsOnPostgres()) return;
  Deno.test({
    name: `${name} (postgres)`,
    ignore: postgresIsOff(),
    fn: async () => {
      await using shared = await postgresDatabase(options);
      await fn(shared);
    },
  });
}

/** A SQLite file in a folder of its own. */
export async function sqliteFile(options = { migrated: true }): Promise<SharedDatabase> {
  const dir = await Deno.makeTempDir({ prefix: "ncc-test-" });
  const url = join(dir, "ncc.db");
  const shared = new Shared(
    "sqlite",
    url,
    () => Promise.resolve(openSqlite(url)),
    () => Deno.remove(dir, { recursive: true }),
  );
  if (options.migrated) await migrateSqlite(await shared.open());
  return shared;
}

/** A fresh PostgreSQL database on the test run's server. */
export async function postgresDatabase(options = { migrated: true }): Promise<SharedDatabase> {
  const server = await testPostgres();
  const name = `t_${crypto.randomUUID().replaceAll("-", "")}`;
  await administer(server, async (admin) => {
    if (options.migrated) await ensureTemplate(admin, server);
    await admin.unsafe(`create database ${name} template ${options.migrated ? TEMPLATE : "template0"}`);
  });
  const url = urlOf(server, name);
  const drop = () =>
    administer(server, async (admin) => void await admin.unsafe(`drop database ${name} with (force)`));
  return new Shared("postgres", url, () => openPostgres(url), drop);
}

class Shared implements SharedDatabase {
  readonly dialect: Dialect;
  readonly url: string;
  readonly #open: () => Promise<Database>;
  readonly #remove: () => Promise<void>;
  readonly #opened: { database: Database; quiet: Disposable }[] = [];

  constructor(dialect: Dialect, url: string, open: () => Promise<Database>, remove: () => Promise<void>) {
    this.dialect = dialect;
    this.url = url;
    this.#open = open;
    this.#remove = remove;
  }

  async open(): Promise<Database> {
    const database = await this.#open();
    this.#opened.push({ database, quiet: waitForQuiet(database) });
    return database;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { database, quiet } of this.#opened) {
      quiet[Symbol.dispose]();
      await database.close();
    }
    await this.#remove();
  }
}

/** Copying a migrated database is ten times as fast as migrating each test's own. */
const TEMPLATE = "ncc_template";

async function ensureTemplate(admin: postgres.Sql, server: string): Promise<void> {
  await admin`select pg_advisory_lock(1)`;
  try {
    const known = await admin`select 1 from pg_database where datname = ${TEMPLATE}`;
    if (known.length > 0) return;
    await admin.unsafe(`drop database if exists ${TEMPLATE}_new`);
    await admin.unsafe(`create database ${TEMPLATE}_new template template0`);
    const database = await openPostgres(urlOf(server, `${TEMPLATE}_new`));
    await migrate(database, migrations).finally(() => database.close());
    await admin.unsafe(`alter database ${TEMPLATE}_new rename to ${TEMPLATE}`);
  } finally {
    await admin`select pg_advisory_unlock(1)`;
  }
}

async function administer(server: string, work: (admin: postgres.Sql) => Promise<void>): Promise<void> {
  const admin = postgres(server, { max: 1, onnotice: () => {} });
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}

function urlOf(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}
