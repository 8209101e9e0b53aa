import type { NostrEvent } from "@nostrify/types";
import type { EventTemplate } from "./event_id.ts";
import type { KeyAgreement } from "./key_agreement.ts";

/** Says whether an event is what its author signed. */
export interface Verifier {
  /** Recomputes the id and checks the signature (NIP-01, BIP-340). Never throws, whatever the event holds. */
  verify(event: NostrEvent): boolean;
}

/** What a secret key of 32 bytes can do. */
export interface KeyCrypto {
  /** The public key, hex. Throws when the bytes are no secret key. */
  publicKey(secretKey: Uint8Array): string;
  /** Signs a copy of the template; the template stays as it is. Throws when it isn't an event's. */
  sign(template: EventTemplate, secretKey: Uint8Array): NostrEvent;
  /** Shared secrets with other keys. */
  readonly agreement: KeyAgreement;
}

/** All that is needed of secp256k1, in whatever implementation passed its tests. */
export interface EventCrypto extends Verifier, KeyCrypto {
  /** What checks and makes signatures now. `pure` is the slower one, in JavaScript. */
  readonly implementation: "wasm" | "pure";
  /** Why a faster implementation isn't in use, for a person to read; empty when all is well. */
  readonly problems: readonly string[];
}
