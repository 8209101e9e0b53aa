import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv } from "node:crypto";

/**
 * Encrypts for a kind 4 (NIP-04): AES-256-CBC under the x that both keys share, `<ciphertext>?iv=<iv>` in base64.
 * `iv` is 16 random bytes, never used twice with one key.
 */
export function encryptNip04(sharedX: Uint8Array, text: string, iv: Uint8Array): string {
  const cipher = createCipheriv("aes-256-cbc", sharedX, iv);
  const encrypted = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return `${encrypted.toString("base64")}?iv=${Buffer.from(iv).toString("base64")}`;
}

/**
 * Decrypts what NIP-04 encrypted. Throws when the payload is malformed, or the result is no UTF-8: the cipher has no
 * check of its own, so that is how another key's message is told from text, nearly always.
 */
export function decryptNip04(sharedX: Uint8Array, payload: string): string {
  const parts = /^([A-Za-z0-9+/_-]+={0,2})\?iv=([A-Za-z0-9+/_-]+={0,2})$/.exec(payload);
  if (!parts?.[1] || !parts[2]) {
    throw new Error("The payload isn't NIP-04's: <base64>?iv=<base64> is expected.");
  }
  const decipher = createDecipheriv("aes-256-cbc", sharedX, Buffer.from(parts[2], "base64"));
  const bytes = Buffer.concat([decipher.update(Buffer.from(parts[1], "base64")), decipher.final()]);
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}
