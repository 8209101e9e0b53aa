import type { NostrIdentity } from "../nostr/identity.ts";
import { lastFrom, type MessageRow } from "./messages_store.ts";
import { send, type Sender } from "./send.ts";

/** Sends what a person wrote, in the envelope and to the relay that the customer used last (NIP-17 for a stranger). */
export async function sendChat(
  sender: Sender,
  identity: NostrIdentity,
  customer: string,
  body: string,
): Promise<MessageRow> {
  const purpose = `chat:${sender.random.uuid()}`;
  const [row] = await send(sender, async (tx) => {
    const last = await lastFrom(tx, identity.pubkey, customer);
    return {
      identity,
      customer,
      envelope: last?.envelope ?? "nip17",
      messages: [{ body, type: "chat" }],
      orderId: null,
      answers: last?.created_at_seconds ?? 0,
      relay: last?.relay ?? "",
      purpose,
    };
  });
  return row!;
}
