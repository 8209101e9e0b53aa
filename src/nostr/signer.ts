import type { NostrEvent, NostrSigner } from "@nostrify/types";
import { decrypt as decryptNip44, encrypt as encryptNip44 } from "nostr-tools/nip44";
import { RetryLater } from "../jobs/outcome.ts";
import { type Random, systemRandom } from "../random.ts";
import type { KeyCrypto } from "./event_crypto.ts";
import type { EventTemplate } from "./event_id.ts";
import { conversationKey, type SharedX } from "./key_agreement.ts";
import { LruMap } from "./lru_map.ts";
import { decryptNip04, encryptNip04 } from "./nip04.ts";

export type { EventTemplate } from "./event_id.ts";

/**
 * A merchant's key at work. Everything is asynchronous, because the key may lie elsewhere (NIP-46); a Nostrify signer with
 * a `pubkey` and both ciphers fits.
 */
export interface MerchantSigner extends NostrSigner {
  /** Hex. */
  readonly pubkey: string;
  signEvent(template: EventTemplate): Promise<NostrEvent>;
  readonly nip04: Cipher;
  readonly nip44: Cipher;
  /** What works with the throw-away keys of gift wraps, in this process; in JavaScript where it isn't given. */
  readonly crypto?: KeyCrypto;
}

/** NIP-04 or NIP-44 between the merchant and a peer (hex key). */
export interface Cipher {
  encrypt(peer: string, text: string): Promise<string>;
  /**
   * Throws when the payload can't be opened, and `SignerUnavailableError` when nobody could be asked. `once` tells that
   * the peer is a throw-away key (a gift wrap's): what is derived from it isn't kept.
   */
  decrypt(peer: string, payload: string, use?: { once?: boolean }): Promise<string>;
}

/**
 * The signer couldn't be asked, or wouldn't: the same call may work later. A job that it ends waits and loses no try, however
 * long that takes. A signer in this process never throws it.
 */
export class SignerUnavailableError extends RetryLater {
  override readonly name = "SignerUnavailableError";
  constructor(message: string, delayMs = 15_000) {
    super(message, delayMs, false);
  }
}

export interface LocalSignerOptions {
  /** For the ciphers' nonces. The machine's own unless given. */
  random?: Random;
  /** Peers whose derived keys are kept; the longest unused are forgotten. 4096 unless given. */
  peers?: number;
}

/** A signer whose secret key is in this process. Throws when the bytes are no secret key; keeps a copy of its own. */
export function localSigner(
  secretKey: Uint8Array,
  crypto: KeyCrypto,
  options: LocalSignerOptions = {},
): MerchantSigner {
  return new LocalSigner(Uint8Array.from(secretKey), crypto, options);
}

/** What is derived between the merchant and one peer. */
interface Derived {
  sharedX: Uint8Array;
  conversation?: Uint8Array;
}

class LocalSigner implements MerchantSigner {
  readonly pubkey: string;
  readonly crypto: KeyCrypto;
  readonly #secretKey: Uint8Array;
  readonly #random: Random;
  readonly #sharedX: SharedX;
  readonly #derived: LruMap<string, Derived>;

  constructor(secretKey: Uint8Array, crypto: KeyCrypto, options: LocalSignerOptions) {
    this.#secretKey = secretKey;
    this.crypto = crypto;
    this.#random = options.random ?? systemRandom;
    this.pubkey = crypto.publicKey(secretKey);
    this.#sharedX = crypto.agreement(secretKey);
    this.#derived = new LruMap(options.peers ?? 4096);
  }

  getPublicKey(): Promise<string> {
    return Promise.resolve(this.pubkey);
  }

  // deno-lint-ignore require-await -- async, so that a refusal is a rejection as it is with a remote signer
  async signEvent(template: EventTemplate): Promise<NostrEvent> {
    return this.crypto.sign(template, this.#secretKey);
  }

  readonly nip04: Cipher = {
    // deno-lint-ignore require-await -- as above
    encrypt: async (peer, text) => encryptNip04(this.#derive(peer).sharedX, text, this.#random.bytes(16)),
    // deno-lint-ignore require-await -- as above
    decrypt: async (peer, payload, use) => decryptNip04(this.#derive(peer, use).sharedX, payload),
  };

  readonly nip44: Cipher = {
    // deno-lint-ignore require-await -- as above
    encrypt: async (peer, text) =>
      encryptNip44(text, this.#conversation(this.#derive(peer)), this.#random.bytes(32)),
    // deno-lint-ignore require-await -- as above
    decrypt: async (peer, payload, use) => decryptNip44(payload, this.#conversation(this.#derive(peer, use))),
  };

  #derive(peer: string, use: { once?: boolean } = {}): Derived {
    const known = this.#derived.get(peer);
    if (known) return known;
    const derived: Derived = { sharedX: this.#sharedX(peer) };
    if (!use.once) this.#derived.set(peer, derived);
    return derived;
  }

  #conversation(derived: Derived): Uint8Array {
    return derived.conversation ??= conversationKey(derived.sharedX);
  }
}
