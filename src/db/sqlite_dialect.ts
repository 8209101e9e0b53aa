import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import {
  CompiledQuery,
  type DatabaseConnection,
  type QueryCompiler,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
  type SqliteStatement,
} from "kysely";
import { PlannedOnceCompiler } from "./sqlite_compiler.ts";

/** How long a transaction waits for another process that writes, before `SQLITE_BUSY`. */
const BUSY_TIMEOUT_MS = 5_000;
const BUSY_STEP_MS = 10;
const SQLITE_BUSY = 5;
const STATEMENTS_KEPT = 400;

/**
 * Kysely's dialect over `node:sqlite`, with transactions that begin `immediate`: deferred ones fail with SQLITE_BUSY when
 * they first write beside another process.
 */
export class NodeSqliteDialect extends SqliteDialect {
  readonly #file: DatabaseSync;
  readonly #config: SqliteDialectConfig;

  constructor(file: DatabaseSync) {
    const config = { database: () => Promise.resolve(statementCache(file)) };
    super(config);
    this.#file = file;
    this.#config = config;
    file.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
  }

  override createDriver(): SqliteDriver {
    return new ImmediateDriver(this.#file, this.#config);
  }

  override createQueryCompiler(): QueryCompiler {
    return new PlannedOnceCompiler();
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter();
  }
}

/** SQLite's DDL is transactional (Kysely assumes not): a failing migration leaves nothing, and only one process migrates. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class ImmediateDriver extends SqliteDriver {
  readonly #file: DatabaseSync;

  constructor(file: DatabaseSync, config: SqliteDialectConfig) {
    super(config);
    this.#file = file;
  }

  /** Waits for another writer without standing still: SQLite's own wait would stop the whole process meanwhile. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    for (let waited = 0;; waited += BUSY_STEP_MS) {
      this.#file.exec("pragma busy_timeout = 0");
      try {
        await connection.executeQuery(CompiledQuery.raw("begin immediate"));
        return;
      } catch (error) {
        const busy = (error as { errcode?: number }).errcode === SQLITE_BUSY;
        if (!busy || waited >= BUSY_TIMEOUT_MS) throw error;
      } finally {
        this.#file.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
      }
      await new Promise((resolve) => setTimeout(resolve, BUSY_STEP_MS));
    }
  }

  /** A full disk or an I/O error makes SQLite roll back by itself; asking again would hide that error behind its own. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#file.isTransaction) await super.rollbackTransaction(connection);
  }
}

/** What Kysely expects of a driver, with prepared statements kept (four times as fast by id, a third of the memory). */
function statementCache(file: DatabaseSync): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>();
  return {
    close: () => file.close(),
    prepare(text: string): SqliteStatement {
      const known = kept.get(text);
      if (known) return known;
      const prepared = file.prepare(text);
      const statement: SqliteStatement = {
        reader: prepared.columns().length > 0,
        all: (parameters) => prepared.all(...(parameters as SQLInputValue[])),
        run: (parameters) => prepared.run(...(parameters as SQLInputValue[])),
        iterate: (parameters) =>
          prepared.iterate(...(parameters as SQLInputValue[])) as IterableIterator<unknown>,
      };
      if (kept.size >= STATEMENTS_KEPT) kept.delete(kept.keys().next().value!);
      kept.set(text, statement);
      return statement;
    },
  };
}
