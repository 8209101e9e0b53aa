import { assert, assertEquals } from "@std/assert";
import { ObservedWallet } from "../../src/payments/observed_wallet.ts";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { WalletError, walletError } from "../../src/payments/wallet.ts";
import { systemClock } from "../../src/clock.ts";
import { systemRandom } from "../../src/random.ts";
import { silentLog } from "../support/log.ts";

const CANARY = "canarysecretx7q";
const TEXTS = [
  `can't reach nostr+walletconnect://${"ab".repeat(32)}?relay=wss://r.example&secret=${CANARY}`,
  `GET https://user:${CANARY}@node.example/v1/invoices failed`,
  `bad request: {"api_key":"${CANARY}"}`,
  `401 for Authorization: Bearer ${CANARY}${CANARY}`,
];

Deno.test("a wallet's error holds none of its secrets, whatever the wallet said", () => {
  for (const text of TEXTS) {
    for (const error of [new WalletError("busy", text), walletError(new Error(text))]) {
      assert(!error.message.includes(CANARY), error.message);
      assert(error.message.length > 5);
    }
  }
  assertEquals(
    new WalletError("refused", "QUOTA_EXCEEDED: 21 sat a day").message,
    "QUOTA_EXCEEDED: 21 sat a day",
  );
});

Deno.test("what readyz and the owners are told of a wallet that is away holds none either", async () => {
  const wallet = new DemoWallet({ clock: systemClock, random: systemRandom, log: silentLog });
  wallet.probe = () => Promise.reject(new WalletError("unreachable", TEXTS[0]!));
  const observed = new ObservedWallet(wallet);
  await observed.probe(new AbortController().signal).catch(() => {});
  assertEquals(observed.up, false);
  assert(observed.error !== null && !observed.error.includes(CANARY), observed.error ?? "nothing");
  await observed.close();
});
