import { type MerchantSigner, SignerUnavailableError } from "./signer.ts";

/** More characters than any payload whose content is within `MAX_CONTENT_BYTES` needs, sealed and wrapped. */
export const MAX_PAYLOAD_CHARS = 262_144;

/** The longest message that is read or sent, in bytes of UTF-8. */
export const MAX_CONTENT_BYTES = 65_536;

/**
 * Which cipher a payload is for, told by its form and not by the event's kind: NIP-04 ends in `?iv=…`, NIP-44 is base64
 * whose first byte is its version, 2. Null for anything else, such as plain text.
 */
export function cipherOf(payload: string): "nip04" | "nip44" | null {
  if (payload.includes("?iv=")) return "nip04";
  // Base64 of a first byte 2: six zero bits make "A", the next six bits begin with 10.
  return /^A[g-v][A-Za-z0-9+/]+={0,2}$/.test(payload) ? "nip44" : null;
}

/**
 * Decrypts a payload of either cipher; null when it can't be opened with the merchant's key. Throws only
 * `SignerUnavailableError`. `once` as in `Cipher.decrypt`. The caller bounds the payload's length.
 */
export async function decryptPayload(
  signer: MerchantSigner,
  peer: string,
  payload: string,
  use: { once?: boolean } = {},
): Promise<string | null> {
  const cipher = cipherOf(payload);
  if (!cipher) return null;
  try {
    return await signer[cipher].decrypt(peer, payload, use);
  } catch (error) {
    if (error instanceof SignerUnavailableError) throw error;
    // Whatever else it says is about the payload, and whoever wrote that chose the words: it isn't passed on.
    return null;
  }
}

/** The length of a text in bytes of UTF-8. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
