import { timingSafeEqual } from "node:crypto";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { base64, base64urlnopad } from "@scure/base";

const PREFIX = "whsec_";
/** How much the clocks of who calls and who is called may differ, or a call take. */
export const CALL_TOLERANCE_MS = 5 * 60_000;
const MOST_SIGNATURES = 5;
const LONGEST_ID = 200;

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
  const signature = signatureOf(secret, { id, timestamp, raw: utf8ToBytes(body) });
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
}

/** Whether a call was signed with this secret, at most five minutes before or after `now` (ms); the id that it has then. */
export function whoseCall(
  secret: string,
  { headers, raw, now }: { headers: Headers; raw: Uint8Array; now: number },
): { ok: true; id: string } | { ok: false; reason: string } {
  const [id, timestamp, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"]
    .map((name) => headers.get(name) ?? "");
  if (!id || !timestamp || !signatures) return { ok: false, reason: "it isn't signed" };
  if (!/^\d{1,12}$/.test(timestamp)) return { ok: false, reason: "its timestamp is none" };
  const expected = utf8ToBytes(signatureOf(secret, { id, timestamp, raw }));
  // While a secret is replaced there may be several.
  const signed = signatures.split(" ").slice(0, MOST_SIGNATURES).map(utf8ToBytes)
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
  if (!signed) return { ok: false, reason: "its signature is wrong" };
  if (Math.abs(now - Number(timestamp) * 1000) > CALL_TOLERANCE_MS) {
    return { ok: false, reason: "it was signed more than five minutes from now" };
  }
  return id.length > LONGEST_ID ? { ok: false, reason: "its id is too long" } : { ok: true, id };
}

function signatureOf(
  secret: string,
  { id, timestamp, raw }: { id: string; timestamp: string; raw: Uint8Array },
): string {
  const signed = concatBytes(utf8ToBytes(`${id}.${timestamp}.`), raw);
  return `v1,${base64.encode(hmac(sha256, keyOf(secret), signed))}`;
}

/** A secret that a person has thought of is its own bytes. */
function keyOf(secret: string): Uint8Array {
  return secret.startsWith(PREFIX) ? base64.decode(secret.slice(PREFIX.length)) : utf8ToBytes(secret);
}
