import * as nip44 from "nostr-tools/nip44";
import { type EventTemplate, finalizeEvent, generateSecretKey, type NostrEvent } from "nostr-tools/pure";

/** A seal by `author` around any text, made by nostr-tools. */
export function sealAround(
  text: string,
  author: Uint8Array,
  recipient: string,
  changes: Partial<EventTemplate> = {},
): NostrEvent {
  const content = changes.content ?? nip44.encrypt(text, nip44.getConversationKey(author, recipient));
  return finalizeEvent({ kind: 13, created_at: 1_700_000_000, tags: [], ...changes, content }, author);
}

/** A gift wrap by a throw-away key around any text, as a relay hands it on. */
export function wrapAround(
  text: string,
  recipient: string,
  changes: Partial<EventTemplate> = {},
): NostrEvent {
  const throwAway = generateSecretKey();
  const content = changes.content ?? nip44.encrypt(text, nip44.getConversationKey(throwAway, recipient));
  const tags = [["p", recipient]];
  return fromTheWire(
    finalizeEvent({ kind: 1059, created_at: 1_700_000_000, tags, content, ...changes }, throwAway),
  );
}

/** Any rumor, sealed and wrapped. */
export function wrapRumor(rumor: unknown, author: Uint8Array, recipient: string): NostrEvent {
  return wrapAround(JSON.stringify(sealAround(JSON.stringify(rumor), author, recipient)), recipient);
}

/** A copy without what libraries keep under symbols. */
export function fromTheWire(event: NostrEvent): NostrEvent {
  return JSON.parse(JSON.stringify(event));
}
