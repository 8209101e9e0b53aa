"use strict";

const { Buffer } = require("node:buffer");
const { createHmac, timingSafeEqual } = require("node:crypto");

const PREFIX = "whsec_";
const TOLERANCE_S = 5 * 60;
const MOST_SIGNATURES = 5;

/** Headers that prove who calls and when, by the Standard Webhooks specification. `at`: ms since 1970. */
function callHeaders(secret, { id, at, body }) {
  const timestamp = String(Math.floor(at / 1000));
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatureOf(secret, id, timestamp, Buffer.from(body)),
  };
}

/** Whether a call was signed with this secret, at most five minutes before or after `now` (ms). `raw`: its body's bytes. */
function isSigned(secret, { headers, raw, now }) {
  const [id, timestamp, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"]
    .map((name) => headers[name]);
  if (typeof id !== "string" || typeof signatures !== "string" || !/^\d{1,12}$/.test(timestamp)) return false;
  const expected = Buffer.from(signatureOf(secret, id, timestamp, raw));
  const signed = signatures.split(" ").slice(0, MOST_SIGNATURES).map((text) => Buffer.from(text))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
  return signed && Math.abs(now / 1000 - Number(timestamp)) <= TOLERANCE_S;
}

function signatureOf(secret, id, timestamp, raw) {
  // A secret that a person has thought of is its own bytes.
  const key = secret.startsWith(PREFIX)
    ? Buffer.from(secret.slice(PREFIX.length), "base64")
    : Buffer.from(secret);
  return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.`).update(raw).digest("base64")}`;
}

module.exports = { callHeaders, isSigned };
