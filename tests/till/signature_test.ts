import { assertEquals, assertMatch } from "@std/assert";
import { SecretBox } from "../../src/nostr/sealed_secrets.ts";
import { systemRandom } from "../../src/random.ts";
import { callHeaders, callSecret } from "../../src/till/signature.ts";

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
