import { sql } from "kysely";
import type { Tx } from "../db/database.ts";
import {
  eraseArrivals,
  eraseMessages,
  eraseOrders,
  erasePerson,
  erasePosts,
  type Person,
} from "./erase_store.ts";

/** Nothing more is expected of the customer or the merchant. Also what is on its way: many shops never hear of the delivery. */
export const COMPLETE = sql<boolean>`(payment in ('expired', 'cancelled', 'rejected', 'failed', 'refunded')
  or (payment in ('paid', 'overpaid') and fulfilment in ('shipped', 'delivered')))`;
/** Refunds that aren't over. */
export const OPEN_REFUND = ["due", "approved", "sending", "unknown"] as const;
/** How far the walks over arrivals and posts have come, in table `settings`. */
const ARRIVALS = "retention.arrivals";
const POSTS = "retention.posts";

/** One portion of a walk. */
export interface Portion<Place> {
  /** Complete, or last written, before (ms). */
  before: number;
  after: Place | null;
  limit: number;
  now: number;
}

/** What a portion did, and where the next begins; null at the end. */
export interface Walked<Place> {
  next: Place | null;
  erased: number;
}

/** Orders that are complete since long, the longest first. A place is (updated_at, id). */
export async function forgetOldOrders(
  tx: Tx,
  o: Portion<[number, string]>,
): Promise<Walked<[number, string]>> {
  const rows = await tx.selectFrom("orders").select(["id", "updated_at", "merchant", "customer"])
    .where("forgotten_at", "is", null).where("updated_at", "<", o.before).where(COMPLETE)
    .where((eb) =>
      eb.not(eb.exists(
        eb.selectFrom("refunds").select("refunds.id").whereRef("refunds.order_id", "=", "orders.id")
          .where("refunds.state", "in", OPEN_REFUND),
      ))
    )
    .$if(
      o.after !== null,
      (q) => q.where((eb) => eb(eb.refTuple("updated_at", "id"), ">", eb.tuple(o.after![0], o.after![1]))),
    )
    .orderBy("updated_at").orderBy("id").limit(o.limit)
    // Another process that is at the same takes the next ones.
    .$if(tx.dialect === "postgres", (q) => q.forUpdate().skipLocked())
    .execute();
  await eraseOrders(tx, rows.map((row) => row.id), o.now);
  const people = new Map(rows.map((row) => [`${row.merchant} ${row.customer}`, row]));
  for (const who of people.values()) if (!await spokenWith(tx, who)) await erasePerson(tx, who, o.now);
  const last = rows.at(-1);
  return { erased: rows.length, next: last && rows.length === o.limit ? [last.updated_at, last.id] : null };
}

/** Messages of no order, or of a forgotten one, to and from people who have written nothing since and have no order that stands. */
export async function forgetOldMessages(tx: Tx, o: Portion<number>): Promise<Walked<number>> {
  const rows = await tx.selectFrom("messages").leftJoin("orders", "orders.id", "messages.order_id")
    .select(["messages.seq", "messages.merchant", "messages.customer", "messages.event_id", "messages.at"])
    .select(["messages.order_id", "orders.forgotten_at"])
    .where("messages.seq", ">", o.after ?? 0)
    .orderBy("messages.seq").limit(o.limit).execute();
  const old = rows.filter((row) => row.at < o.before && (row.order_id === null || row.forgotten_at !== null));
  let erased = 0;
  for (const [merchant, theirs] of Map.groupBy(old, (row) => row.merchant)) {
    for (const [customer, messages] of Map.groupBy(theirs, (row) => row.customer)) {
      if (await stillSpoken(tx, { merchant, customer }, o.before)) continue;
      await eraseMessages(tx, merchant, messages);
      await erasePerson(tx, { merchant, customer }, o.now);
      erased += messages.length;
    }
  }
  const last = rows.at(-1);
  // Later ones are younger.
  const more = last && rows.length === o.limit && last.at < o.before;
  return { erased, next: more ? last.seq : null };
}

/** Whether anything is left of a person, but orders without their data. */
async function spokenWith(tx: Tx, { merchant, customer }: Person): Promise<boolean> {
  const message = await tx.selectFrom("messages").select("seq")
    .where("merchant", "=", merchant).where("customer", "=", customer).limit(1).executeTakeFirst();
  return message !== undefined || await hasStanding(tx, { merchant, customer });
}

async function hasStanding(tx: Tx, { merchant, customer }: Person): Promise<boolean> {
  const standing = await tx.selectFrom("orders").select("id")
    .where("merchant", "=", merchant).where("customer", "=", customer).where("forgotten_at", "is", null)
    .limit(1).executeTakeFirst();
  return standing !== undefined;
}

async function stillSpoken(
  tx: Tx,
  { merchant, customer }: Person,
  before: number,
): Promise<boolean> {
  const newest = await tx.selectFrom("messages").select("at")
    .where("merchant", "=", merchant).where("customer", "=", customer)
    .orderBy("seq", "desc").limit(1).executeTakeFirst();
  if (newest && newest.at >= before) return true;
  return await hasStanding(tx, { merchant, customer });
}

/**
 * Empties old arrivals that belong to no conversation any more: what couldn't be opened, duplicates in other wraps, our own
 * copies. Walks each row once; what a conversation still needs goes with its messages. Answers false at the end.
 */
export async function forgetOldArrivals(
  tx: Tx,
  o: { before: number; limit: number; now: number },
): Promise<boolean> {
  const after = await placeOf(tx, ARRIVALS);
  const rows = await tx.selectFrom("inbox")
    .select(["seq", "merchant", "event_id", "state", "received_at", "sender"])
    .where("seq", ">", after).orderBy("seq").limit(o.limit).execute();
  // A row that still waits is left for another time, and those behind it.
  const end = rows.findIndex((row) => row.received_at >= o.before || row.state === "new");
  const passed = end === -1 ? rows : rows.slice(0, end);
  for (const [merchant, theirs] of Map.groupBy(passed, (row) => row.merchant)) {
    const needed = await spokenOf(tx, merchant, theirs);
    await eraseArrivals(tx, merchant, theirs.map((row) => row.event_id).filter((id) => !needed.has(id)));
  }
  const last = passed.at(-1);
  if (last) await moveTo(tx, ARRIVALS, last.seq, o.now);
  return end === -1 && rows.length === o.limit;
}

/** Which of these events stand in a conversation. */
async function spokenOf(
  tx: Tx,
  merchant: string,
  rows: { event_id: string; sender: string | null }[],
): Promise<Set<string>> {
  const senders = [...new Set(rows.flatMap((row) => row.sender ?? []))];
  if (senders.length === 0) return new Set();
  const spoken = await tx.selectFrom("messages").select("event_id").where("merchant", "=", merchant)
    .where("customer", "in", senders).where("event_id", "in", rows.map((row) => row.event_id)).execute();
  return new Set(spoken.map((row) => row.event_id));
}

/** Deletes old messages of ours that belong to no conversation: what owners were told, and probes. Answers false at the end. */
export async function forgetOldPosts(
  tx: Tx,
  o: { before: number; limit: number; now: number },
): Promise<boolean> {
  const after = await placeOf(tx, POSTS);
  const rows = await tx.selectFrom("outbox_events").select(["event_id", "message_id", "event", "created_at"])
    .where("created_at", ">=", after).where("created_at", "<", o.before).where("order_id", "is", null)
    .orderBy("created_at").limit(o.limit).execute();
  const direct = rows.filter(({ event }) => DIRECT.has((JSON.parse(event) as { kind: number }).kind));
  const ids = direct.map((row) => row.message_id ?? row.event_id);
  const spoken = ids.length === 0 ? [] : await tx.selectFrom("messages").select("event_id")
    .where("merchant", "in", (eb) => eb.selectFrom("merchants").select("pubkey"))
    .where("event_id", "in", ids).execute();
  const needed = new Set(spoken.map((row) => row.event_id));
  await erasePosts(
    tx,
    direct.filter((row) => !needed.has(row.message_id ?? row.event_id)).map((row) => row.event_id),
  );
  const last = rows.at(-1);
  // Several of one millisecond: the last ones are looked at again.
  if (last && last.created_at > after) await moveTo(tx, POSTS, last.created_at, o.now);
  return rows.length === o.limit && last!.created_at > after;
}

const DIRECT: ReadonlySet<number> = new Set([4, 1059]);

async function placeOf(tx: Tx, name: string): Promise<number> {
  const row = await tx.selectFrom("settings").select("value").where("name", "=", name)
    .$if(tx.dialect === "postgres", (q) => q.forUpdate()).executeTakeFirst();
  return Number(row?.value ?? 0);
}

async function moveTo(tx: Tx, name: string, place: number, now: number): Promise<void> {
  const row = { value: String(place), updated_at: now };
  await tx.insertInto("settings").values({ name, ...row })
    .onConflict((on) => on.column("name").doUpdateSet(row)).execute();
}
