import { sql } from "kysely";
import type { Tx } from "../db/database.ts";

/**
 * The clock was set back by `ms`: what was put off while it ran ahead is due as much earlier, or it would wait for that long.
 * Rows of before that wait for longer than `ms` come a little early, which harms nothing.
 */
export async function pullForward(tx: Tx, ms: number, now: number): Promise<void> {
  const from = now + ms;
  for (
    const [table, column] of [
      ["outbox", "next_at"],
      ["inbox", "next_at"],
      ["jobs", "run_at"],
      ["jobs", "lease_until"],
      ["leases", "until"],
      ["invoices", "next_lookup_at"],
      ["orders", "expires_at"],
    ] as const
  ) {
    const time = sql.ref(column);
    await sql`update ${sql.table(table)} set ${time} = ${time} - ${ms} where ${time} >= ${from}`.execute(tx);
  }
  for (const topic of ["jobs", "inbox", "outbox"] as const) tx.wake(topic);
}
