import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { HookRead } from "../../wallet.ts";
import { toldBy } from "./payment.ts";

/**
 * Reads a webhook of phoenixd: `X-Phoenix-Signature` is the HMAC-SHA256 of the raw body, by the `webhook-secret` of its
 * configuration. The signature names the delivery: the body holds the time.
 */
export function readWebhook(headers: Headers, raw: Uint8Array, secret: string | null): HookRead {
  if (secret === null) return refuse("the wallet's URL has no webhook_secret");
  const given = headers.get("x-phoenix-signature")?.trim().toLowerCase() ?? "";
  const signature = bytesToHex(hmac(sha256, utf8ToBytes(secret), raw));
  if (!equal(given, signature)) return refuse("its X-Phoenix-Signature isn't ours");
  const paymentHash = toldBy(new TextDecoder().decode(raw));
  // Other events may come by the same way.
  return {
    ok: true,
    hints: paymentHash === null ? [] : [{ paymentHash }],
    delivery: signature,
  };
}

/** In a time that doesn't tell how much of it is right. */
function equal(given: string, expected: string): boolean {
  if (given.length !== expected.length) return false;
  let differs = 0;
  for (let i = 0; i < expected.length; i++) differs |= given.charCodeAt(i) ^ expected.charCodeAt(i);
  return differs === 0;
}

function refuse(reason: string): HookRead {
  return { ok: false, reason };
}
