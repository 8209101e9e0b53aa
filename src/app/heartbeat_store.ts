import { sql } from "kysely";
import type { Database, Tx } from "../db/database.ts";
import { freeHolder } from "../jobs/claims_store.ts";
import { freeClaims } from "../nostr/outbox_claims.ts";
import { makeAllOpenDue } from "../payments/invoices_store.ts";

const PREFIX = "process:";

/** Says that this process lives until `until` (ms), unless it says so again. */
export async function beat(database: Database, holder: string, until: number): Promise<void> {
  await database.transaction((tx) =>
    tx.insertInto("leases").values({ name: PREFIX + holder, holder, until, epoch: 1 })
      .onConflict((conflict) => conflict.column("name").doUpdateSet({ until })).execute()
  );
}

/** This process ends by itself, and has given back what it had. */
export async function leave(database: Database, holder: string): Promise<void> {
  await database.transaction((tx) => tx.deleteFrom("leases").where("name", "=", PREFIX + holder).execute());
}

/** Processes that haven't been heard of in time. */
export async function silent(database: Database, now: number): Promise<string[]> {
  const rows = await database.kysely.selectFrom("leases").select("holder")
    .where(sql<boolean>`name like ${`${PREFIX}%`}`).where("until", "<=", now).execute();
  return rows.map((row) => row.holder);
}

/**
 * Frees what a process held that is gone: its leases, its jobs, what it was about to send and to ask wallets. False when it
 * lives after all, or another process has done it. If it only stalled, fencing keeps its late writes out, and what it sends
 * is the same bytes again.
 */
export async function bury(tx: Tx, holder: string, now: number): Promise<boolean> {
  const gone = await tx.deleteFrom("leases").where("name", "=", PREFIX + holder).where("until", "<=", now)
    .executeTakeFirst();
  if (gone.numDeletedRows === 0n) return false;
  await freeHolder(tx, holder, now);
  await freeClaims(tx, now);
  await makeAllOpenDue(tx, now);
  tx.wake("inbox");
  return true;
}
