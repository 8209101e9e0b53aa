import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { encodeBolt11, type NewBolt11 } from "../../src/payments/bolt11.ts";
import { type AskedInvoice, checkInvoice } from "../../src/payments/invoice_check.ts";

const NODE_KEY = new Uint8Array(32).fill(1);
const now = Date.UTC(2026, 0, 1);
const asked: AskedInvoice = {
  amountMsat: 21_000_000n,
  description: "Order 42",
  expirySeconds: 900,
  paymentHash: "ab".repeat(32),
  setsExpiry: true,
  now,
};
const good: NewBolt11 = {
  network: "bcrt",
  amountMsat: asked.amountMsat,
  timestamp: now / 1000,
  paymentHash: "ab".repeat(32),
  paymentSecret: "cd".repeat(32),
  description: "Order 42",
  expirySeconds: 900,
};

function check(invoice: Partial<NewBolt11>, question: Partial<AskedInvoice> = {}) {
  return checkInvoice(encodeBolt11({ ...good, ...invoice }, NODE_KEY), { ...asked, ...question }, "bcrt");
}

Deno.test("checkInvoice() passes what was asked for", () => {
  const checked = check({});
  assert(checked.ok);
  assertEquals(checked.decoded.paymentHash, "ab".repeat(32));
  assert(check({}, { paymentHash: null }).ok);
  assert(check({}, { paymentHash: "AB".repeat(32) }).ok);
  assert(check({ expirySeconds: 960 }).ok, "a minute of tolerance");
  assert(
    check({ description: "Paid to Tea Shop" }, { description: null }).ok,
    "a wallet with a text of its own",
  );
  assert(check({ expirySeconds: 86_400 }, { setsExpiry: false }).ok, "a wallet that sets its own expiry");
  const { description: _, ...hashed } = {
    ...good,
    descriptionHash: bytesToHex(sha256(utf8ToBytes("Order 42"))),
  };
  assert(checkInvoice(encodeBolt11(hashed, NODE_KEY), asked, "bcrt").ok, "the description's hash");
  const orHash = "0f".repeat(32);
  const committing = encodeBolt11({ ...hashed, descriptionHash: orHash }, NODE_KEY);
  assert(checkInvoice(committing, { ...asked, orHash }, "bcrt").ok, "the hash that it may commit to");
  assert(!checkInvoice(committing, asked, "bcrt").ok, "and wasn't asked to");
  assert(!checkInvoice(committing, { ...asked, orHash: "0e".repeat(32) }, "bcrt").ok, "nor to this one");
  assert(check({}, { orHash }).ok, "a plain one in its place");
});

const refusals: [string, Partial<NewBolt11>, Partial<AskedInvoice>, RegExp][] = [
  ["another network", { network: "bc" }, {}, /mainnet.*regtest/],
  ["one msat less", { amountMsat: 20_999_999n }, {}, /20,999\.999 sat instead of 21,000 sat/],
  ["one msat more", { amountMsat: 21_000_001n }, {}, /instead of/],
  ["any amount", { amountMsat: null }, {}, /any amount/],
  ["another hash", {}, { paymentHash: "00".repeat(32) }, /payment hash/],
  ["another description", { description: "Order 43" }, {}, /description/],
  ["an expired one", { timestamp: now / 1000 - 900 }, {}, /expired/],
  ["a longer expiry", { expirySeconds: 961 }, {}, /961 s instead of 900 s/],
];
for (const [name, invoice, question, reason] of refusals) {
  Deno.test(`checkInvoice() refuses ${name}`, () => {
    const checked = check(invoice, question);
    assert(!checked.ok);
    assertMatch(checked.reason, reason);
  });
}

Deno.test("checkInvoice() refuses another description's hash and what is no invoice", () => {
  const { description: _, ...hashed } = {
    ...good,
    descriptionHash: bytesToHex(sha256(utf8ToBytes("Order 43"))),
  };
  assert(!checkInvoice(encodeBolt11(hashed, NODE_KEY), asked, "bcrt").ok);
  assert(!checkInvoice("lnbcrt1", asked, "bcrt").ok);
});
