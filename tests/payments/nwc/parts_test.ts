import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { NwcError, readInfo, readNotification, readResponse } from "../../../src/payments/nwc/messages.ts";
import { statusOf } from "../../../src/payments/nwc/transaction.ts";
import { describeNwcUri, parseNwcUri } from "../../../src/payments/nwc/uri.ts";
import { WalletError } from "../../../src/payments/wallet.ts";

const KEY = "ab".repeat(32);
const SECRET = "cd".repeat(32);
const HASH = "ef".repeat(32);

Deno.test("parseNwcUri() reads connections as wallets write them", () => {
  const relay = encodeURIComponent("wss://relay.example.com/v1");
  const forms = [
    `nostr+walletconnect://${KEY}?relay=${relay}&secret=${SECRET}`,
    `nostr+walletconnect:${KEY}?secret=${SECRET}&relay=wss://relay.example.com/v1/`,
    ` nostrwalletconnect://${KEY.toUpperCase()}/?relay=${relay}&secret=${SECRET}&lud16=me@example.com&x=y\n`,
  ];
  for (const form of forms) {
    const read = parseNwcUri(form);
    assert(read.ok, form);
    assertEquals([read.uri.walletPubkey, read.uri.relays], [KEY, ["wss://relay.example.com/v1"]]);
    assertEquals(read.uri.secret.toHex(), SECRET);
  }
  const two = parseNwcUri(
    `nostr+walletconnect://${KEY}?relay=wss://a.example&relay=ws://127.0.0.1:1&relay=wss://a.example&secret=${SECRET}`,
  );
  assert(two.ok);
  assertEquals(two.uri.relays, ["wss://a.example", "ws://127.0.0.1:1"]);
  assert(!describeNwcUri(two.uri).includes(SECRET.slice(0, 8)));
});

Deno.test("parseNwcUri() says what is wrong without repeating the secret", () => {
  const table: [string, RegExp][] = [
    ["", /isn't a wallet connection/],
    [`nostr+walletconnect://${KEY}`, /isn't a wallet connection/],
    [`nostr+walletconnect://${KEY.slice(1)}?relay=wss://a&secret=${SECRET}`, /key must be 64/],
    [`nostr+walletconnect://${KEY}?relay=wss://a&secret=${SECRET.slice(1)}`, /secret must be 64/],
    [`nostr+walletconnect://${KEY}?relay=wss://a&secret=${"0".repeat(64)}`, /secret must be 64/],
    [`nostr+walletconnect://${KEY}?secret=${SECRET}`, /names no relay/],
    [`nostr+walletconnect://${KEY}?relay=https://a&secret=${SECRET}`, /ws:\/\/ or wss/],
  ];
  for (const [text, reason] of table) {
    const read = parseNwcUri(text);
    assert(!read.ok, text);
    assertMatch(read.reason, reason);
    assert(!read.reason.includes(SECRET.slice(0, 16)));
  }
});

Deno.test("readInfo() takes NIP-44 whenever it is offered, and NIP-04 without the tag", () => {
  const cipher = (...tags: string[][]) => readInfo({ content: "", tags }).cipher;
  assertEquals(cipher(), "nip04");
  assertEquals(cipher(["encryption", "nip04 nip44_v2"]), "nip44");
  assertEquals(cipher(["encryption", "nip04", "nip44_v2"]), "nip44");
  assertEquals(cipher(["encryption", "nip04"]), "nip04");
  assertEquals(cipher(["encryption", "nip99"]), null);
  assertEquals(readInfo({ content: " make_invoice  lookup_invoice\nnotifications ", tags: [] }).methods, [
    "make_invoice",
    "lookup_invoice",
    "notifications",
  ]);
});

Deno.test("readResponse() gives results and errors by code, and refuses what is neither", () => {
  assertEquals(readResponse('{"result_type":"get_info","result":{"a":1}}', "get_info"), {
    ok: true,
    result: { a: 1 },
  });
  assertEquals(readResponse('{"result":{},"error":null}', "get_info"), { ok: true, result: {} });
  const kinds: [string, string][] = [
    ["RATE_LIMITED", "busy"],
    ["INTERNAL", "busy"],
    ["NOT_IMPLEMENTED", "not_implemented"],
    ["RESTRICTED", "unauthorized"],
    ["UNAUTHORIZED", "unauthorized"],
    ["QUOTA_EXCEEDED", "refused"],
    ["NEW_CODE", "refused"],
  ];
  for (const [code, kind] of kinds) {
    const read = readResponse(JSON.stringify({ error: { code, message: "no\u001b[31m" } }), "get_info");
    assert(!read.ok && read.error instanceof NwcError);
    assertEquals([read.error.kind, read.error.message], [kind, `${code}: no [31m`] as never);
  }
  for (const bad of ["", "[]", "null", "{}", '{"result":[]}', '{"result_type":"pay_invoice","result":{}}']) {
    assertThrows(() => readResponse(bad, "get_info"), WalletError);
  }
});

Deno.test("readNotification() gives the hash of money that came, in whatever case", () => {
  const text = (type: string, hash: unknown) =>
    JSON.stringify({ notification_type: type, notification: { payment_hash: hash } });
  assertEquals(readNotification(text("payment_received", HASH.toUpperCase())), HASH);
  assertEquals(readNotification(text("hold_invoice_accepted", HASH)), HASH);
  assertEquals(readNotification(text("payment_sent", HASH)), undefined);
  assertEquals(readNotification(text("payment_received", "x")), null);
  assertEquals(readNotification("no json"), null);
});

const now = 1_767_225_600_000;
const base = {
  type: "incoming",
  payment_hash: HASH,
  amount: 21_000,
  created_at: now / 1000,
  expires_at: now / 1000 + 60,
};
const settled = { status: "settled" as const, amountMsat: 21_000n, settledAt: now };
const statuses: [string, unknown, ReturnType<typeof statusOf>][] = [
  ["a pending one", { ...base, state: "pending" }, { status: "open" }],
  ["one without a state", base, { status: "open" }],
  ["one without a state, past its expiry", { ...base, expires_at: now / 1000 }, { status: "expired" }],
  ["a preimage that is shown early", { ...base, state: "pending", preimage: "ab".repeat(32) }, {
    status: "open",
  }],
  ["a settled_at of zero", { ...base, settled_at: 0 }, { status: "open" }],
  ["a settled_at of null", { ...base, settled_at: null }, { status: "open" }],
  ["the state settled", { ...base, state: "settled" }, settled],
  ["a settled_at alone", { ...base, settled_at: now / 1000 }, settled],
  ["a settled_at beside an open state", { ...base, state: "pending", settled_at: now / 1000 }, settled],
  ["a failed one", { ...base, state: "failed", settled_at: now / 1000 }, { status: "cancelled" }],
  ["an accepted one", { ...base, state: "accepted" }, { status: "held" }],
  ["an expired one", { ...base, state: "expired" }, { status: "expired" }],
  ["no amount", { ...base, state: "settled", amount: undefined }, { ...settled, amountMsat: null }],
  ["a broken amount", { ...base, state: "settled", amount: 0.5 }, { ...settled, amountMsat: null }],
  ["another hash", { ...base, payment_hash: "00".repeat(32) }, null],
  ["no hash", { ...base, payment_hash: undefined }, null],
  ["money that went out", { ...base, type: "outgoing", state: "settled" }, null],
  ["nothing", null, null],
];
for (const [name, transaction, status] of statuses) {
  Deno.test(`statusOf() reads ${name}`, () => assertEquals(statusOf(transaction, HASH, now), status));
}
