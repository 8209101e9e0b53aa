import { Buffer } from "node:buffer";
import { createECDH, type ECDH } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";

/** Gives the x of the point that one secret key shares with a public key (hex). Throws when that is no point. */
export type SharedX = (peer: string) => Uint8Array;

/** Makes the shared secrets of a secret key: the base of NIP-04 and NIP-44. */
export type KeyAgreement = (secretKey: Uint8Array) => SharedX;

/** Elliptic-curve Diffie-Hellman by the platform's OpenSSL: several times as fast as JavaScript. */
export const nativeAgreement: KeyAgreement = (secretKey) => {
  let own: ECDH | undefined;
  return (peer) => {
    if (!own) {
      own = createECDH("secp256k1");
      own.setPrivateKey(secretKey);
    }
    return new Uint8Array(own.computeSecret(Buffer.from(evenPoint(peer), "hex")));
  };
};

/** The same in JavaScript. */
export const pureAgreement: KeyAgreement = (secretKey) => (peer) =>
  secp256k1.getSharedSecret(secretKey, hexToBytes(evenPoint(peer))).subarray(1, 33);

/** What NIP-44 encrypts with between two keys, from the x that they share. */
export function conversationKey(sharedX: Uint8Array): Uint8Array {
  return extract(sha256, sharedX, utf8ToBytes("nip44-v2"));
}

/** Whether an agreement gives what NIP-44's published vector says. */
export function agrees(agreement: KeyAgreement): boolean {
  const sharedX = agreement(hexToBytes("315e59ff51cb9209768cf7da80791ddcaae56ac9775eb25b6dee1234bc5d2268"));
  const key = conversationKey(sharedX("c2f9d9948dc8c7c38321e4b85c8558872eafa0641cd269db76848a6073e69133"));
  return Buffer.from(key).toString("hex") ===
    "3dfef0ce2a4d80a25e7a328accf73448ef67096f65f79588e358d9a0eb9013f1";
}

/** BIP-340: a public key is the point of that x whose y is even. Refuses what isn't 64 hex digits, as decoders cut it off. */
function evenPoint(peer: string): string {
  if (!/^[0-9a-f]{64}$/.test(peer)) throw new Error("A public key has 64 lower-case hex digits.");
  return `02${peer}`;
}
