import { bytesToHex } from "@noble/hashes/utils.js";
import type { Clock } from "../../clock.ts";
import type { Random } from "../../random.ts";
import type { KeyCrypto } from "../event_crypto.ts";
import { newSecretKey } from "../secret_bytes.ts";
import { localSigner, type MerchantSigner } from "../signer.ts";
import { BunkerRefusal } from "./requests.ts";

type CipherName = "nip04" | "nip44";

/** Somebody who writes to the merchant and never existed: what this key sealed, the merchant's opens. */
export function stranger(crypto: KeyCrypto, random: Random): { peer: MerchantSigner; text: string } {
  return { peer: localSigner(newSecretKey(random), crypto, { random }), text: bytesToHex(random.bytes(16)) };
}

/**
 * Tells whether a remote signer opens messages at all: by one of ours that certainly can be opened. Signers have no common
 * word for "this payload is damaged", "I don't know this method" and "the owner said no".
 */
export class Proof {
  readonly #o: { pubkey: string; crypto: KeyCrypto; random: Random; clock: Clock; provenMs: number };
  readonly #provenAt = new Map<CipherName, number>();

  constructor(o: { pubkey: string; crypto: KeyCrypto; random: Random; clock: Clock; provenMs: number }) {
    this.#o = o;
  }

  /** It opened something just now. */
  hold(cipher: CipherName): void {
    this.#provenAt.set(cipher, this.#o.clock.monotonic());
  }

  /** Whether it opens this cipher's messages now. Throws as `decrypt` does, but for refusals. */
  async of(
    cipher: CipherName,
    decrypt: (peer: string, payload: string) => Promise<string>,
  ): Promise<boolean> {
    const { pubkey, crypto, random, clock, provenMs } = this.#o;
    const provenAt = this.#provenAt.get(cipher);
    if (provenAt !== undefined && clock.monotonic() - provenAt < provenMs) return true;
    const { peer, text } = stranger(crypto, random);
    try {
      if (await decrypt(peer.pubkey, await peer[cipher].encrypt(pubkey, text)) !== text) return false;
    } catch (error) {
      if (error instanceof BunkerRefusal) return false;
      throw error;
    }
    this.hold(cipher);
    return true;
  }
}

const REFUSALS =
  /den(y|ied)|reject|refus|disallow|not (allowed|permitted|approved|authori[sz]ed|supported|implemented|connected)|unauthori[sz]ed|forbidden|permission|declin|cancel|revoked|expired|locked|unsupported|unknown method|no such method/i;

/** Whether an error is surely about us and not about the payload. */
export function isRefusalText(text: string): boolean {
  return REFUSALS.test(text);
}
