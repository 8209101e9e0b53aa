import { secp256k1 } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { hexToBytes } from "@noble/hashes/utils.js";
import { bech32 } from "@scure/base";
import type { Msat } from "../money/msat.ts";
import { amountText, readAmount } from "./bolt11_amount.ts";
import { DEFAULT_MIN_FINAL_CLTV, field, readFields, TYPE } from "./bolt11_fields.ts";
import { isSignature, isSignedBy, signer } from "./bolt11_signature.ts";
import {
  bytesToWords,
  numberToWords,
  shortestWords,
  type Words,
  wordsToBytes,
  wordsToNumber,
  wordsToPaddedBytes,
} from "./bolt11_words.ts";
import type { Network } from "./wallet.ts";

/** What a BOLT11 invoice says. Route hints and fallback addresses are the payer's affair and aren't read. */
export interface Bolt11 {
  network: Network;
  /** Null: the payer chooses. */
  amountMsat: Msat | null;
  /** Seconds since 1970. */
  timestamp: number;
  /** 64 hex digits. */
  paymentHash: string;
  paymentSecret: string;
  /** Either this or the hash of one. */
  description: string | null;
  descriptionHash: string | null;
  expirySeconds: number;
  minFinalCltv: number;
  /** Bit n is feature n of BOLT9. */
  features: bigint;
  /** The node that signed: 66 hex digits; found when it is asked for. Null: a signature made so that it is nobody's. */
  readonly payee: string | null;
}

/** What is needed to make one; the signature names the payee. */
export interface NewBolt11 {
  network: Network;
  amountMsat: Msat | null;
  timestamp: number;
  paymentHash: string;
  paymentSecret: string;
  /** Exactly one of both. */
  description?: string;
  descriptionHash?: string;
  expirySeconds: number;
  minFinalCltv?: number;
}

export type DecodedBolt11 = { ok: true; invoice: Bolt11 } | { ok: false; reason: string };

/** Real ones have 200 to 1,000 characters. */
const MAX_LENGTH = 7_089;
const SIGNATURE_WORDS = 104;
const TIMESTAMP_WORDS = 7;
/** var_onion_optin and payment_secret required, basic_mpp optional: what payers expect of an invoice today (BOLT9). */
const OUR_FEATURES = (1n << 8n) | (1n << 14n) | (1n << 17n);
/** Required features (even bits) that wallets can meet: BOLT9's for invoices, and both numbers of trampoline routing. */
const KNOWN_REQUIRED = [8n, 14n, 16n, 24n, 30n, 48n, 56n, 148n].reduce((bits, n) => bits | (1n << n), 0n);

/** Makes an invoice signed by `nodeKey` (32 bytes). BOLT11. */
export function encodeBolt11(invoice: NewBolt11, nodeKey: Uint8Array): string {
  const prefix = `ln${invoice.network}${invoice.amountMsat === null ? "" : amountText(invoice.amountMsat)}`;
  const purpose = invoice.descriptionHash === undefined
    ? field(TYPE.description, bytesToWords(new TextEncoder().encode(invoice.description ?? "")))
    : field(TYPE.descriptionHash, bytesToWords(hexToBytes(invoice.descriptionHash)));
  const data = [
    ...numberToWords(BigInt(invoice.timestamp), TIMESTAMP_WORDS),
    ...field(TYPE.paymentHash, bytesToWords(hexToBytes(invoice.paymentHash))),
    ...field(TYPE.secret, bytesToWords(hexToBytes(invoice.paymentSecret))),
    ...purpose,
    ...field(TYPE.expiry, shortestWords(BigInt(invoice.expirySeconds))),
    ...field(TYPE.cltv, shortestWords(BigInt(invoice.minFinalCltv ?? DEFAULT_MIN_FINAL_CLTV))),
    ...field(TYPE.features, shortestWords(OUR_FEATURES)),
  ];
  const recovered = secp256k1.sign(signedHash(prefix, data), nodeKey, {
    prehash: false,
    format: "recovered",
  });
  const signature = Uint8Array.from([...recovered.subarray(1), recovered[0]!]);
  return bech32.encode(prefix, [...data, ...bytesToWords(signature)], false);
}

/** Reads an invoice and checks its signature; upper case is fine, `lightning:` before it is not. Fails as BOLT11's reader must. */
export function decodeBolt11(text: string): DecodedBolt11 {
  if (text.length > MAX_LENGTH) return refuse(`longer than ${MAX_LENGTH} characters`);
  let prefix: string, words: Words;
  try {
    ({ prefix, words } = bech32.decode(text as `${string}1${string}`, false));
  } catch {
    return refuse("no valid bech32 text: a character is missing or wrong");
  }
  const head = /^ln(bcrt|bc|tbs|tb)(\d.*)?$/.exec(prefix);
  if (!head) return refuse("no Lightning invoice of a known network");
  const amountMsat = head[2] === undefined ? null : readAmount(head[2]);
  if (head[2] !== undefined && amountMsat === null) return refuse("its amount breaks BOLT11's rules");
  if (words.length < SIGNATURE_WORDS + TIMESTAMP_WORDS) return refuse("too short");

  const data = words.slice(0, -SIGNATURE_WORDS);
  const fields = readFields(data.slice(TIMESTAMP_WORDS));
  if (!fields) return refuse("a field is cut off");
  if (fields.paymentHash === null) return refuse("no payment hash");
  if (fields.paymentSecret === null) return refuse("no payment secret");
  if (fields.badText) return refuse("its description is no UTF-8");
  if ((fields.description === null) === (fields.descriptionHash === null)) {
    return refuse("neither a description nor the hash of one, or both");
  }
  const unknown = unknownRequired(fields.features);
  if (unknown !== null) return refuse(`it requires the unknown feature ${unknown}`);
  const signature = wordsToBytes(words.slice(-SIGNATURE_WORDS));
  const hash = signedHash(prefix, data);
  if (!(fields.payee === null ? isSignature(signature) : isSignedBy(fields.payee, signature, hash))) {
    return refuse("its signature is not valid");
  }

  const { badText: _, payee, paymentHash, paymentSecret, ...rest } = fields;
  return {
    ok: true,
    invoice: {
      ...rest,
      paymentHash,
      paymentSecret,
      network: head[1] as Network,
      amountMsat,
      timestamp: Number(wordsToNumber(data.slice(0, TIMESTAMP_WORDS))),
      get payee() {
        return payee ?? signer(signature, hash);
      },
    },
  };
}

function signedHash(prefix: string, data: Words): Uint8Array {
  const head = new TextEncoder().encode(prefix);
  const body = wordsToPaddedBytes(data);
  const message = new Uint8Array(head.length + body.length);
  message.set(head);
  message.set(body, head.length);
  return sha256(message);
}

function unknownRequired(features: bigint): number | null {
  for (let bit = 0, rest = features & ~KNOWN_REQUIRED; rest !== 0n; bit += 2, rest >>= 2n) {
    if (rest & 1n) return bit;
  }
  return null;
}

function refuse(reason: string): DecodedBolt11 {
  return { ok: false, reason };
}
