import { assert, assertEquals } from "@std/assert";
import { encodeBolt11, type NewBolt11 } from "../../src/payments/bolt11.ts";
import { checkRefundInvoice, networkOf } from "../../src/payments/refund_invoice.ts";

const NOW = 1_800_000_000_000;
const terms = { amountMsat: 100_000n, network: "bcrt", now: NOW } as const;

function invoice(change: Partial<NewBolt11> = {}): string {
  return encodeBolt11({
    network: "bcrt",
    amountMsat: 100_000n,
    timestamp: NOW / 1000,
    paymentHash: "ab".repeat(32),
    paymentSecret: "cd".repeat(32),
    description: "refund",
    expirySeconds: 3_600,
    ...change,
  }, new Uint8Array(32).fill(9));
}

const refused: [what: string, bolt11: string, reason: string][] = [
  ["less", invoice({ amountMsat: 99_999n }), "It is over 99.999 sat instead of 100 sat."],
  ["more", invoice({ amountMsat: 100_001n }), "It is over 100.001 sat instead of 100 sat."],
  ["another network", invoice({ network: "tb" }), "It is for another network."],
  ["expired", invoice({ timestamp: NOW / 1000 - 3_600 }), "It has expired."],
  ["about to expire", invoice({ expirySeconds: 299 }), "It expires within five minutes."],
  [
    "cut off",
    invoice().slice(0, -3),
    "It can't be read: no valid bech32 text: a character is missing or wrong.",
  ],
];

for (const [what, bolt11, reason] of refused) {
  Deno.test(`a refund's invoice that is ${what} is refused, in words for the customer`, () => {
    assertEquals(checkRefundInvoice(bolt11, terms), { ok: false, reason });
  });
}

Deno.test("a refund goes to an invoice over its amount, or over none", () => {
  assert(checkRefundInvoice(invoice(), terms).ok);
  assert(checkRefundInvoice(invoice({ amountMsat: null }), terms).ok);
  assert(checkRefundInvoice(invoice({ expirySeconds: 300 }), terms).ok);
});

Deno.test("the network is read off an invoice's first letters", () => {
  for (const network of ["bc", "tb", "tbs", "bcrt"] as const) {
    assertEquals(networkOf(invoice({ network })), network);
  }
  assertEquals(networkOf("hello"), null);
});
