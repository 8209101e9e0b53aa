import { secp256k1 } from "@noble/curves/secp256k1.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { bech32 } from "@scure/base";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type Bolt11, decodeBolt11, encodeBolt11 } from "../../src/payments/bolt11.ts";
import { amountText, readAmount } from "../../src/payments/bolt11_amount.ts";
import type { Network } from "../../src/payments/wallet.ts";
import { invalidInvoices, validInvoices } from "../vectors/bolt11.ts";

const NODE_KEY = hexToBytes("e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734");
const plain = {
  network: "bcrt" as Network,
  amountMsat: 21_000n,
  timestamp: 1_767_225_600,
  paymentHash: "ab".repeat(32),
  paymentSecret: "cd".repeat(32),
  description: "Order 42",
  expirySeconds: 900,
};

const { Fn: { ORDER }, Fp } = secp256k1.Point;

function bytes32(number: bigint): Uint8Array {
  return hexToBytes(number.toString(16).padStart(64, "0"));
}

/** What the library says, for some message. */
function isRecoverable(signature: Uint8Array): boolean {
  try {
    secp256k1.recoverPublicKey(signature, new Uint8Array(32).fill(5), { prehash: false });
    return true;
  } catch {
    return false;
  }
}

function decoded(bolt11: string): Bolt11 {
  const read = decodeBolt11(bolt11);
  assert(read.ok, read.ok ? "" : read.reason);
  return read.invoice;
}

for (const { name, bolt11, ...expected } of validInvoices) {
  Deno.test(`decodeBolt11() reads BOLT11's example: ${name}`, () => {
    const invoice = decoded(bolt11);
    for (const [key, value] of Object.entries(expected)) {
      assertEquals(invoice[key as keyof Bolt11], value, key);
    }
  });
}

for (const { name, bolt11, reason } of invalidInvoices) {
  Deno.test(`decodeBolt11() refuses BOLT11's bad example: ${name}`, () => {
    const read = decodeBolt11(bolt11);
    assert(!read.ok);
    assertMatch(read.reason, reason);
  });
}

Deno.test("an encoded invoice says the same when it is read, on every network", () => {
  const cases = fc.record({
    network: fc.constantFrom<Network>("bc", "tb", "tbs", "bcrt"),
    amountMsat: fc.bigInt({ min: 1n, max: 100_000_000_000n }),
    timestamp: fc.integer({ min: 0, max: 2 ** 35 - 1 }),
    paymentHash: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytesToHex),
    paymentSecret: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytesToHex),
    description: fc.string({ maxLength: 200, unit: "grapheme" }),
    expirySeconds: fc.integer({ min: 0, max: 10 ** 9 }),
    minFinalCltv: fc.integer({ min: 0, max: 2016 }),
    upper: fc.boolean(),
  });
  fc.assert(
    fc.property(cases, ({ upper, ...invoice }) => {
      const text = encodeBolt11(invoice, NODE_KEY);
      const read = decoded(upper ? text.toUpperCase() : text);
      for (const [key, value] of Object.entries(invoice)) assertEquals(read[key as keyof Bolt11], value, key);
      assertEquals(read.payee, bytesToHex(secp256k1.getPublicKey(NODE_KEY)));
    }),
    { numRuns: 60 },
  );
});

Deno.test("an amount's text is the shortest and is read back exactly, from 1 msat to 1 BTC", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 1n, max: 100_000_000_000n }),
      (msat) => assertEquals(readAmount(amountText(msat)), msat),
    ),
  );
  const table: [bigint, string][] = [
    [1n, "10p"],
    [10n, "100p"],
    [100n, "1n"],
    [1_000n, "10n"],
    [100_000n, "1u"],
    [250_000_000n, "2500u"],
    [2_000_000_000n, "20m"],
    [100_000_000_000n, "1"],
    [967_878_534n, "9678785340p"],
  ];
  for (const [msat, text] of table) assertEquals(amountText(msat), text);
  for (const bad of ["", "0", "01u", "1x", "1.5m", "-1", "u", "11p", "1P", "21000001"]) {
    assertEquals(readAmount(bad), null, bad);
  }
  for (const none of [0n, -1n]) assertThrows(() => amountText(none), Error, "positive");
});

Deno.test("a changed character anywhere is noticed", () => {
  const text = encodeBolt11(plain, NODE_KEY);
  for (let at = 0; at < text.length; at += 7) {
    const changed = text.slice(0, at) + (text[at] === "q" ? "p" : "q") + text.slice(at + 1);
    assert(!decodeBolt11(changed).ok, `position ${at}`);
  }
});

Deno.test("another amount under a correct checksum gives another payee: the signature covers the prefix", () => {
  const text = encodeBolt11(plain, NODE_KEY);
  const { words } = bech32.decode(text as `${string}1${string}`, false);
  const read = decodeBolt11(bech32.encode("lnbcrt1m", words, false));
  if (read.ok) assert(read.invoice.payee !== decoded(text).payee);
});

Deno.test("a signature is one if a key can be recovered from it", () => {
  const { prefix, words } = bech32.decode(encodeBolt11(plain, NODE_KEY) as `${string}1${string}`, false);
  const unsigned = words.slice(0, -104);
  const part = fc.oneof(
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    fc.constantFrom(0n, 1n, ORDER - 1n, ORDER, ORDER + 1n, 2n ** 256n - 1n, Fp.ORDER - ORDER).map(bytes32),
  );
  let signatures = 0;
  fc.assert(
    fc.property(part, part, fc.nat(4), (r, s, recovery) => {
      const signature = bech32.toWords(Uint8Array.of(...r, ...s, recovery));
      const read = decodeBolt11(bech32.encode(prefix, [...unsigned, ...signature], false));
      assertEquals(read.ok, isRecoverable(Uint8Array.of(recovery, ...r, ...s)));
      if (read.ok) assert(read.invoice.payee !== null);
      if (read.ok) signatures++;
    }),
    { numRuns: 300 },
  );
  assert(signatures > 10, `only ${signatures} were signatures`);
});

Deno.test("a named payee whose signature doesn't hold is refused", () => {
  const { prefix, words } = bech32.decode(encodeBolt11(plain, NODE_KEY) as `${string}1${string}`, false);
  const other = bech32.toWords(secp256k1.getPublicKey(new Uint8Array(32).fill(7)));
  const named = [...words.slice(0, -104), 19, 1, 21, ...other, ...words.slice(-104)];
  const read = decodeBolt11(bech32.encode(prefix, named, false));
  assert(!read.ok);
  assertMatch(read.reason, /signature/);
});

Deno.test("decodeBolt11() refuses any other text without throwing", () => {
  for (
    const text of [
      "",
      "lnbc1",
      "lightning:lnbc1",
      "lno1qcp4256ypq",
      "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
      "x".repeat(10_000),
    ]
  ) {
    assert(!decodeBolt11(text).ok);
  }
  fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => assert(!decodeBolt11("ln" + text).ok)));
});

Deno.test("of several fields of one type the first counts", () => {
  const { prefix, words } = bech32.decode(encodeBolt11(plain, NODE_KEY) as `${string}1${string}`, false);
  const other = bech32.toWords(new TextEncoder().encode("Order 43"));
  const twice = [...words.slice(0, -104), 13, 0, other.length, ...other, ...words.slice(-104)];
  assertEquals(decoded(bech32.encode(prefix, twice, false)).description, "Order 42");
});
