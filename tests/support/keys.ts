import { getPublicKey } from "nostr-tools/pure";
import type { Random } from "../../src/random.ts";

/** A key pair that is the same in every run. */
export function keyPair(name: string): { secretKey: Uint8Array; pubkey: string } {
  const secretKey = new Uint8Array(32);
  secretKey.set(new TextEncoder().encode(name).subarray(0, 31), 1);
  return { secretKey, pubkey: getPublicKey(secretKey) };
}

/** Chance that repeats itself: the same seed gives the same bytes. */
export function seededRandom(seed = 1): Random {
  let state = seed >>> 0 || 1;
  const next = () => {
    // xorshift32
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  const hex = (length: number) => Array.from({ length }, () => (next() & 15).toString(16)).join("");
  return {
    bytes: (length) => Uint8Array.from({ length }, () => next() & 255),
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`,
    fraction: () => next() / 2 ** 32,
  };
}
