import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { schnorr, secp256k1 } from "@noble/curves/secp256k1.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { finalizeEvent, generateSecretKey, getEventHash, getPublicKey, verifyEvent } from "nostr-tools/pure";
import { initNostrWasm, type Nostr } from "nostr-wasm";
import { eventId } from "../../src/nostr/event_id.ts";
import { agrees, nativeAgreement, pureAgreement } from "../../src/nostr/key_agreement.ts";
import { schnorrVectors } from "../../src/nostr/schnorr_vectors.ts";
import { loadVerifier, pureCrypto } from "../../src/nostr/verify.ts";

const crypto = await loadVerifier();
const both = [["wasm", crypto], ["pure", pureCrypto]] as const;

/** Texts with everything that encoders differ on: lone surrogates, NUL, line separators, quotes, combining marks. */
const oddText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((codes) =>
    String.fromCharCode(...codes)
  ),
);
const template = fc.record({
  kind: fc.integer({ min: 0, max: 65_535 }),
  created_at: fc.integer({ min: 0, max: 2 ** 40 }),
  tags: fc.array(fc.array(oddText, { maxLength: 3 }), { maxLength: 4 }),
  content: oddText,
}, { noNullPrototype: true });

/** A valid BIP-340 signature whose nonce is no secret: what a broken signer would make. */
function signWithNonce(nonce: bigint, hash: string, secretKey: Uint8Array): string {
  const { Point } = secp256k1;
  const order = Point.Fn.ORDER;
  const evenScalar = (scalar: bigint) => Point.BASE.multiply(scalar).y % 2n === 0n ? scalar : order - scalar;
  const d = evenScalar(BigInt(`0x${bytesToHex(secretKey)}`));
  const k = evenScalar(nonce);
  const [r, p] = [Point.BASE.multiply(k), Point.BASE.multiply(d)].map((point) =>
    point.toBytes(true).subarray(1)
  );
  const challenge = schnorr.utils.taggedHash("BIP0340/challenge", r!, p!, hexToBytes(hash));
  const s = (k + BigInt(`0x${bytesToHex(challenge)}`) * d) % order;
  return bytesToHex(r!) + s.toString(16).padStart(64, "0");
}

Deno.test("loadVerifier() uses WebAssembly and OpenSSL here, and has no problem to tell", () => {
  assertEquals(crypto.implementation, "wasm");
  assertEquals(crypto.problems, []);
});

Deno.test("the BIP-340 vectors are what the noble library says of them", () => {
  assertEquals(schnorrVectors.length, 15);
  for (const v of schnorrVectors) {
    let held = false;
    try {
      held = schnorr.verify(hexToBytes(v.sig), hexToBytes(v.hash), hexToBytes(v.pubkey));
    } catch {
      held = false;
    }
    assertEquals(held, v.valid);
  }
});

Deno.test("eventId() is nostr-tools' hash for whatever characters an event holds", () => {
  const pubkey = "0".repeat(64);
  fc.assert(fc.property(template, (t) => {
    assertEquals(eventId({ ...t, pubkey }), getEventHash({ ...t, pubkey }));
  }));
});

for (const [name, implementation] of both) {
  Deno.test(`sign() by ${name} makes events that nostr-tools accepts, and leaves the template alone`, () => {
    const secretKey = generateSecretKey();
    fc.assert(
      fc.property(template, (t) => {
        const before = structuredClone(t);
        const event = implementation.sign(t, secretKey);
        assert(verifyEvent(structuredClone(event)));
        assertEquals(event.pubkey, getPublicKey(secretKey));
        assertEquals({
          kind: event.kind,
          created_at: event.created_at,
          tags: event.tags,
          content: event.content,
        }, t);
        assertEquals(t, before);
        assert(event.tags !== t.tags);
      }),
      { numRuns: 20 },
    );
  });

  Deno.test(`verify() by ${name} accepts what nostr-tools signed`, () => {
    fc.assert(
      fc.property(template, (t) => {
        assert(implementation.verify(JSON.parse(JSON.stringify(finalizeEvent(t, generateSecretKey())))));
      }),
      { numRuns: 20 },
    );
  });

  Deno.test(`verify() by ${name} refuses any change, also in a copy that carries nostr-tools' verdict along`, () => {
    const event = finalizeEvent(
      { kind: 4, created_at: 1, tags: [["p", "x"]], content: "hello" },
      generateSecretKey(),
    );
    assert(verifyEvent(event));
    const flip = (hex: string, at: number) =>
      hex.slice(0, at) + (hex[at] === "0" ? "1" : "0") + hex.slice(at + 1);
    const changed = [
      { ...event, content: "hello!" },
      { ...event, kind: 5 },
      { ...event, created_at: 2 },
      { ...event, tags: [["p", "y"]] },
      { ...event, pubkey: getPublicKey(generateSecretKey()) },
      { ...event, id: flip(event.id, 3) },
      { ...event, sig: flip(event.sig, 0) },
      { ...event, sig: flip(event.sig, 127) },
    ];
    for (const forged of changed) assertEquals(implementation.verify(forged), false);
    // A consistent id doesn't help without the signature.
    const other = { ...event, content: "another" };
    assertEquals(implementation.verify({ ...other, id: eventId(other) }), false);
  });

  Deno.test(`verify() by ${name} refuses malformed events and never throws`, () => {
    const good = finalizeEvent({ kind: 1, created_at: 1, tags: [], content: "" }, generateSecretKey());
    const malformed: unknown[] = [
      null,
      undefined,
      7,
      "event",
      {},
      [],
      { ...good, sig: good.sig + "00" },
      { ...good, sig: good.sig + "ab".repeat(100_000) },
      { ...good, sig: good.sig.toUpperCase() },
      { ...good, sig: good.sig.slice(2) },
      { ...good, sig: "zz".repeat(64) },
      { ...good, id: "" },
      { ...good, id: good.id.toUpperCase() },
      { ...good, pubkey: "" },
      { ...good, pubkey: good.pubkey + "\n" },
      { ...good, tags: [[1]] },
      { ...good, tags: [null] },
      { ...good, tags: {} },
      { ...good, content: null },
      { ...good, kind: 1.5 },
      { ...good, kind: -1 },
      { ...good, kind: 70_000 },
      { ...good, created_at: "1" },
      { ...good, created_at: NaN },
      { ...good, created_at: 1e300 },
    ];
    for (const event of malformed) {
      // deno-lint-ignore no-explicit-any -- what the types forbid is what comes in
      assertEquals(implementation.verify(event as any), false);
    }
    fc.assert(fc.property(fc.anything(), (value) => {
      // deno-lint-ignore no-explicit-any -- as above
      assertEquals(implementation.verify(value as any), false);
    }));
    assert(implementation.verify(good), "and still works after all that");
  });

  Deno.test(`sign() by ${name} refuses keys that are none and events that are none, naming no secret`, () => {
    const good = { kind: 1, created_at: 1, tags: [], content: "" };
    const order = hexToBytes("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    for (const key of [new Uint8Array(32), new Uint8Array(31).fill(1), new Uint8Array(33).fill(1), order]) {
      assertThrows(() => implementation.sign(good, key), Error, "no secret key");
      assertThrows(() => implementation.publicKey(key), Error, "no secret key");
      assertThrows(() => implementation.agreement(key), Error, "no secret key");
    }
    const key = generateSecretKey();
    assertThrows(() => implementation.sign({ ...good, created_at: NaN }, key), Error, "malformed");
    // deno-lint-ignore no-explicit-any -- a mistake that types can't see everywhere
    assertThrows(() => implementation.sign({ ...good, tags: [[1 as any]] }, key), Error, "malformed");
  });
}

Deno.test("sign() copes with events larger than the module's memory", () => {
  const event = crypto.sign(
    { kind: 1, created_at: 1, tags: [], content: "✓".repeat(1_000_000) },
    generateSecretKey(),
  );
  assert(crypto.verify(event));
  assertEquals(crypto.implementation, "wasm");
});

Deno.test("sign() uses another nonce for every event", () => {
  const secretKey = generateSecretKey();
  const nonces = new Set<string>();
  for (let i = 0; i < 20; i++) {
    nonces.add(crypto.sign({ kind: 1, created_at: i, tags: [], content: "" }, secretKey).sig.slice(0, 64));
  }
  assertEquals(nonces.size, 20);
});

Deno.test("key agreement by OpenSSL is noble's, and refuses what is no point", () => {
  for (let i = 0; i < 50; i++) {
    const secretKey = generateSecretKey();
    const peer = getPublicKey(generateSecretKey());
    assertEquals(nativeAgreement(secretKey)(peer), pureAgreement(secretKey)(peer));
  }
  const notOnCurve = "eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34";
  for (const agreement of [nativeAgreement, pureAgreement]) {
    const sharedX = agreement(generateSecretKey());
    assertThrows(() => sharedX(notOnCurve));
    assertThrows(() => sharedX("0".repeat(64)));
    assertThrows(() => sharedX(getPublicKey(generateSecretKey()) + "zz"));
    assertThrows(() => sharedX(""));
  }
});

Deno.test("loadVerifier() falls back when WebAssembly doesn't load, and says so", async () => {
  const fallen = await loadVerifier({ wasm: () => Promise.reject(new Error("no WebAssembly here")) });
  assertEquals(fallen.implementation, "pure");
  assertEquals(fallen.problems, ["Signatures by WebAssembly can't be used: no WebAssembly here"]);
  const event = fallen.sign({ kind: 1, created_at: 1, tags: [], content: "" }, generateSecretKey());
  assert(fallen.verify(event));
});

Deno.test("loadVerifier() falls back when the module fails its self-test", async () => {
  const wasm = await initNostrWasm();
  const breaks: Record<string, Partial<Nostr>> = {
    "accepts every signature": { verifyEvent: () => {} },
    "refuses every signature": {
      verifyEvent: () => {
        throw new Error("signature is invalid");
      },
    },
    "doesn't sign": { finalizeEvent: () => {} },
    "signs with one nonce": {
      finalizeEvent: (event, key) => {
        wasm.finalizeEvent(event, key);
        event.sig = signWithNonce(7n, event.id, key);
      },
    },
  };
  for (const [what, broken] of Object.entries(breaks)) {
    const fallen = await loadVerifier({ wasm: () => Promise.resolve({ ...wasm, ...broken }) });
    assertEquals(fallen.implementation, "pure", what);
    assertEquals(fallen.problems, ["Signatures by WebAssembly gives wrong results."], what);
  }
});

Deno.test("loadVerifier() uses JavaScript for key agreement when OpenSSL's is wrong", async () => {
  const fallen = await loadVerifier({ native: () => () => new Uint8Array(32) });
  assertEquals(fallen.implementation, "wasm");
  assertEquals(fallen.problems, ["Key agreement by the platform gives wrong results."]);
  assert(agrees(fallen.agreement));
});

Deno.test("verify() goes on in JavaScript when the module breaks down later", async () => {
  const wasm = await initNostrWasm();
  let trap = false;
  const tripwire = (event: Parameters<Nostr["verifyEvent"]>[0]) => {
    if (trap) throw new Error("unreachable executed");
    wasm.verifyEvent(event);
  };
  const loaded = await loadVerifier({ wasm: () => Promise.resolve({ ...wasm, verifyEvent: tripwire }) });
  assertEquals(loaded.implementation, "wasm");
  trap = true;
  const event = finalizeEvent({ kind: 1, created_at: 1, tags: [], content: "" }, generateSecretKey());
  assert(loaded.verify(event));
  assertEquals(loaded.verify({ ...event, content: "x" }), false);
  assertEquals(loaded.implementation, "pure");
  assertEquals(loaded.problems, ["Signatures by WebAssembly broke down: unreachable executed"]);
  const signed = loaded.sign({ kind: 1, created_at: 1, tags: [], content: "" }, generateSecretKey());
  assertNotEquals(signed.sig, "");
});
