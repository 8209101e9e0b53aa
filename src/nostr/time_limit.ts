import { type Kysely, sql } from "kysely";
import { isPostgres } from "../db/dialect.ts";

// deno-lint-ignore no-explicit-any -- any tables will do
type AnyDb = Kysely<any>;

/**
 * Runs `work` so that none of its statements takes longer than `ms`; undefined or 0: no limit. PostgreSQL then rejects with its
 * own error, and neither the limit nor the failure reaches what comes after in an open transaction.
 *
 * A statement of SQLite's can't be interrupted: there only the wait for the connection is limited (`TimeoutError`).
 */
export async function withTimeLimit<T>(
  db: AnyDb,
  ms: number | undefined,
  work: (db: AnyDb) => Promise<T>,
): Promise<T> {
  if (ms === undefined || ms === 0) return await work(db);
  if (!isPostgres(db)) return await onTime(db, ms, work);
  const limit = String(Math.max(1, Math.ceil(ms)));
  if (!db.isTransaction) {
    return await db.transaction().execute(async (trx) => {
      await setLimit(trx, limit);
      return await work(trx);
    });
  }
  const { rows } = await sql<{ before: string }>`select current_setting('statement_timeout') as before`
    .execute(db);
  await sql`savepoint time_limit`.execute(db);
  try {
    await setLimit(db, limit);
    const value = await work(db);
    await setLimit(db, rows[0]!.before);
    return value;
  } catch (error) {
    await sql`rollback to savepoint time_limit`.execute(db);
    throw error;
  } finally {
    await sql`release savepoint time_limit`.execute(db);
  }
}

/** Whether this is what `withTimeLimit` rejects with when it took too long. */
export function isTimeout(error: unknown): boolean {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return code === "57014" || name === "TimeoutError";
}

function setLimit(db: AnyDb, limit: string): Promise<unknown> {
  return sql`select set_config('statement_timeout', ${limit}, true)`.execute(db);
}

async function onTime<T>(db: AnyDb, ms: number, work: (db: AnyDb) => Promise<T>): Promise<T> {
  const asked = performance.now();
  const begin = async (connected: AnyDb) => {
    if (performance.now() - asked > ms) {
      throw new DOMException(`the database was busy for more than ${ms} ms`, "TimeoutError");
    }
    return await work(connected);
  };
  return await (db.isTransaction ? begin(db) : db.connection().execute(begin));
}
