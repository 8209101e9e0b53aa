import type { NostrEvent } from "@nostrify/types";
import { decryptPayload } from "./payload.ts";
import type { MerchantSigner } from "./signer.ts";

/** What a merchant's own key said: through this program, or through another one that has the key. */
export interface OwnMessage {
  merchant: string;
  eventId: string;
  /** Null for a kind 4. */
  rumorId: string | null;
  content: string;
  /** 4, or the rumor's. */
  kind: number;
  tags: string[][];
  /** Seconds; the rumor's for a gift wrap. */
  created_at: number;
}

/**
 * Opens a kind 4 that the merchant's key wrote to somebody, its signature checked. Null when it can't be opened. Throws
 * `SignerUnavailableError` when the signer can't be asked.
 */
export async function openOwn(event: NostrEvent, signer: MerchantSigner): Promise<OwnMessage | null> {
  const recipient = event.tags.find(([name, value]) => name === "p" && /^[0-9a-f]{64}$/.test(value ?? ""))
    ?.[1];
  if (event.kind !== 4 || event.pubkey !== signer.pubkey || recipient === undefined) return null;
  const content = await decryptPayload(signer, recipient, event.content);
  if (content === null) return null;
  const { id: eventId, kind, tags, created_at } = event;
  return { merchant: signer.pubkey, eventId, rumorId: null, content, kind, tags, created_at };
}
