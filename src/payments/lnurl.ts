import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { bech32 } from "@scure/base";

/** LUD-01: a URL as `lnurl1…`, in lower case. */
export function encodeLnurl(url: string): string {
  return bech32.encode("lnurl", bech32.toWords(utf8ToBytes(url)), false);
}

/** LUD-06: the metadata of a pay request, which wallets show; a JSON text, and kept as text because its hash is committed to. */
export function metadataOf(text: string): string {
  return JSON.stringify([["text/plain", text]]);
}

/** What an invoice bears that commits to a text (BOLT11's `h`): 64 hex digits. */
export function descriptionHash(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}
