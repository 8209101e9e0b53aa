import type { Kysely, Selectable } from "kysely";
import { SAID_AGAIN } from "../nostr/said_again.ts";
import type { MessagesTable, OutboxTable, Tables } from "../db/tables.ts";

type MessageType = Selectable<MessagesTable>["type"];

/** One relay's part in bringing a message to a customer. */
export type DeliveryRow = Pick<
  Selectable<OutboxTable>,
  "relay" | "state" | "attempts" | "next_at" | "answer" | "reads" | "resends" | "updated_at"
>;

/** A message to the customer, and what each relay said of it. */
export interface SentMessage {
  /** When it was posted (ms). */
  at: number;
  /** Null when the conversation is gone. */
  type: MessageType | null;
  /** A payment request that has nothing to pay: the order was refused. */
  refusal: boolean;
  /** The customer reads the built-in relay, where it was delivered by being stored. */
  readsOurs: boolean;
  /** When the owners were told that it reached no relay that the customer reads (ms). */
  undeliveredAt: number | null;
  relays: DeliveryRow[];
}

/** A message of the customer that belongs to the order. */
export interface ReceivedMessage {
  at: number;
  type: MessageType;
  envelope: Selectable<MessagesTable>["envelope"];
  /** That brought it first; empty for the built-in one, null when the inbox was emptied. */
  relay: string | null;
}

/** The newest messages to the customer of an order, without those that were said again before any relay had them. */
export async function sentOf(db: Kysely<Tables>, orderId: string, limit: number): Promise<SentMessage[]> {
  const events = await db.selectFrom("outbox_events")
    .leftJoin("messages", (join) =>
      join.onRef("messages.merchant", "=", "outbox_events.merchant")
        .onRef("messages.customer", "=", "outbox_events.recipient")
        .on((eb) =>
          eb("messages.event_id", "=", eb.fn.coalesce("outbox_events.message_id", "outbox_events.event_id"))
        ))
    .select(["outbox_events.event_id", "outbox_events.created_at", "outbox_events.reads_ours"])
    .select(["outbox_events.undelivered_at", "messages.type", "messages.body"])
    .where("outbox_events.order_id", "=", orderId)
    // Before there was a column for it, the purpose said so.
    .where((eb) =>
      eb.or([eb("outbox_events.recipient", "is not", null), eb("purpose", "like", "%:recipient")])
    )
    .orderBy("outbox_events.created_at", "desc").orderBy("outbox_events.event_id").limit(limit).execute();
  if (events.length === 0) return [];
  const rows = await db.selectFrom("outbox")
    .select(["event_id", "relay", "state", "attempts", "next_at", "answer", "reads", "resends", "updated_at"])
    .where("event_id", "in", events.map((event) => event.event_id)).orderBy("relay").execute();
  const byEvent = Map.groupBy(rows, (row) => row.event_id);
  const unsent = (id: string) => byEvent.get(id)?.every((row) => row.answer === SAID_AGAIN) ?? false;
  return events.filter((event) => event.reads_ours === 1 || !unsent(event.event_id)).map((event) => ({
    at: event.created_at,
    type: event.type,
    refusal: event.type === "payment_request" && isRefusal(event.body),
    readsOurs: event.reads_ours === 1,
    undeliveredAt: event.undelivered_at,
    relays: byEvent.get(event.event_id) ?? [],
  }));
}

/** The newest messages of an order's customer that belong to it. */
export async function receivedOf(
  db: Kysely<Tables>,
  order: { id: string; merchant: string; customer: string },
  limit: number,
): Promise<ReceivedMessage[]> {
  const rows = await db.selectFrom("messages")
    .leftJoin(
      "inbox",
      (join) =>
        join.onRef("inbox.merchant", "=", "messages.merchant")
          .onRef("inbox.event_id", "=", "messages.event_id"),
    )
    .select(["messages.at", "messages.type", "messages.envelope", "inbox.relay", "inbox.received_at"])
    .where("messages.merchant", "=", order.merchant).where("messages.customer", "=", order.customer)
    .where("messages.order_id", "=", order.id).where("messages.direction", "=", "in")
    .orderBy("messages.seq", "desc").limit(limit).execute();
  return rows.map(({ at, received_at, type, envelope, relay }) => ({
    at: received_at ?? at,
    type,
    envelope,
    relay,
  }));
}

/** The newest lines of an order's own timeline, oldest first. */
export async function linesOf(
  db: Kysely<Tables>,
  orderId: string,
  limit: number,
): Promise<{ at: number; event: string; text: string }[]> {
  const rows = await db.selectFrom("order_timeline").select(["at", "event", "text"])
    .where("order_id", "=", orderId).orderBy("seq", "desc").limit(limit).execute();
  return rows.reverse();
}

function isRefusal(body: string | null): boolean {
  return body !== null && /"payment_options"\s*:\s*\[\s*\]/.test(body);
}
