import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { errorText } from "../src/log.ts";
import { REDACTED, redacted, withoutSecrets } from "../src/redaction.ts";
import { recordingLog } from "./support/log.ts";

const HEX = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
const BECH = "qpzry9x8gf2tvdw0s3jn54khce6mua7lqpzry9x8gf2tvdw0s3jn54khce6mua7l";

/** What is written somewhere, and the part of it that mustn't be read there. */
const secrets: [string, string][] = [
  [`the key nsec1${BECH} was given`, BECH],
  [`ncryptsec1${BECH}`, BECH],
  [`Authorization: Bearer ${HEX}`, HEX],
  [`Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==`, "QWxhZGRpbjpvcGVuIHNlc2FtZQ"],
  [`Nostr eyJpZCI6ImZlOTY0ZTc1ODkwMzM2MGYyOGQ4NDI0ZDA5MmRhODQ5NGVk`, "eyJpZCI6"],
  [`nostr+walletconnect://${HEX}?relay=wss://r.example&secret=${HEX}`, HEX],
  [`bunker://${"a".repeat(64)}?relay=wss://r.example&secret=tiny`, "tiny"],
  [`lnbits+https://pay.example/?key=${HEX}`, HEX],
  [`btcpay+https://pay.example/?store=9CiN&key=${HEX}&webhook_secret=tiny`, "tiny"],
  [`the webhook_secret=sesame isn't right`, "sesame"],
  [`postgres://ncc:hunter2@db.example/ncc refused`, "hunter2"],
  [`wss://user:pa55word@relay.example/ is away`, "pa55word"],
  [`{"token":"${HEX}"} wasn't taken`, HEX],
  [`preimage=${HEX}`, HEX],
  [`wpkh(zprv${"A".repeat(107)}/0/*)`, "A".repeat(20)],
  [`NCC_BTC xpub${"A".repeat(107)}`, "A".repeat(20)],
  [`token ncc_k3y_${HEX}`, HEX],
  [`user of sk_${HEX} and pk_${HEX}`, HEX],
  [`jwt eyJhbGciOiJIUzI1NiJ9.eyJhY3Rvcl9pZCI6InVzZXJfMSJ9.c2lnbmF0dXJl`, "eyJhY3Rvcl9pZCI6InVzZXJfMSJ9"],
  [`pays lnbc2500u1${BECH}${BECH}`, BECH],
  [`POST /hooks/wallet/shop/lnbits/${HEX} 404`, HEX],
  [`GET /pay/Zm9vYmFyYmF6cXV4MTIzNA/state 500`, "Zm9vYmFyYmF6cXV4MTIzNA"],
  [`GET /lnurl/-m9vYmFyYmF6cXV4MTIzN-/callback 500`, "m9vYmFyYmF6cXV4MTIzN"],
];

for (const [text, secret] of secrets) {
  Deno.test(`a log line doesn't show ${JSON.stringify(text.slice(0, 32))}…`, () => {
    const { log, lines } = recordingLog();
    log.error("tried", { error: text, deep: { list: [text], cause: new Error(text) } });
    assert(!JSON.stringify(lines).includes(secret), JSON.stringify(lines));
    assert(!errorText(new Error(text)).includes(secret));
    assert(!errorText(text).includes(secret));
  });
}

Deno.test("fields that are named like secrets or customers' data are never shown", () => {
  const { log, lines } = recordingLog();
  const named = {
    secret: "a",
    preimage: "b",
    address: "c",
    body: "d",
    contact: { phone: "e" },
    Token: "f",
    content: "g",
  };
  log.debug("named", named);
  log.child({ passphrase: "h" }).info("child", { nested: { bolt11: "i" } });
  assertEquals(lines[0]!.fields, Object.fromEntries(Object.keys(named).map((key) => [key, REDACTED])));
  assertEquals(lines[1]!.fields, { passphrase: REDACTED, nested: { bolt11: REDACTED } });
});

Deno.test("what a line is about stays readable", () => {
  const texts = [
    `order 3f0e paid, payment_hash ${HEX}`,
    "wss://relay.example/?filter=1 is away: auth-required: we serve members only",
    "nsec, hex, ncryptsec or bunker://… is expected",
    'duplicate key value violates unique constraint "orders_pk"',
    "Nostr Commerce Coordinator, Basic Authentication",
    "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6",
    "token: expired",
  ];
  for (const text of texts) assertEquals(redacted({ text }).text, text);
});

Deno.test("a line is one line, and no direction mark turns it around", () => {
  assertEquals(redacted({ a: "one\r\ntwo\u001b[31m\u202ethree" }), { a: "one two [31m three" });
});

Deno.test("numbers, flags and nothing keep their type", () => {
  assertEquals(redacted({ n: 1, b: true, none: null, big: 2n, list: [1, "x"] }), {
    n: 1,
    b: true,
    none: null,
    big: 2n,
    list: [1, "x"],
  });
});

Deno.test("errors of libraries don't quote what they were given", () => {
  const given = "1 Canary Street";
  const thrown: unknown[] = [];
  for (const fault of [() => JSON.parse(`{"a": ${given}`), () => JSON.parse(given), () => new URL(given)]) {
    try {
      fault();
    } catch (error) {
      thrown.push(error);
    }
  }
  thrown.push(
    Object.assign(new Error(`invalid input syntax for type bigint: "${given}"`), { code: "22P02" }),
    Object.assign(new Error(`[{"message":"bad ${given}"}]`), { name: "ZodError", issues: [] }),
  );
  assertEquals(thrown.length, 5);
  for (const error of thrown) assert(!errorText(error).includes("Canary"), errorText(error));
});

Deno.test("withoutSecrets() never throws, never grows, and has nothing left to take out", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
    const clean = withoutSecrets(text);
    assertEquals(withoutSecrets(clean), clean);
  }));
});

Deno.test("a long text costs little", () => {
  const begin = performance.now();
  redacted({ text: "a=".repeat(200_000), other: `${"x".repeat(200_000)}@` });
  assert(performance.now() - begin < 500);
});
