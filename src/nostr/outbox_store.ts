import type { NostrEvent } from "@nostrify/types";
import { sql } from "kysely";
import { seconds } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { addressOf } from "./event_row.ts";
import { EventStore } from "./event_store.ts";
import { relayUrl } from "./relay_url.ts";
import { SAID_AGAIN } from "./said_again.ts";
import { tellUndelivered } from "./undelivered_store.ts";

/** A signed event of ours to be published. */
export interface Post {
  merchant: string;
  /** Why it exists, once per merchant: a repeat of the step that made it posts nothing. */
  purpose: string;
  orderId?: string;
  event: NostrEvent;
  /** The rumor's id, for a gift wrap. */
  messageId?: string;
  /** The built-in relay isn't listed: storing the event is publishing there. */
  relays: readonly string[];
  /** For a message: who shall get it, and which relays that person is known to read. */
  to?: Recipient;
  /** Earlier events that say the same: what of them still waits for one of these relays isn't sent, and this takes its turn. */
  insteadOf?: readonly string[];
}

/** Whoever a message is for, and where that person is known to read. */
export interface Recipient {
  /** Hex. */
  pubkey: string;
  /** Of the relays that the message goes to. */
  reads: readonly string[];
  /** Reads the built-in relay. */
  readsOurs: boolean;
}

/** What one try changed. */
export interface Outcome {
  event_id: string;
  relay: string;
  state: "pending" | "delivered" | "failed";
  attempts: number;
  /** ms */
  next_at: number;
  answer: string;
}

const SUPERSEDED = "superseded: a newer version was posted";

/**
 * Publishes: stores the event (which is publishing it on the built-in relay) and queues it for every relay, in the caller's
 * transaction. Older versions of its address (NIP-01) that still wait for one of these relays are not sent any more. False:
 * this purpose was posted before, nothing changed. Throws `RelayError` when the event was deleted or has expired.
 */
export async function post(tx: Tx, post: Post, now: number): Promise<boolean> {
  const { event, merchant } = post;
  const inserted = await tx.insertInto("outbox_events")
    .values({
      event_id: event.id,
      merchant,
      purpose: post.purpose,
      order_id: post.orderId ?? null,
      event: JSON.stringify(event),
      created_at: now,
      message_id: post.messageId ?? null,
      recipient: post.to?.pubkey ?? null,
      reads_ours: post.to?.readsOurs ? 1 : 0,
    })
    .onConflict((on) => on.doNothing())
    .executeTakeFirst();
  if (Number(inserted.numInsertedOrUpdatedRows ?? 0n) === 0) return false;
  const relays = [...new Set(post.relays.map((relay) => relayUrl(relay) ?? relay))];
  await supersede(tx, event, relays, now);
  const turns = await takeTurns(tx, { id: event.id, insteadOf: post.insteadOf ?? [], relays }, now);
  await new EventStore(tx, { now: () => seconds(now) }).event(event);
  const reads = new Set(post.to?.reads.map((relay) => relayUrl(relay)));
  const rows = relays.map((relay) => ({ relay, reads: reads.has(relay), dueAt: turns.get(relay) ?? now }));
  await queueFor(tx, event.id, merchant, rows, now);
  tx.wake("event", event.id);
  return true;
}

/** Queues an event that is stored for more relays; one that has it already stays as it is. */
export async function queueFor(
  tx: Tx,
  eventId: string,
  merchant: string,
  relays: readonly { relay: string; reads: boolean; dueAt?: number }[],
  now: number,
): Promise<void> {
  if (relays.length === 0) return;
  await tx.insertInto("outbox").values(relays.map(({ relay, reads, dueAt }) => ({
    event_id: eventId,
    relay,
    merchant,
    attempts: 0,
    next_at: dueAt ?? now,
    updated_at: now,
    reads: reads ? 1 as const : 0 as const,
    ...(relayUrl(relay) === null
      ? { state: "failed" as const, answer: "not a relay's URL" }
      : { state: "pending" as const, answer: null }),
  }))).onConflict((on) => on.doNothing()).execute();
  tx.wake("outbox");
}

/** The store still has the version that this one replaces; each post has ended what was before that. */
async function supersede(tx: Tx, event: NostrEvent, relays: string[], now: number): Promise<void> {
  const address = addressOf(event);
  if (!address || relays.length === 0) return;
  let older = tx.selectFrom("nostr_events").select("id")
    .where("pubkey", "=", event.pubkey).where("kind", "=", event.kind).where(
      "created_at",
      "<=",
      event.created_at,
    );
  if (address.kind >= 30_000) older = older.where("d", "=", address.d);
  const ids = (await older.execute()).map((row) => row.id);
  await endWaiting(tx, { ids, relays, answer: SUPERSEDED }, now);
}

/** What waits of these events for these relays isn't sent any more; answers what that was. */
async function endWaiting(
  tx: Tx,
  { ids, relays, answer }: { ids: readonly string[]; relays: readonly string[]; answer: string },
  now: number,
): Promise<{ event_id: string; relay: string; next_at: number }[]> {
  if (ids.length === 0 || relays.length === 0) return [];
  return await tx.updateTable("outbox").set({ state: "failed", answer, updated_at: now })
    .where("event_id", "in", ids).where("relay", "in", relays).where("state", "=", "pending")
    .returning(["event_id", "relay", "next_at"]).execute();
}

/**
 * Ends what waits of earlier events that say the same; when it was due at each relay. Whoever asks again and again while a relay is
 * slow gets one answer, no later than the first would have come, and the owners hear of it as if it were that one.
 */
async function takeTurns(
  tx: Tx,
  o: { id: string; insteadOf: readonly string[]; relays: readonly string[] },
  now: number,
): Promise<Map<string, number>> {
  const turns = new Map<string, number>();
  const ended = await endWaiting(tx, { ids: o.insteadOf, relays: o.relays, answer: SAID_AGAIN }, now);
  if (ended.length === 0) return turns;
  for (const { relay, next_at } of ended) turns.set(relay, Math.min(turns.get(relay) ?? now, next_at));
  const { since } = await tx.selectFrom("outbox_events").select((e) => e.fn.min("created_at").as("since"))
    .where("event_id", "in", ended.map((row) => row.event_id)).executeTakeFirstOrThrow();
  await tx.updateTable("outbox_events").set({ created_at: since }).where("event_id", "=", o.id).execute();
  return turns;
}

/** Makes what waits for a later try due now: for one relay of a merchant, or for all. */
export async function hasten(
  database: Database,
  now: number,
  lane?: { merchant: string; relay: string },
): Promise<void> {
  let update = database.kysely.updateTable("outbox").set({ next_at: now, updated_at: now })
    .where("state", "=", "pending").where("next_at", ">", now);
  if (lane) update = update.where("merchant", "=", lane.merchant).where("relay", "=", lane.relay);
  await update.execute();
}

/** When the next row that isn't due yet becomes so (ms); null when none waits. */
export async function nextDue(database: Database, now: number): Promise<number | null> {
  const row = await database.kysely.selectFrom("outbox").select((e) => e.fn.min("next_at").as("at"))
    .where("state", "=", "pending").where("next_at", ">", now).executeTakeFirst();
  return row?.at ?? null;
}

/**
 * Records receipts, many in one statement, and tells the owners of messages that reach nobody. What was superseded meanwhile
 * stays so.
 */
export async function recordOutcomes(tx: Tx, outcomes: readonly Outcome[], now: number): Promise<void> {
  const list = JSON.stringify(
    outcomes.map(({ event_id, relay, state, attempts, next_at, answer }) => (
      { event_id, relay, state, attempts, next_at, answer }
    )),
  );
  const values = tx.dialect === "sqlite"
    ? sql`(select value ->> 'event_id' as event_id, value ->> 'relay' as relay, value ->> 'state' as state,
        value ->> 'attempts' as attempts, value ->> 'next_at' as next_at, value ->> 'answer' as answer
        from json_each(${list}))`
    : sql`json_to_recordset(${list}::text::json)
        as o(event_id text, relay text, state text, attempts integer, next_at bigint, answer text)`;
  await sql`update outbox set state = o.state, attempts = o.attempts, next_at = o.next_at, answer = o.answer, updated_at = ${now}
    from ${values} ${tx.dialect === "sqlite" ? sql`as o` : sql``}
    where outbox.event_id = o.event_id and outbox.relay = o.relay and outbox.state = 'pending'`.execute(tx);
  const not = outcomes.filter((outcome) => outcome.state !== "delivered");
  if (not.length > 0) await tellUndelivered(tx, not.map((outcome) => outcome.event_id), now);
}

/** What each relay said of an event of ours; empty when it was for the built-in relay alone. */
export function receiptsOf(
  database: Database,
  eventId: string,
): Promise<
  { relay: string; state: Outcome["state"]; attempts: number; answer: string | null; updated_at: number }[]
> {
  return database.kysely.selectFrom("outbox").select(["relay", "state", "attempts", "answer", "updated_at"])
    .where("event_id", "=", eventId).orderBy("relay").execute();
}

/** How many sendings wait, and since when the oldest does (ms); for metrics and readiness. */
export async function outboxBacklog(
  database: Database,
): Promise<{ pending: number; oldestAt: number | null }> {
  const row = await database.kysely.selectFrom("outbox")
    .innerJoin("outbox_events", "outbox_events.event_id", "outbox.event_id")
    .select((e) => [e.fn.countAll<number>().as("pending"), e.fn.min("outbox_events.created_at").as("oldest")])
    .where("outbox.state", "=", "pending").executeTakeFirstOrThrow();
  return { pending: Number(row.pending), oldestAt: row.oldest ?? null };
}
