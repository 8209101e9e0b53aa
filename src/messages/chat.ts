import type { NostrIdentity } from "../nostr/identity.ts";
import { lastFrom, listMessages, type MessageRow } from "./messages_store.ts";
import { send, type Sender } from "./send.ts";

/** Sends what a person wrote, in the envelope and to the relay that the customer used last (NIP-17 for a stranger). */
export async function sendChat(
  sender: Sender,
  identity: NostrIdentity,
  customer: string,
  body: string,
): Promise<MessageRow> {
  const { database, random } = sender;
  const last = await lastFrom(database.kysely, identity.pubkey, customer);
  await send(sender, {
    identity,
    customer,
    envelope: last?.envelope ?? "nip17",
    bodies: [body],
    type: "chat",
    orderId: null,
    answers: last?.created_at_seconds ?? 0,
    relay: last?.relay ?? "",
    purpose: `chat:${random.uuid()}`,
  }, () => Promise.resolve());
  const [row] = await listMessages(database.kysely, { merchant: identity.pubkey, customer, type: "chat" }, {
    limit: 1,
  });
  return row!;
}
