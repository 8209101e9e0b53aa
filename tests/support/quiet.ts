import type { Database } from "../../src/db/database.ts";
import { settlesToo } from "./fake_clock.ts";

/**
 * While it is there a fake clock moves on only when nobody asks this database anything: what the clock woke is done then, or
 * sleeps again. (SQLite answers at once; PostgreSQL takes real time for it.)
 */
export function waitForQuiet(database: Database): Disposable {
  const executor = database.kysely.getExecutor();
  const provide = executor.provideConnection;
  let busy = 0;
  // What every query and every transaction goes through, also while it waits for a connection.
  executor.provideConnection = async (consumer) => {
    busy++;
    try {
      return await provide.call(executor, consumer) as Awaited<ReturnType<typeof consumer>>;
    } finally {
      busy--;
    }
  };
  return { [Symbol.dispose]: settlesToo(() => busy > 0) };
}
