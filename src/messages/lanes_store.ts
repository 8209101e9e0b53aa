import { type Kysely, sql } from "kysely";
import type { Tables } from "../db/tables.ts";
import type { Tx } from "../db/database.ts";
import { LANES } from "../nostr/arrivals.ts";
import type { InboxRow } from "./inbox_store.ts";

type Lane = keyof typeof LANES;

// Literals: partial indexes serve a query only if its text says so, and the inbox keeps everything that ever came.
const NEW = sql.lit("new" as const);
const YES = sql.lit(1 as const);
const laneOf = (lane: Lane) => sql.lit(LANES[lane]);

/** What is to be read, and by when. */
export interface Reading {
  now: number;
  limit: number;
  /** How many of those may be strangers': small parts, so that a regular who comes meanwhile is next soon. */
  strangers: number;
  /** Merchants who can't be read for now. */
  except: readonly string[];
}

/**
 * What is read next: regulars first, whatever else waits; the room they leave is shared evenly by strangers' messages and
 * strangers' wraps, so that a flood of the one can't hold up the other. A lane goes by time and order of arrival; but while
 * more of strangers' messages wait than fit, half of what is taken are the newest, whose senders are still there to pay.
 */
export async function nextToRead(db: Kysely<Tables>, o: Reading): Promise<InboxRow[]> {
  const { limit } = o;
  const regulars = await due(db, "regulars", o).limit(limit).execute();
  const room = Math.min(limit - regulars.length, o.strangers);
  if (room === 0) return regulars;
  const strangers = await due(db, "strangers", o).limit(room).execute();
  const wraps = await due(db, "wraps", o).limit(room).execute();
  const half = Math.ceil(room / 2);
  const fromWraps = Math.min(wraps.length, Math.max(room - half, room - strangers.length));
  const places = room - fromWraps;
  const chosen = strangers.length < room
    ? strangers.slice(0, places)
    : await oldestAndNewest(db, strangers, { ...o, limit: places });
  return [...regulars, ...chosen, ...wraps.slice(0, fromWraps)];
}

/** Half of the places for `oldest`, half for whoever wrote last; each of those with what they wrote before. */
async function oldestAndNewest(db: Kysely<Tables>, oldest: InboxRow[], o: Reading): Promise<InboxRow[]> {
  const half = Math.ceil(o.limit / 2);
  const newest = await db.selectFrom("inbox").select("author").where("state", "=", NEW)
    .where("lane", "=", laneOf("strangers")).where("next_at", "<=", o.now)
    .$if(o.except.length > 0, (q) => q.where("merchant", "not in", o.except))
    .orderBy("next_at", "desc").orderBy("seq", "desc").limit(o.limit - half).execute();
  const authors = [...new Set(newest.map((row) => row.author))];
  const merchants = db.selectFrom("merchants").select("pubkey");
  const theirs = authors.length === 0 ? [] : await db.selectFrom("inbox").selectAll()
    .where("state", "=", NEW).where("merchant", "in", merchants).where("author", "in", authors)
    .where("lane", "=", laneOf("strangers")).where("next_at", "<=", o.now)
    .$if(o.except.length > 0, (q) => q.where("merchant", "not in", o.except))
    .orderBy("seq").limit(o.limit - half).execute();
  const rows = new Map([...oldest.slice(0, half), ...theirs].map((row) => [row.seq, row]));
  return [...rows.values()];
}

/** When the next waiting event is due (ms); null when none waits. */
export async function nextDue(db: Kysely<Tables>): Promise<number | null> {
  let earliest: number | null = null;
  for (const lane of Object.keys(LANES) as Lane[]) {
    const row = await db.selectFrom("inbox").select("next_at").where("state", "=", NEW)
      .where("lane", "=", laneOf(lane)).orderBy("next_at").limit(1).executeTakeFirst();
    if (row && (earliest === null || row.next_at < earliest)) earliest = row.next_at;
  }
  return earliest;
}

/** How many of strangers' events are due and not read yet; counts no further than `most`. */
export async function countStrangers(db: Kysely<Tables>, now: number, most: number): Promise<number> {
  let count = 0;
  for (const lane of ["strangers", "wraps"] as const) {
    const some = db.selectFrom("inbox").select("seq").where("state", "=", NEW)
      .where("lane", "=", laneOf(lane)).where("next_at", "<=", now).limit(most).as("some");
    const row = await db.selectFrom(some).select((eb) => eb.fn.countAll<number>().as("n"))
      .executeTakeFirstOrThrow();
    count += Number(row.n);
  }
  return count;
}

/**
 * Which of strangers' events are read next, of messages and of wraps: another answer later means that somebody reads. Null when
 * none waits.
 */
export async function nextStrangers(db: Kysely<Tables>, now: number): Promise<string | null> {
  const next: (number | null)[] = [];
  for (const lane of ["strangers", "wraps"] as const) {
    const row = await db.selectFrom("inbox").select("seq").where("state", "=", NEW)
      .where("lane", "=", laneOf(lane)).where("next_at", "<=", now)
      .orderBy("next_at").orderBy("seq").limit(1).executeTakeFirst();
    next.push(row?.seq ?? null);
  }
  return next.every((seq) => seq === null) ? null : next.join(" ");
}

/** Each merchant's events that may be shed. */
export async function countSheddable(db: Kysely<Tables>): Promise<Map<string, number>> {
  const rows = await db.selectFrom("inbox").select(["merchant", (eb) => eb.fn.countAll<number>().as("n")])
    .where("state", "=", NEW).where("sheddable", "=", YES).groupBy("merchant").execute();
  return new Map(rows.map((row) => [row.merchant, Number(row.n)]));
}

/** Takes the merchant's oldest events that may be shed out of the inbox, at most `count`; answers how many those were. */
export async function shedOldest(tx: Tx, merchant: string, count: number): Promise<number> {
  const oldest = tx.selectFrom("inbox").select("seq").where("state", "=", NEW)
    .where("sheddable", "=", YES).where("merchant", "=", merchant).orderBy("seq").limit(count);
  // Said again: whoever changed the row while we waited for it may have taken or kept it.
  const done = await tx.deleteFrom("inbox").where("seq", "in", oldest)
    .where("state", "=", NEW).where("sheddable", "=", YES).executeTakeFirst();
  return Number(done.numDeletedRows);
}

/** Leaves one event to the next catch-up, if it may be shed. */
export async function leave(tx: Tx, row: InboxRow): Promise<boolean> {
  const done = await tx.deleteFrom("inbox").where("seq", "=", row.seq)
    .where("state", "=", NEW).where("sheddable", "=", YES).executeTakeFirst();
  return done.numDeletedRows > 0n;
}

function due(db: Kysely<Tables>, lane: Lane, o: Reading) {
  return db.selectFrom("inbox").selectAll().where("state", "=", NEW).where("lane", "=", laneOf(lane))
    .where("next_at", "<=", o.now)
    .$if(o.except.length > 0, (q) => q.where("merchant", "not in", o.except))
    .orderBy("next_at").orderBy("seq");
}
