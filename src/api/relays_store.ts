import { type Kysely, sql } from "kysely";
import type { Tables } from "../db/tables.ts";

// A literal: a partial index serves the query only if its text says so.
const PENDING = sql.lit("pending" as const);

/** What the database knows of a merchant's relay. */
export interface RelayBooks {
  /** Read up to here (ms, by our clock); null before the first time. */
  cursor: number | null;
  /** Events of ours that are still to go there, when the next one is tried (ms), and whether it wants us to slow down. */
  waiting: number;
  nextTryAt: number | null;
  limited: boolean;
}

/** The books of these merchants' relays, by `<merchant> <url>`. */
export async function relayBooks(db: Kysely<Tables>, merchants: string[]): Promise<Map<string, RelayBooks>> {
  const books = new Map<string, RelayBooks>();
  if (merchants.length === 0) return books;
  const cursors = await db.selectFrom("relay_cursors").select(["merchant", "relay", "cursor"])
    .where("merchant", "in", merchants).execute();
  const lanes = await db.selectFrom("outbox").select((eb) => [
    "merchant",
    "relay",
    eb.fn.countAll<number>().as("waiting"),
    eb.fn.min("next_at").as("next_at"),
    sql<number>`max(case when answer like 'rate-limited:%' then 1 else 0 end)`.as("limited"),
  ]).where("state", "=", PENDING).where("merchant", "in", merchants).groupBy(["merchant", "relay"]).execute();
  const of = (row: { merchant: string; relay: string }) => {
    const name = `${row.merchant} ${row.relay}`;
    const known = books.get(name) ?? { cursor: null, waiting: 0, nextTryAt: null, limited: false };
    books.set(name, known);
    return known;
  };
  for (const row of cursors) of(row).cursor = row.cursor;
  for (const row of lanes) {
    Object.assign(of(row), {
      waiting: Number(row.waiting),
      nextTryAt: Number(row.next_at),
      limited: Number(row.limited) === 1,
    });
  }
  return books;
}
