import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { type EnvelopeKind, type SealedMessage, sealMessage } from "../nostr/envelope.ts";
import type { NostrIdentity } from "../nostr/identity.ts";
import { reserveMessageTime } from "../nostr/key_clock.ts";
import { post } from "../nostr/outbox.ts";
import { enqueueLookUp } from "../nostr/recipient_look_up.ts";
import { type Route, routeTo } from "../nostr/recipient_relays.ts";
import type { Random } from "../random.ts";
import { addMessage, type MessageRow, unsentOf } from "./messages_store.ts";
import { partPurpose, saysAgain, type Unsent } from "./says_again.ts";

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
  /** The relay where the customer spoke; empty for the built-in one, null for somebody who never did. */
  relay: string | null;
  /** Says why these messages exist, unique: they are sent once however often this runs. */
  purpose: string;
  /** It isn't kept with anybody's conversation: what the merchant's own people are told. */
  unlisted?: boolean;
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
    if (out === null) return null;
    const { identity, customer: recipient, envelope, relay: seenOn } = out;
    const route = await routeTo(tx, { identity, recipient, envelope, seenOn }, clock.now());
    return { out, route, first: await reserve(tx, out, clock.now()) };
    // Nothing leaves before the transaction that stores it, and that one lasts.
  }, { lasting: false });
  if (dated === null) return [];
  const { out, route, first } = dated;
  const sealed = await Promise.all(out.messages.map(({ body }, i) =>
    sealMessage(
      { envelope: out.envelope, recipient: out.customer, content: body, createdAt: first + i },
      out.identity.signer,
      random,
    )
  ));
  return await database.transaction(async (tx) => {
    await finish(tx);
    const { identity, customer, orderId } = out;
    const unsent = orderId === null
      ? []
      : await unsentOf(tx, { merchant: identity.pubkey, customer, orderId });
    const sent: MessageRow[] = [];
    let posted = false;
    for (const [i, one] of sealed.entries()) {
      const { isNew, row } = await postOne(tx, { out, route, unsent, i, sealed: one }, clock.now());
      posted ||= isNew;
      if (row) sent.push(row);
    }
    // Afterwards and elsewhere: the first answer waits for no look-up.
    if (posted && route.stale) {
      const who = { merchant: identity.pubkey, pubkey: customer, seenOn: out.relay };
      await enqueueLookUp(tx, who, clock.now());
    }
    return sent;
  });
}

function reserve(tx: Tx, out: Outgoing, now: number): Promise<number> {
  const { identity, customer, answers, messages } = out;
  return reserveMessageTime(tx, { pubkey: identity.pubkey, customer, answers, now, count: messages.length });
}

/** Not new when it was posted before; without a row when it isn't kept with a conversation. */
async function postOne(
  tx: Tx,
  { out, route, unsent, i, sealed }: {
    out: Outgoing;
    route: Route;
    unsent: Unsent[];
    i: number;
    sealed: SealedMessage;
  },
  now: number,
): Promise<{ isNew: boolean; row?: MessageRow }> {
  const { identity, customer, orderId } = out;
  const { events, messageId } = sealed;
  let isNew = false;
  for (const { event, to } of events) {
    const posted = await post(tx, {
      merchant: identity.pubkey,
      purpose: partPurpose(out.purpose, i, to),
      ...(orderId !== null && { orderId }),
      event,
      insteadOf: unsent.filter((earlier) => saysAgain(out.messages, i, to, earlier)).map((one) =>
        one.event_id
      ),
      ...(event.id !== messageId && { messageId }),
      ...(to === "recipient" ? { relays: route.relays, to: route.to } : { relays: identity.dmRelays }),
    }, now);
    if (to === "recipient") isNew = posted;
  }
  if (!isNew || out.unlisted) return { isNew };
  const { body, type } = out.messages[i]!;
  const row = await addMessage(tx, {
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
  return { isNew, row };
}
