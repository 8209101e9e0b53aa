"use strict";

const TOKEN = /^ncc_[A-Za-z0-9-]{12}_[\w-]{43}$/;
const SIGNING = /^whsec_[A-Za-z0-9+/]{16,}={0,2}$/;
const LEAST_SECRET = 32;

/**
 * The plugin's options, checked, among which Medusa puts some of its own. `payments`: they must be enough to take payments.
 * Throws with everything that is wrong with them; no message quotes a secret.
 */
function readOptions(options, { payments }) {
  const given = options ?? {};
  const { url, token, secret, events_secret: eventsSecret, cancel_expired: cancelExpired } = given;
  const wrong = [];
  if (!isHttpUrl(url)) wrong.push("`url` must be where ncc answers: https://shop.example");
  const pays = payments || token !== undefined || secret !== undefined;
  if (pays && !TOKEN.test(token ?? "")) {
    wrong.push("`token` must be one of ncc with the scope `invoices` (ncc_…)");
  }
  if (pays && !SIGNING.test(secret ?? "")) {
    wrong.push("`secret` must be what was shown as `notify_secret` when the token was made (whsec_…)");
  }
  if (eventsSecret !== undefined && !isSecret(eventsSecret)) {
    wrong.push("`events_secret` must be ncc's NCC_MEDUSA_WEBHOOK_SECRET, of 32 characters or more");
  }
  if (!pays && eventsSecret === undefined) {
    wrong.push(
      "name `token` and `secret` to take payments, `events_secret` to tell ncc what changes, or all of them",
    );
  }
  if (cancelExpired !== undefined && typeof cancelExpired !== "boolean") {
    wrong.push("`cancel_expired` must be true or false");
  }
  if (wrong.length > 0) throw new Error(`medusa-plugin-ncc: ${wrong.join("; ")}. See its README.`);
  return {
    url: url.replace(/\/+$/, ""),
    token: token ?? null,
    secret: secret ?? null,
    eventsSecret: eventsSecret ?? null,
    cancelExpired: cancelExpired ?? false,
  };
}

function isHttpUrl(url) {
  if (typeof url !== "string" || !URL.canParse(url)) return false;
  const { protocol, search, username } = new URL(url);
  return ["http:", "https:"].includes(protocol) && search === "" && username === "";
}

function isSecret(text) {
  if (typeof text !== "string" || text.length < LEAST_SECRET) return false;
  return !text.startsWith("whsec_") || SIGNING.test(text);
}

module.exports = { readOptions };
