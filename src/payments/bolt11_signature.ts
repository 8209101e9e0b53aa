import { secp256k1 } from "@noble/curves/secp256k1.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";

// The library throws for numbers that are no signature or no point: an invalid one like any other.

/** Whether the signature (low-S) is the key's that the `n` field names. */
export function isSignedBy(named: string, signature: Uint8Array, hash: Uint8Array): boolean {
  try {
    return secp256k1.verify(signature.subarray(0, 64), hash, hexToBytes(named), {
      prehash: false,
      lowS: true,
    });
  } catch {
    return false;
  }
}

/**
 * Whether some key has made the signature: then one can be recovered from it, which costs ten times as much as to know that.
 * It needs r and s within the group's order, which the library sees to, and a point whose x is r.
 */
export function isSignature(signature: Uint8Array): boolean {
  const { Point } = secp256k1;
  try {
    const { r, recovery } = secp256k1.Signature.fromBytes(recovered(signature), "recovered");
    if (recovery === undefined) return false;
    const x = recovery < 2 ? r : r + Point.Fn.ORDER;
    if (x >= Point.Fp.ORDER) return false;
    Point.fromHex(`02${x.toString(16).padStart(64, "0")}`);
    return true;
  } catch {
    return false;
  }
}

/** The key that a signature is recovered to; null when it is nobody's. */
export function signer(signature: Uint8Array, hash: Uint8Array): string | null {
  try {
    return bytesToHex(secp256k1.recoverPublicKey(recovered(signature), hash, { prehash: false }));
  } catch {
    return null;
  }
}

/** The library has the recovery id in front, BOLT11 behind. */
function recovered(signature: Uint8Array): Uint8Array {
  return Uint8Array.from([signature[64]!, ...signature.subarray(0, 64)]);
}
