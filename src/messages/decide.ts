import type { Tx } from "../db/database.ts";
import { cleanText } from "../dialects/clean_text.ts";
import type { MessageReading } from "../dialects/dialects.ts";
import type { OpenedMessage } from "../nostr/envelope.ts";
import type { OrderRow } from "../orders/orders_store.ts";
import { cancelByCustomer } from "../orders/cancel.ts";
import { type Origin, place, refuseInvalid, type Terms } from "../orders/place.ts";
import { isBanned } from "../policies/bans_store.ts";
import type { Random } from "../random.ts";
import { adoptTexts, orderSpokenOf } from "./claims.ts";
import { heard } from "./heard.ts";
import { earlierDue, finish, type InboxRow, putBack, rumorKnown } from "./inbox_store.ts";
import { addMessage, type MessageRow } from "./messages_store.ts";
import { takeRefundDestination } from "./refund_destination.ts";
import { type SenderRate, takeTurn } from "./sender_rates_store.ts";

/** Up to this far ahead a sender's clock is believed; beyond it the time of receipt counts. */
const AHEAD_SECONDS = 10 * 60;
/** Older messages are listed for the merchant, not answered. */
const ANSWERED_SECONDS = 48 * 3600;

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
  /** The merchant's own people (hex): what they write isn't told to them. */
  owners?: ReadonlySet<string>;
  now: number;
}

const NOBODY: ReadonlySet<string> = new Set();

/**
 * Decides one message, in one transaction with everything that follows from it (T2): the inbox row ends, and an order,
 * a chat message or a note stands in the database with the jobs that answer it. A message above its sender's rate, or
 * behind another of the same sender that waits, is put off instead: one customer's messages keep their order. The row's
 * end is taken first and only once, so two processes that decide the same message do it once.
 */
export async function decide(tx: Tx, read: ReadMessage, deciding: Deciding): Promise<void> {
  const { row, message, reading } = read;
  const { sender, rumorId } = message;
  if (rumorId !== null && await rumorKnown(tx, row.merchant, rumorId)) {
    await finish(tx, row, { state: "dropped", sender, reason: "duplicate rumor" });
    return;
  }
  // Of a gift wrap only the throw-away key was known when it came.
  if (rumorId !== null && await isBanned(tx, row.merchant, sender)) {
    await finish(tx, row, { state: "dropped", sender, rumorId, reason: "banned" });
    return;
  }
  if (!await finish(tx, row, { state: "done", sender, rumorId, reason: reading.type })) return;
  const turn = await turnOf(tx, read, deciding);
  if (turn > deciding.now) {
    return await putBack(tx, row, { at: turn, sender, reason: "waits its turn: the sender's rate" });
  }
  const { type, orderId } = await carryOut(tx, read, deciding);
  const kept = await addMessage(tx, {
    merchant: row.merchant,
    customer: sender,
    direction: "in",
    type,
    envelope: message.envelope,
    order_id: orderId,
    // PostgreSQL keeps no NUL; the event itself stays in the inbox as it came.
    body: cleanText(message.content),
    event_id: row.event_id,
    at: deciding.now,
  });
  if (type === "chat" && !isStale(read)) {
    await heard(tx, kept, { owners: deciding.owners ?? NOBODY, tags: message.tags, now: deciding.now });
  }
}

/** When the message may be decided (ms): now or later. */
async function turnOf(
  tx: Tx,
  { row, message: { sender } }: ReadMessage,
  { rate, now }: Deciding,
): Promise<number> {
  // A row that knows its sender was put off before and has had its turn.
  const turn = row.sender === null ? await takeTurn(tx, row.merchant, sender, rate, now) : now;
  const before = await earlierDue(tx, row, sender);
  return before === null ? turn : Math.max(turn, before + 1, now + 1);
}

/** Does what the message asks for; answers what it is to be kept as. */
async function carryOut(
  tx: Tx,
  read: ReadMessage,
  { terms, random, now }: Deciding,
): Promise<{ type: MessageRow["type"]; orderId: string | null }> {
  const { row, reading } = read;
  switch (reading.type) {
    case "order": {
      const origin = { ...originOf(read), dialect: reading.dialect };
      const order = await place(tx, origin, reading.request, terms, random, now);
      return await kept(tx, order, now);
    }
    case "invalid_order": {
      const nameless = reading.customerOrderId === null;
      const invalid = {
        customerOrderId: reading.customerOrderId ?? row.event_id,
        reason: reading.reason,
        traits: nameless ? { ...reading.traits, withoutId: true } : reading.traits,
      };
      const origin = { ...originOf(read), dialect: reading.dialect };
      const order = await refuseInvalid(tx, origin, invalid, random, now);
      return await kept(tx, order, now);
    }
    case "cancel": {
      const order = await cancelByCustomer(tx, originOf(read), reading, random, now);
      return order ? { type: "order", orderId: order.id } : { type: "claim", orderId: null };
    }
    // What a customer says about an order is kept with it and changes nothing: only the wallet says "paid".
    case "twin":
    case "claim":
    case "bot": {
      const from = {
        merchant: row.merchant,
        customer: read.message.sender,
        orderRef: reading.orderRef,
        claim: reading.type === "claim",
      };
      return { type: "claim", orderId: await orderSpokenOf(tx, from, now) };
    }
    case "chat": {
      const from = { merchant: row.merchant, customer: read.message.sender, eventId: row.event_id };
      const refund = isStale(read)
        ? undefined
        : await takeRefundDestination(tx, { ...from, text: reading.text }, terms, now);
      return refund ? { type: "claim", orderId: refund.orderId } : { type: "chat", orderId: null };
    }
  }
}

async function kept(tx: Tx, order: OrderRow, now: number): Promise<{ type: "order"; orderId: string }> {
  // A repeat has nothing to adopt: what came since the order was put with it at once.
  if (order.created_at === now) await adoptTexts(tx, order);
  return { type: "order", orderId: order.id };
}

function originOf({ row, message }: ReadMessage): Omit<Origin, "dialect"> {
  const received = Math.floor(row.received_at / 1000);
  return {
    merchant: row.merchant,
    customer: message.sender,
    envelope: message.envelope,
    relay: row.relay,
    askedAtSeconds: message.created_at > received + AHEAD_SECONDS ? received : message.created_at,
    stale: isStale({ row, message }),
  };
}

function isStale({ row, message }: Pick<ReadMessage, "row" | "message">): boolean {
  return message.created_at < Math.floor(row.received_at / 1000) - ANSWERED_SECONDS;
}
