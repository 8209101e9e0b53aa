import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { type EnvelopeKind, type SealedMessage, sealMessage } from "../nostr/envelope.ts";
import type { NostrIdentity } from "../nostr/identity.ts";
import { reserveMessageTime } from "../nostr/key_clock.ts";
import { post } from "../nostr/outbox.ts";
import type { Random } from "../random.ts";
import { addMessage, type MessageRow } from "./messages_store.ts";

/** What it takes to send. */
export interface Sender {
  database: Database;
  clock: Clock;
  random: Random;
}

/** Messages to one customer. */
export interface Outgoing {
  identity: NostrIdentity;
  customer: string;
  envelope: EnvelopeKind;
  /** In the order in which they shall be read. */
  messages: { body: string; type: MessageRow["type"] }[];
  orderId: string | null;
  /** Seconds of the message that this answers: clients look for answers after it. */
  answers: number;
  /** The relay where the customer spoke; empty for the built-in one. */
  relay: string;
  /** Says why these messages exist, unique: they are sent once however often this runs. */
  purpose: string;
}

/**
 * Dates, signs and posts messages; answers those that are new. `prepare` says what to send in the transaction that dates
 * it, null = nothing; `finish` runs in the transaction that stores the signed events, before any can be sent. The
 * signer works between the two, never inside one (design §2).
 */
export async function send(
  { database, clock, random }: Sender,
  prepare: (tx: Tx) => Promise<Outgoing | null>,
  finish: (tx: Tx) => Promise<void> = () => Promise.resolve(),
): Promise<MessageRow[]> {
  const dated = await database.transaction(async (tx) => {
    const out = await prepare(tx);
    return out && { out, first: await reserve(tx, out, clock.now()) };
  });
  if (dated === null) return [];
  const { out, first } = dated;
  const sealed = await Promise.all(out.messages.map(({ body }, i) =>
    sealMessage(
      { envelope: out.envelope, recipient: out.customer, content: body, createdAt: first + i },
      out.identity.signer,
      random,
    )
  ));
  return await database.transaction(async (tx) => {
    await finish(tx);
    const sent: MessageRow[] = [];
    for (const [i, one] of sealed.entries()) {
      const row = await postOne(tx, out, i, one, clock.now());
      if (row) sent.push(row);
    }
    return sent;
  });
}

function reserve(tx: Tx, out: Outgoing, now: number): Promise<number> {
  const { identity, customer, answers, messages } = out;
  return reserveMessageTime(tx, { pubkey: identity.pubkey, customer, answers, now, count: messages.length });
}

/** Undefined when it was posted before. */
async function postOne(
  tx: Tx,
  out: Outgoing,
  i: number,
  { events, messageId }: SealedMessage,
  now: number,
): Promise<MessageRow | undefined> {
  const { identity, customer, orderId } = out;
  const theirs = [...new Set([...identity.relays, ...(out.relay === "" ? [] : [out.relay])])];
  let isNew = false;
  for (const { event, to } of events) {
    const posted = await post(tx, {
      merchant: identity.pubkey,
      purpose: `${out.purpose}:${i}:${to}`,
      ...(orderId !== null && { orderId }),
      event,
      relays: to === "recipient" ? theirs : identity.dmRelays,
    }, now);
    if (to === "recipient") isNew = posted;
  }
  if (!isNew) return undefined;
  const { body, type } = out.messages[i]!;
  return await addMessage(tx, {
    merchant: identity.pubkey,
    customer,
    direction: "out",
    type,
    envelope: out.envelope,
    order_id: orderId,
    body,
    event_id: messageId,
    at: now,
  });
}
