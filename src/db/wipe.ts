import { sql } from "kysely";
import type { Database } from "./database.ts";

/**
 * Makes what was deleted leave the files, too. SQLite: `secure_delete` has overwritten it in the pages; the log of commits
 * that still holds those pages as they were is written back and cut to nothing. False: somebody reads an older state just
 * now; try again later. PostgreSQL gives its pages back by itself (autovacuum), and its log as its settings say.
 */
export async function wipe(database: Database): Promise<boolean> {
  if (database.dialect !== "sqlite") return true;
  const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(database.kysely);
  return (rows[0]?.busy ?? 0) === 0;
}
