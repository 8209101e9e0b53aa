import { assert, assertEquals } from "@std/assert";
import { msatOfBtc } from "../../../src/payments/wallets/btcpay/answers.ts";
import { checkWalletUrl, maskWalletUrl } from "../../../src/payments/wallet_url.ts";
import { openBtcpay } from "./open.ts";

const GOOD = "btcpay+https://pay.example/btcpay/?store=Store1&key=sesame-open-1";

Deno.test("BTCPay's URL needs a store and a key, and shows neither key nor secret to people", async () => {
  assertEquals(checkWalletUrl(GOOD), { ok: true });
  assertEquals(checkWalletUrl(`${GOOD}&webhook_secret=sesame2&network=signet`), { ok: true });
  assertEquals(
    maskWalletUrl(`${GOOD}&webhook_secret=sesame2&network=signet`),
    "btcpay+https://pay.example?store=Store1&key=***&webhook_secret=***&network=signet",
  );
  const wallet = openBtcpay(GOOD);
  assertEquals([wallet.id, wallet.describe()], ["btcpay:Store1", "BTCPay at pay.example"]);
  await wallet.close();
});

for (
  const bad of [
    "btcpay+https://pay.example/?key=sesame-open-1",
    "btcpay+https://pay.example/?store=Store1",
    "btcpay+https://pay.example/?store=Store1&key=sesame",
    "btcpay+https://pay.example/?store=../x&key=sesame-open-1",
    "btcpay+https://me:sesame@pay.example/?store=Store1&key=sesame-open-1",
    "btcpay+https://pay.example/?store=Store1&key=sesame-open-1&network=moon",
    "btcpay+https://pay.example/?store=Store1&apikey=sesame-open-1",
    "btcpay+https://?store=Store1&key=sesame-open-1",
    "btcpay+ftp://pay.example/?store=Store1&key=sesame-open-1",
  ]
) {
  Deno.test(`${bad.replaceAll("sesame", "…")} is no wallet's URL, and the reason shows no secret`, () => {
    const checked = checkWalletUrl(bad);
    assert(!checked.ok);
    assert(!checked.reason.includes("sesame"), checked.reason);
  });
}

Deno.test("amounts of bitcoin are read to the thousandth of a satoshi, and not beyond", () => {
  for (
    const [text, msat] of [
      ["0.00021", 21_000_000n],
      ["0.00000000001", 1n],
      ["0.000000000010000000", 1n],
      ["1", 100_000_000_000n],
      ["2.1e-7", 21_000n],
      ["0.0", 0n],
      ["0.000000000001", null],
      ["-0.1", null],
      ["1,5", null],
      ["", null],
      ["NaN", null],
    ] as const
  ) assertEquals(msatOfBtc(text), msat, text);
});
