import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { base64, base64urlnopad } from "@scure/base";

const PREFIX = "whsec_";

/** The secret by which a token's calls are signed, as its holder keeps it: the same for ever, stored nowhere. */
export function callSecret(secrets: { derive(purpose: string): string }, token: string): string {
  const derived = secrets.derive(JSON.stringify(["till call", token]));
  return `${PREFIX}${base64.encode(base64urlnopad.decode(derived))}`;
}

/** Headers that prove who calls and when, by the Standard Webhooks specification. `at`: ms since 1970. */
export function callHeaders(
  secret: string,
  { id, at, body }: { id: string; at: number; body: string },
): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000));
  const key = base64.decode(secret.slice(PREFIX.length));
  const mac = hmac(sha256, key, utf8ToBytes(`${id}.${timestamp}.${body}`));
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${base64.encode(mac)}`,
  };
}
