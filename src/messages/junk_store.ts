import { type Kysely, sql } from "kysely";
import type { Tx } from "../db/database.ts";
import type { Tables } from "../db/tables.ts";
import { LANES } from "../nostr/arrivals.ts";

// Literals: partial indexes serve a query only if its text says so.
const NEW = sql.lit("new" as const);

/** How far a walk over the junk has come: the oldest first. */
export interface JunkPlace {
  receivedAt: number;
  seq: number;
}

/** What strangers' events fill: those that were no order, and those not read yet (whose size is guessed from the others'). */
export async function strangersUsage(db: Kysely<Tables>): Promise<{ events: number; bytes: number }> {
  const junk = await db.selectFrom("inbox")
    .select((eb) => [eb.fn.countAll<number>().as("n"), eb.fn.sum<number | null>("junk_bytes").as("bytes")])
    .where("junk_bytes", "is not", null).executeTakeFirstOrThrow();
  const waiting = await db.selectFrom("inbox").select((eb) => eb.fn.countAll<number>().as("n"))
    .where("state", "=", NEW).where("lane", "in", [LANES.strangers, LANES.wraps]).executeTakeFirstOrThrow();
  const events = Number(junk.n);
  const bytes = Number(junk.bytes ?? 0);
  const size = events === 0 ? GUESSED_BYTES : Math.ceil(bytes / events);
  return { events: events + Number(waiting.n), bytes: bytes + Number(waiting.n) * size };
}

const GUESSED_BYTES = 1_000;

/**
 * Forgets one portion of junk received before `before` (ms), from `after` on: inbox rows, the chat made of them and the
 * built-in relay's copies. What belongs to somebody who has an order by now, or whom the merchant has answered, is junk no
 * longer and stays. Answers where to go on; null at the end.
 */
export async function forgetJunk(
  tx: Tx,
  o: { before: number; after: JunkPlace | null; limit: number; onlyUnreadable?: boolean },
): Promise<{ next: JunkPlace | null; forgotten: number }> {
  const { after } = o;
  const rows = await tx.selectFrom("inbox").select([
    "seq",
    "merchant",
    "event_id",
    "author",
    "sender",
    "state",
    "received_at",
  ])
    .where("junk_bytes", "is not", null).where("received_at", "<", o.before)
    .$if(
      after !== null,
      (q) =>
        q.where((eb) => eb(eb.refTuple("received_at", "seq"), ">", eb.tuple(after!.receivedAt, after!.seq))),
    )
    .orderBy("received_at").orderBy("seq").limit(o.limit)
    .execute();
  const last = rows.at(-1);
  const next = last && rows.length === o.limit ? { receivedAt: last.received_at, seq: last.seq } : null;
  const looked = o.onlyUnreadable ? rows.filter((row) => row.sender === null) : rows;
  const kept = new Set<number>();
  for (const [merchant, theirs] of Map.groupBy(looked, (row) => row.merchant)) {
    const people = [...new Set(theirs.map((row) => row.sender ?? row.author))];
    const known = await knownTo(tx, merchant, people);
    for (const row of theirs) if (known.has(row.sender ?? row.author)) kept.add(row.seq);
  }
  const [stay, go] = [looked.filter((row) => kept.has(row.seq)), looked.filter((row) => !kept.has(row.seq))];
  if (stay.length > 0) {
    await tx.updateTable("inbox").set({ junk_bytes: null }).where("seq", "in", stay.map((row) => row.seq))
      .execute();
  }
  if (go.length > 0) await forget(tx, go);
  return { next, forgotten: go.length };
}

/** Those of these keys who have an order, or whom the merchant has written to. */
async function knownTo(tx: Tx, merchant: string, keys: string[]): Promise<Set<string>> {
  const customers = await tx.selectFrom("orders").select("customer").distinct()
    .where("merchant", "=", merchant).where("customer", "in", keys).execute();
  const partners = await tx.selectFrom("messages").select("customer").distinct()
    .where("merchant", "=", merchant).where("customer", "in", keys).where("direction", "=", "out").execute();
  return new Set([...customers, ...partners].map((row) => row.customer));
}

async function forget(
  tx: Tx,
  rows: { seq: number; merchant: string; event_id: string; sender: string | null }[],
): Promise<void> {
  await tx.deleteFrom("inbox").where("seq", "in", rows.map((row) => row.seq)).execute();
  for (const [merchant, theirs] of Map.groupBy(rows, (row) => row.merchant)) {
    const senders = [...new Set(theirs.flatMap((row) => row.sender ?? []))];
    if (senders.length === 0) continue;
    await tx.deleteFrom("messages").where("merchant", "=", merchant).where("customer", "in", senders)
      .where("event_id", "in", theirs.map((row) => row.event_id)).execute();
  }
  const ids = [...new Set(rows.map((row) => row.event_id))];
  // Another merchant may still have the same event.
  const merchants = tx.selectFrom("merchants").select("pubkey");
  const others = await tx.selectFrom("inbox").select("event_id").where("merchant", "in", merchants)
    .where("event_id", "in", ids).execute();
  const needed = new Set(others.map((row) => row.event_id));
  const free = ids.filter((id) => !needed.has(id));
  if (free.length > 0) await tx.deleteFrom("nostr_events").where("id", "in", free).execute();
}
