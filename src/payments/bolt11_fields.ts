import { bytesToHex } from "@noble/hashes/utils.js";
import { numberToWords, type Words, wordsToBytes, wordsToNumber } from "./bolt11_words.ts";

/** The types of the tagged fields that we read (BOLT11, tagged fields). */
export const TYPE = {
  features: 5,
  expiry: 6,
  paymentHash: 1,
  description: 13,
  secret: 16,
  payee: 19,
  descriptionHash: 23,
  cltv: 24,
};
const DEFAULT_EXPIRY_SECONDS = 3_600;
/** Without a `c` field. */
export const DEFAULT_MIN_FINAL_CLTV = 18;

/** What the tagged fields say. */
export interface Fields {
  paymentHash: string | null;
  paymentSecret: string | null;
  description: string | null;
  descriptionHash: string | null;
  expirySeconds: number;
  minFinalCltv: number;
  features: bigint;
  payee: string | null;
  badText: boolean;
}

/** Tagged fields: unknown ones and those of a wrong length are skipped (as in BOLT11's example), of several the first counts. Null when cut off. */
export function readFields(words: Words): Fields | null {
  const found = new Map<number, Words>();
  for (let at = 0; at < words.length;) {
    if (at + 3 > words.length) return null;
    const type = words[at]!;
    const length = words[at + 1]! * 32 + words[at + 2]!;
    const content = words.slice(at + 3, at + 3 + length);
    if (content.length < length) return null;
    at += 3 + length;
    const fixed = FIXED_LENGTH.get(type);
    if (!found.has(type) && (fixed === undefined || fixed === length)) found.set(type, content);
  }
  const bytes = (type: number, length: number) => {
    const content = found.get(type);
    return content ? bytesToHex(wordsToBytes(content).subarray(0, length)) : null;
  };
  const number = (type: number, otherwise: number) => {
    const content = found.get(type);
    if (!content) return otherwise;
    const value = wordsToNumber(content);
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
  };
  const text = readText(found.get(TYPE.description));
  return {
    paymentHash: bytes(TYPE.paymentHash, 32),
    paymentSecret: bytes(TYPE.secret, 32),
    description: text ?? null,
    descriptionHash: bytes(TYPE.descriptionHash, 32),
    expirySeconds: number(TYPE.expiry, DEFAULT_EXPIRY_SECONDS),
    minFinalCltv: number(TYPE.cltv, DEFAULT_MIN_FINAL_CLTV),
    features: wordsToNumber(found.get(TYPE.features) ?? []),
    payee: bytes(TYPE.payee, 33),
    badText: text === null,
  };
}

const FIXED_LENGTH = new Map([[TYPE.paymentHash, 52], [TYPE.secret, 52], [TYPE.descriptionHash, 52], [
  TYPE.payee,
  53,
]]);

/** The text; undefined without a field, null when it is no UTF-8. */
function readText(words: Words | undefined): string | null | undefined {
  if (!words) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(wordsToBytes(words));
  } catch {
    return null;
  }
}

/** A tagged field: type, length, content. */
export function field(type: number, content: Words): Words {
  return [type, ...numberToWords(BigInt(content.length), 2), ...content];
}
