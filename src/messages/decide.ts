import { type MessageReading, refersTo } from "../dialects/dialects.ts";
import type { Tx } from "../db/database.ts";
import type { OpenedMessage } from "../nostr/envelope.ts";
import { apply } from "../orders/apply.ts";
import { listOrders } from "../orders/orders_store.ts";
import { type Origin, place, refuseInvalid, type Terms } from "../orders/place.ts";
import type { Random } from "../random.ts";
import { finish, type InboxRow, postpone, rumorKnown } from "./inbox_store.ts";
import { addMessage, type MessageRow } from "./messages_store.ts";
import { type SenderRate, takeTurn } from "./sender_rate.ts";

/** Up to this far ahead a sender's clock is believed; beyond it the time of receipt counts. */
const AHEAD_SECONDS = 10 * 60;
/** Older messages are listed for the merchant, not answered. */
const ANSWERED_SECONDS = 48 * 3600;
/** A text about an order is about one of the last few. */
const RECENT_ORDERS = 10;

/** An event out of the inbox, opened and read. */
export interface ReadMessage {
  row: InboxRow;
  message: OpenedMessage;
  reading: MessageReading;
}

/** What deciding needs to know of the shop. */
export interface Deciding {
  terms: Terms;
  rate: SenderRate;
  random: Random;
  now: number;
}

/**
 * Decides one message, in one transaction with everything that follows from it (T2): the inbox row ends, and an order,
 * a chat message or a note stands in the database with the jobs that answer it.
 */
export async function decide(
  tx: Tx,
  read: ReadMessage,
  { terms, rate, random, now }: Deciding,
): Promise<void> {
  const { row, message, reading } = read;
  const { merchant } = row;
  if (message.rumorId !== null && await rumorKnown(tx, merchant, message.rumorId)) {
    await finish(tx, row, { state: "dropped", sender: message.sender, reason: "duplicate rumor" });
    return;
  }
  const wait = await takeTurn(tx, merchant, message.sender, rate, now);
  if (wait > 0) return await postpone(tx, row, now + wait, "sender's rate");
  if (
    !await finish(tx, row, {
      state: "done",
      sender: message.sender,
      rumorId: message.rumorId,
      reason: reading.type,
    })
  ) return;

  const origin = originOf(row, message);
  const keep = (type: MessageRow["type"], orderId: string | null) =>
    addMessage(tx, {
      merchant,
      customer: message.sender,
      direction: "in",
      type,
      envelope: message.envelope,
      order_id: orderId,
      body: message.content,
      event_id: row.event_id,
      at: now,
    });
  switch (reading.type) {
    case "order": {
      const order = await place(
        tx,
        { ...origin, dialect: reading.dialect },
        reading.request,
        terms,
        random,
        now,
      );
      return await keep("order", order.id);
    }
    case "invalid_order": {
      const invalid = {
        customerOrderId: reading.customerOrderId ?? row.event_id,
        reason: reading.reason,
        traits: reading.customerOrderId === null ? { ...reading.traits, withoutId: true } : reading.traits,
      };
      const order = await refuseInvalid(tx, { ...origin, dialect: reading.dialect }, invalid, random, now);
      return await keep("order", order.id);
    }
    // What a customer says about an order is kept with it and changes nothing: only the wallet says "paid".
    case "twin":
    case "claim":
    case "bot":
      return await keep(
        "claim",
        await noteClaim(tx, { ...origin, claim: reading.type === "claim" }, reading.orderRef, now),
      );
    case "chat":
      return await keep("chat", null);
  }
}

function originOf(row: InboxRow, message: OpenedMessage): Omit<Origin, "dialect"> {
  const received = Math.floor(row.received_at / 1000);
  return {
    merchant: row.merchant,
    customer: message.sender,
    envelope: message.envelope,
    relay: row.relay,
    askedAtSeconds: message.created_at > received + AHEAD_SECONDS ? received : message.created_at,
    stale: message.created_at < received - ANSWERED_SECONDS,
  };
}

/** Finds the order that a message speaks of, notes a claim of payment in its timeline, and answers its id. */
async function noteClaim(
  tx: Tx,
  from: { merchant: string; customer: string; claim: boolean },
  orderRef: string | null,
  now: number,
): Promise<string | null> {
  if (orderRef === null) return null;
  const orders = await listOrders(tx, { merchant: from.merchant, customer: from.customer }, {
    limit: RECENT_ORDERS,
  });
  const order = orders.find((one) => refersTo(orderRef, one.customer_order_id));
  if (!order) return null;
  if (from.claim) {
    const text = "The customer says that it is paid. Only the wallet decides that; nothing was changed.";
    await apply(tx, order.id, { type: "noted", text }, now);
  }
  return order.id;
}
