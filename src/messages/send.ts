import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { type EnvelopeKind, sealMessage } from "../nostr/envelope.ts";
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

/** Messages to one customer, in the order in which they shall be read. */
export interface Outgoing {
  identity: NostrIdentity;
  customer: string;
  envelope: EnvelopeKind;
  bodies: string[];
  type: MessageRow["type"];
  orderId: string | null;
  /** Seconds of the message that this answers: clients look for answers after it. */
  answers: number;
  /** The relay where the customer spoke; empty for the built-in one. */
  relay: string;
  /** Says why these messages exist, unique: they are sent once however often this runs. */
  purpose: string;
}

/**
 * Dates, signs and posts messages. `inTransaction` runs in the transaction that stores them, before they can be sent.
 * The signer works between two transactions, never inside one (design §2).
 */
export async function send(
  { database, clock, random }: Sender,
  out: Outgoing,
  inTransaction: (tx: Tx) => Promise<void>,
): Promise<void> {
  const { identity, customer, bodies, purpose } = out;
  const first = await database.transaction((tx) =>
    reserveMessageTime(tx, {
      pubkey: identity.pubkey,
      customer,
      answers: out.answers,
      now: clock.now(),
      count: bodies.length,
    })
  );
  const sealed = await Promise.all(
    bodies.map((content, i) =>
      sealMessage(
        { envelope: out.envelope, recipient: customer, content, createdAt: first + i },
        identity.signer,
        random,
      )
    ),
  );
  const theirs = [...new Set([...identity.relays, ...(out.relay === "" ? [] : [out.relay])])];
  await database.transaction(async (tx) => {
    const now = clock.now();
    await inTransaction(tx);
    for (const [i, { events, messageId }] of sealed.entries()) {
      let isNew = false;
      for (const { event, to } of events) {
        const posted = await post(tx, {
          merchant: identity.pubkey,
          purpose: `${purpose}:${i}:${to}`,
          ...(out.orderId === null ? {} : { orderId: out.orderId }),
          event,
          relays: to === "recipient" ? theirs : [...identity.dmRelays],
        }, now);
        if (to === "recipient") isNew = posted;
      }
      if (!isNew) continue;
      await addMessage(tx, {
        merchant: identity.pubkey,
        customer,
        direction: "out",
        type: out.type,
        envelope: out.envelope,
        order_id: out.orderId,
        body: bodies[i]!,
        event_id: messageId,
        at: now,
      });
    }
  });
}
