import type { Insertable, Kysely, Selectable } from "kysely";
import type { Tx } from "../db/database.ts";
import type { SaidBeforeTable, Tables } from "../db/tables.ts";

/**
 * What the merchant's key told customers after the backup that was restored, as the relays have it: our own words, and so
 * the only record of what happened since. It is looked at only where a backup was restored.
 */
export type SaidBefore = Selectable<SaidBeforeTable>;

/** Whose order it is about, in the customer's words. */
export interface SaidAbout {
  merchant: string;
  customer: string;
  orderRef: string;
}

/** Whether there is anything to look at: no question is asked where no backup was ever restored. */
export interface Memory {
  readonly any: boolean;
}

const CHUNK = 50;

/** Keeps what was read; what is kept already stays. Answers how much of it is new. */
export async function addSaid(tx: Tx, said: Insertable<SaidBeforeTable>[]): Promise<number> {
  let added = 0;
  for (let i = 0; i < said.length; i += CHUNK) {
    const done = await tx.insertInto("said_before").values(said.slice(i, i + CHUNK))
      .onConflict((on) => on.doNothing()).executeTakeFirst();
    added += Number(done.numInsertedOrUpdatedRows ?? 0n);
  }
  return added;
}

/** All that was said about an order, oldest first. */
export async function saidAbout(
  db: Kysely<Tables>,
  { merchant, customer, orderRef }: SaidAbout,
): Promise<SaidBefore[]> {
  return await db.selectFrom("said_before").selectAll()
    .where("merchant", "=", merchant).where("customer", "=", customer).where("order_ref", "=", orderRef)
    .orderBy("at_seconds").orderBy("event_id").execute();
}

/** Whether somebody was told just this. */
export async function wasTold(
  db: Kysely<Tables>,
  o: { merchant: string; customer: string; statement: string },
): Promise<boolean> {
  const row = await db.selectFrom("said_before").select("event_id").where("merchant", "=", o.merchant)
    .where("customer", "=", o.customer).where("statement", "=", o.statement).limit(1).executeTakeFirst();
  return row !== undefined;
}

/** Whether an event or a rumor of the merchant's key is among what was read. */
export async function wasRead(db: Kysely<Tables>, merchant: string, ids: string[]): Promise<boolean> {
  const row = await db.selectFrom("said_before").select("event_id")
    .where("merchant", "=", merchant).where("event_id", "in", ids).limit(1).executeTakeFirst();
  return row !== undefined;
}

/** It has served its purpose: everything of before the restore is decided. */
export async function forgetSaid(tx: Tx): Promise<void> {
  await tx.deleteFrom("said_before").execute();
  await tx.deleteFrom("published_before").execute();
}
