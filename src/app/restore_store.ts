import { type Kysely, sql } from "kysely";
import type { Tx } from "../db/database.ts";
import type { Tables } from "../db/tables.ts";
import { getFact, putFact } from "./facts_store.ts";

/** A restore as the database knows it. Times in ms since 1970. */
export interface RestoreFact {
  restored_at: number;
  /** The newest time that was found in the backup: what came later is unknown to it. */
  backup_at: number;
  /** When somebody confirmed the differences; null while the fence stands. */
  lifted_at: number | null;
}

const NAME = "restore";

export async function readRestore(db: Kysely<Tables>): Promise<RestoreFact | null> {
  const text = await getFact(db, NAME);
  return text === undefined ? null : JSON.parse(text) as RestoreFact;
}

export async function writeRestore(tx: Tx, fact: RestoreFact, now: number): Promise<void> {
  await putFact(tx, { name: NAME, value: JSON.stringify(fact), now });
}

/** What was said before has served its purpose, and so has the note of the restore. */
export async function dropRestore(tx: Tx): Promise<void> {
  await tx.deleteFrom("settings").where("name", "=", NAME).execute();
}

/** The newest time that a database tells of (ms): until then it knows what happened. 0 for an empty one. */
export async function newestTime(db: Kysely<Tables>): Promise<number> {
  const rows = await Promise.all([
    db.selectFrom("inbox").select((e) => e.fn.max("received_at").as("at")).executeTakeFirst(),
    db.selectFrom("order_timeline").select((e) => e.fn.max("at").as("at")).executeTakeFirst(),
    db.selectFrom("outbox_events").select((e) => e.fn.max("created_at").as("at")).executeTakeFirst(),
    db.selectFrom("outbox").select((e) => e.fn.max("updated_at").as("at")).executeTakeFirst(),
    db.selectFrom("relay_cursors").select((e) => e.fn.max("updated_at").as("at")).executeTakeFirst(),
    db.selectFrom("merchants").select((e) => e.fn.max("updated_at").as("at")).executeTakeFirst(),
    db.selectFrom("audit").select((e) => e.fn.max("at").as("at")).executeTakeFirst(),
  ]);
  return Math.max(0, ...rows.map((row) => Number(row?.at ?? 0)));
}

/** What waited behind the fence is due now. */
export async function releaseHeld(tx: Tx, why: string, now: number): Promise<void> {
  await tx.updateTable("jobs").set({ run_at: now })
    .where("state", "=", sql.lit("ready" as const)).where("last_error", "=", why).execute();
  tx.wake("jobs");
  tx.wake("inbox");
  tx.wake("outbox");
}

/** Merchants that a database serves, and whether other keys and wallets lie sealed in it. */
export async function whoIsIn(
  db: Kysely<Tables>,
): Promise<{ merchants: { pubkey: string; key_source: string }[]; secrets: number; orders: number }> {
  const merchants = await db.selectFrom("merchants").select(["pubkey", "key_source"]).orderBy("created_at")
    .execute();
  const count = async (table: "secrets" | "orders") =>
    Number(
      (await db.selectFrom(table).select((e) => e.fn.countAll<number>().as("n")).executeTakeFirstOrThrow()).n,
    );
  return { merchants, secrets: await count("secrets"), orders: await count("orders") };
}
