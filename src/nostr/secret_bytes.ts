import { bytesToHex } from "@noble/hashes/utils.js";
import type { Random } from "../random.ts";

const CURVE_ORDER = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

/** Whether bytes can be a secret key of secp256k1: 32 of them, more than zero and less than the curve's order. */
export function isSecretKey(bytes: Uint8Array): boolean {
  if (bytes.length !== 32) return false;
  const hex = bytesToHex(bytes);
  return hex > "0".repeat(64) && hex < CURVE_ORDER;
}

/** A new secret key. Throws when chance doesn't give one: bytes that are no key come about once in 2^128. */
export function newSecretKey(random: Random): Uint8Array {
  for (let tries = 0; tries < 8; tries++) {
    const bytes = random.bytes(32);
    if (isSecretKey(bytes)) return bytes;
  }
  throw new Error("The source of randomness gave no usable key in 8 tries: it is broken.");
}
