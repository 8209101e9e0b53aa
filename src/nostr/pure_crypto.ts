import { finalizeEvent, getPublicKey, verifyEvent } from "nostr-tools/pure";
import type { EventCrypto } from "./event_crypto.ts";
import { type EventTemplate, isSignedEvent, isTemplate } from "./event_id.ts";
import { pureAgreement } from "./key_agreement.ts";
import { isSecretKey } from "./secret_bytes.ts";

/** The implementation in JavaScript: right everywhere, and slow. Used where the faster one isn't given or doesn't work. */
export const pureCrypto: EventCrypto = {
  implementation: "pure",
  problems: [],
  verify(event) {
    if (!isSignedEvent(event)) return false;
    const { id, pubkey, created_at, kind, tags, content, sig } = event;
    // A fresh object: the library keeps its verdict on the event under a symbol, which copies carry along.
    return verifyEvent({ id, pubkey, created_at, kind, tags, content, sig });
  },
  publicKey(secretKey) {
    return getPublicKey(checkedKey(secretKey));
  },
  sign(template, secretKey) {
    const { id, pubkey, created_at, kind, tags, content, sig } = finalizeEvent(
      checkedTemplate(template),
      checkedKey(secretKey),
    );
    return { id, pubkey, created_at, kind, tags, content, sig };
  },
  agreement: (secretKey) => pureAgreement(checkedKey(secretKey)),
};

/** The key itself, when it is one. The error names no byte of it. */
export function checkedKey(secretKey: Uint8Array): Uint8Array {
  if (!isSecretKey(secretKey)) {
    throw new Error("This is no secret key: 32 bytes between zero and the curve's order are needed.");
  }
  return secretKey;
}

/** A copy of the fields that are signed, so that the signed event doesn't change with its template. */
export function checkedTemplate(template: EventTemplate): EventTemplate {
  if (!isTemplate(template)) {
    throw new Error(
      "The event to sign is malformed: kind and created_at must be whole numbers, tags lists of strings.",
    );
  }
  const { kind, created_at, tags, content } = template;
  return { kind, created_at, tags: tags.map((tag) => [...tag]), content };
}
