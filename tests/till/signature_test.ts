import { assertEquals, assertMatch } from "@std/assert";
import { SecretBox } from "../../src/nostr/sealed_secrets.ts";
import { systemRandom } from "../../src/random.ts";
import { callHeaders, callSecret, whoseCall } from "../../src/till/signature.ts";

Deno.test("a call is signed as Standard Webhooks say (their own example)", () => {
  const headers = callHeaders("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", {
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    at: 1_614_265_330_999,
    body: '{"test": 2432232314}',
  });
  assertEquals(headers, {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
});

Deno.test("a token's secret follows from the master key, and is another for each token and installation", () => {
  const box = (fill: number) => new SecretBox(new Uint8Array(32).fill(fill), systemRandom);
  const secret = callSecret(box(7), "abc");
  assertMatch(secret, /^whsec_[A-Za-z0-9+/]{32}$/);
  assertEquals(callSecret(box(7), "abc"), secret);
  const others = [callSecret(box(7), "abd"), callSecret(box(8), "abc")];
  assertEquals(new Set([secret, ...others]).size, 3);
});

const SECRETS = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "words of a person, thirty-two letters: ä"];
const NOW = 1_800_000_000_000;
const BODY = '{"event":"ä"}';
const RAW = new TextEncoder().encode(BODY);
const NO = { signed: "its signature is wrong", time: "it was signed more than five minutes from now" };

function read(secret: string, change: Record<string, string> = {}, at = NOW, raw = RAW) {
  const headers = new Headers({ ...callHeaders(secret, { id: "msg_1", at, body: BODY }), ...change });
  const call = whoseCall(secret, { headers, raw, now: NOW });
  return call.ok ? call.id : call.reason;
}

for (const secret of SECRETS) {
  Deno.test(`a call that is signed with ${secret} is known by it, for five minutes`, () => {
    assertEquals(read(secret), "msg_1");
    for (const off of [-300_000, 300_000]) assertEquals(read(secret, {}, NOW + off), "msg_1");
    for (const off of [-301_000, 301_000]) assertEquals(read(secret, {}, NOW + off), NO.time);
    assertEquals(read(secret, {}, NOW, RAW.slice(1)), NO.signed);
    assertEquals(read(secret, { "webhook-id": "msg_2" }), NO.signed);
    assertEquals(read(secret, { "webhook-timestamp": String(NOW / 1000 - 1) }), NO.signed);
    const other = callHeaders(`${secret.slice(0, -4)}AAAA`, { id: "msg_1", at: NOW, body: BODY });
    assertEquals(read(secret, other), NO.signed);
    const good = callHeaders(secret, { id: "msg_1", at: NOW, body: BODY })["webhook-signature"]!;
    const wrong = other["webhook-signature"]!;
    // While a secret is replaced calls are signed with both.
    assertEquals(read(secret, { "webhook-signature": `${wrong} v2,x ${good}` }), "msg_1");
    assertEquals(read(secret, { "webhook-signature": `${`${wrong} `.repeat(5)}${good}` }), NO.signed);
    for (const bad of [good.slice(3), `v2${good.slice(2)}`, good.slice(0, -1), `${good}=`]) {
      assertEquals(read(secret, { "webhook-signature": bad }), NO.signed, bad);
    }
  });
}

Deno.test("a call without a signature, a time or an id isn't one", () => {
  for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"]) {
    assertEquals(read(SECRETS[0]!, { [name]: "" }), "it isn't signed");
  }
  for (const time of ["1e9", "-1", "NaN", "9".repeat(13), "1800000000.5"]) {
    assertEquals(read(SECRETS[0]!, { "webhook-timestamp": time }), "its timestamp is none");
  }
  const long = "x".repeat(201);
  const headers = new Headers(callHeaders(SECRETS[0]!, { id: long, at: NOW, body: BODY }));
  assertEquals(whoseCall(SECRETS[0]!, { headers, raw: RAW, now: NOW }).ok, false);
});
