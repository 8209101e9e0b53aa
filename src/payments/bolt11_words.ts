/** Bech32's five-bit groups. */
export type Words = number[];

/** Bytes as words, the last one padded with zeros. */
export function bytesToWords(bytes: Uint8Array): Words {
  return regroup(bytes, 8, 5, true);
}

/** Words as bytes; bits that make no whole byte are dropped. */
export function wordsToBytes(words: readonly number[]): Uint8Array {
  return Uint8Array.from(regroup(words, 5, 8, false));
}

/** Words as bytes, the last byte filled up with zeros: the form that is signed (BOLT11, data part). */
export function wordsToPaddedBytes(words: readonly number[]): Uint8Array {
  return Uint8Array.from(regroup(words, 5, 8, true));
}

/** A number in exactly `length` words, big-endian. */
export function numberToWords(value: bigint, length: number): Words {
  if (value < 0n || value >> BigInt(5 * length) !== 0n) {
    throw new Error(`${value} doesn't fit ${length} words`);
  }
  return Array.from({ length }, (_, i) => Number((value >> BigInt(5 * (length - 1 - i))) & 31n));
}

/** A number in as few words as it needs. */
export function shortestWords(value: bigint): Words {
  let length = 1;
  while (value >> BigInt(5 * length) !== 0n) length++;
  return numberToWords(value, length);
}

/** Words as a big-endian number. */
export function wordsToNumber(words: readonly number[]): bigint {
  return words.reduce((sum, word) => sum * 32n + BigInt(word), 0n);
}

function regroup(from: Iterable<number>, fromBits: number, toBits: number, pad: boolean): number[] {
  const out: number[] = [];
  let held = 0;
  let bits = 0;
  for (const value of from) {
    held = (held << fromBits) | value;
    bits += fromBits;
    while (bits >= toBits) {
      bits -= toBits;
      out.push(held >> bits);
      held &= (1 << bits) - 1;
    }
  }
  if (pad && bits > 0) out.push(held << (toBits - bits));
  return out;
}
