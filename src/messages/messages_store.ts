import type { Kysely, Selectable } from "kysely";
import type { Tx } from "../db/database.ts";
import { isAfter, type Slice } from "../db/keyset.ts";
import type { MessagesTable, Tables } from "../db/tables.ts";
import type { Unsent } from "./says_again.ts";

export type MessageRow = Selectable<MessagesTable>;

/** Keeps a message with the customer's conversation. */
export async function addMessage(tx: Tx, message: Omit<MessageRow, "seq">): Promise<MessageRow> {
  return await tx.insertInto("messages").values(message).returningAll().executeTakeFirstOrThrow();
}

/** Whether the conversation has an event or a rumor already. */
export async function hasMessage(
  tx: Tx,
  o: { merchant: string; customer: string; eventId: string },
): Promise<boolean> {
  const row = await tx.selectFrom("messages").select("seq").where("merchant", "=", o.merchant)
    .where("customer", "=", o.customer).where("event_id", "=", o.eventId).limit(1).executeTakeFirst();
  return row !== undefined;
}

/** What was said of an order to its customer and some relay is still to get. */
export async function unsentOf(
  tx: Tx,
  o: { merchant: string; customer: string; orderId: string },
): Promise<Unsent[]> {
  return await tx.selectFrom("outbox_events")
    .innerJoin(
      "messages",
      (join) =>
        join.onRef("messages.merchant", "=", "outbox_events.merchant").on(
          "messages.customer",
          "=",
          o.customer,
        )
          .on((eb) =>
            eb("messages.event_id", "=", eb.fn.coalesce("outbox_events.message_id", "outbox_events.event_id"))
          ),
    )
    .select(["outbox_events.event_id", "outbox_events.purpose", "messages.type", "messages.body"])
    .where("outbox_events.order_id", "=", o.orderId).where("outbox_events.merchant", "=", o.merchant)
    .where("messages.direction", "=", "out")
    .where((eb) =>
      eb.exists(
        eb.selectFrom("outbox").select("outbox.relay").where("outbox.state", "=", "pending")
          .whereRef("outbox.event_id", "=", "outbox_events.event_id"),
      )
    ).execute();
}

/** Newest first, after the row that `after` names (keyset). */
export async function listMessages(
  db: Kysely<Tables>,
  filter: {
    merchant?: string | undefined;
    customer?: string | undefined;
    type?: MessageRow["type"] | undefined;
  },
  page: Slice<[seq: number]>,
): Promise<MessageRow[]> {
  return await db.selectFrom("messages").selectAll()
    .$if(filter.merchant !== undefined, (q) => q.where("merchant", "=", filter.merchant!))
    .$if(filter.customer !== undefined, (q) => q.where("customer", "=", filter.customer!))
    .$if(filter.type !== undefined, (q) => q.where("type", "=", filter.type!))
    .where(isAfter(page.after, ["seq"], "<"))
    .orderBy("seq", "desc").limit(page.limit).execute();
}

/** Says which order messages belong to. */
export async function attachMessages(tx: Tx, seqs: number[], orderId: string): Promise<void> {
  if (seqs.length === 0) return;
  await tx.updateTable("messages").set({ order_id: orderId }).where("seq", "in", seqs).execute();
}

/** How and where a customer last wrote, so that a person's answer takes the same way. */
export async function lastFrom(
  db: Kysely<Tables>,
  merchant: string,
  customer: string,
): Promise<{ envelope: MessageRow["envelope"]; relay: string; created_at_seconds: number } | undefined> {
  const row = await db.selectFrom("messages")
    // The inbox may have been purged before the conversation.
    .leftJoin(
      "inbox",
      (join) =>
        join.onRef("inbox.merchant", "=", "messages.merchant")
          .onRef("inbox.event_id", "=", "messages.event_id"),
    )
    .select(["messages.envelope", "inbox.relay", "messages.at"])
    .where("messages.merchant", "=", merchant).where("messages.customer", "=", customer)
    .where("messages.direction", "=", "in")
    .orderBy("messages.seq", "desc").limit(1).executeTakeFirst();
  return row && {
    envelope: row.envelope,
    relay: row.relay ?? "",
    created_at_seconds: Math.floor(row.at / 1000),
  };
}
