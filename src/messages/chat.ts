import type { Tx } from "../db/database.ts";
import type { NostrIdentity } from "../nostr/identity.ts";
import { lastFrom, type MessageRow } from "./messages_store.ts";
import { type Outgoing, send, type Sender } from "./send.ts";

/** Sends what a person wrote, in the envelope and to the relay that the customer used last (NIP-17 for a stranger). */
export async function sendChat(
  sender: Sender,
  identity: NostrIdentity,
  customer: string,
  body: string,
): Promise<MessageRow> {
  const purpose = `chat:${sender.random.uuid()}`;
  const [row] = await send(sender, (tx) => chatTo(tx, { identity, customer, body, purpose }));
  return row!;
}

/** What a person wrote to a customer, ready to be sent. */
export async function chatTo(
  tx: Tx,
  o: { identity: NostrIdentity; customer: string; body: string; purpose: string },
): Promise<Outgoing> {
  const { identity, customer, body, purpose } = o;
  const last = await lastFrom(tx, identity.pubkey, customer);
  return {
    identity,
    customer,
    envelope: last?.envelope ?? "nip17",
    messages: [{ body, type: "chat" }],
    orderId: null,
    answers: last?.created_at_seconds ?? 0,
    relay: last?.relay ?? null,
    purpose,
  };
}
