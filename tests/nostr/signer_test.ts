import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import type { NostrSigner } from "@nostrify/types";
import { NSecSigner } from "@nostrify/nostrify";
import { hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import * as nip04 from "nostr-tools/nip04";
import * as nip44 from "nostr-tools/nip44";
import { getPublicKey } from "nostr-tools/pure";
import { conversationKey, nativeAgreement } from "../../src/nostr/key_agreement.ts";
import { localSigner, type MerchantSigner } from "../../src/nostr/signer.ts";
import { type KeyCrypto, loadVerifier } from "../../src/nostr/verify.ts";
import type { Random } from "../../src/random.ts";
import { keyPair, seededRandom } from "../support/keys.ts";
import { nip44Vectors } from "./nip44_vectors.ts";

const crypto = await loadVerifier();
const merchant = keyPair("merchant");
const customer = keyPair("customer");
const signer = localSigner(merchant.secretKey, crypto);

/** Crypto that counts how often it derives a shared secret. */
function counting(): { crypto: KeyCrypto; derived: () => number } {
  let count = 0;
  const agreement: KeyCrypto["agreement"] = (secretKey) => {
    const sharedX = crypto.agreement(secretKey);
    return (peer) => (count++, sharedX(peer));
  };
  return {
    crypto: { publicKey: crypto.publicKey.bind(crypto), sign: crypto.sign.bind(crypto), agreement },
    derived: () => count,
  };
}

Deno.test("localSigner() knows its public key and is a Nostrify signer", async () => {
  const asNostrify: NostrSigner = signer;
  assertEquals(await asNostrify.getPublicKey(), merchant.pubkey);
  assertEquals(signer.pubkey, merchant.pubkey);
  const asOurs: Pick<MerchantSigner, "nip04" | "nip44"> = new NSecSigner(merchant.secretKey);
  assertEquals(
    await asOurs.nip44.decrypt(customer.pubkey, await signer.nip44.encrypt(customer.pubkey, "hi")),
    "hi",
  );
});

Deno.test("signEvent() signs what the verifier accepts", async () => {
  const event = await signer.signEvent({ kind: 1, created_at: 5, tags: [["t", "x"]], content: "✓" });
  assertEquals(event.pubkey, merchant.pubkey);
  assert(crypto.verify(event));
});

Deno.test("localSigner() refuses what is no key, and keeps its own copy of one", async () => {
  assertThrows(() => localSigner(new Uint8Array(32), crypto), Error, "no secret key");
  const mine = Uint8Array.from(merchant.secretKey);
  const copying = localSigner(mine, crypto);
  mine.fill(0);
  assertEquals(
    (await copying.signEvent({ kind: 1, created_at: 1, tags: [], content: "" })).pubkey,
    merchant.pubkey,
  );
});

Deno.test("nip04 and nip44 speak with nostr-tools in both directions, whatever the text", async () => {
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(text, async (plain) => {
      const theirKey = nip44.getConversationKey(customer.secretKey, merchant.pubkey);
      assertEquals(
        await signer.nip04.decrypt(
          customer.pubkey,
          nip04.encrypt(customer.secretKey, merchant.pubkey, plain),
        ),
        plain,
      );
      assertEquals(
        nip04.decrypt(
          customer.secretKey,
          merchant.pubkey,
          await signer.nip04.encrypt(customer.pubkey, plain),
        ),
        plain,
      );
      assertEquals(await signer.nip44.decrypt(customer.pubkey, nip44.encrypt(plain, theirKey)), plain);
      assertEquals(nip44.decrypt(await signer.nip44.encrypt(customer.pubkey, plain), theirKey), plain);
    }),
    { numRuns: 30 },
  );
});

Deno.test("conversation keys are those of NIP-44's vectors", () => {
  for (const [secret, peer, expected] of nip44Vectors.conversationKeys) {
    assertEquals(conversationKey(nativeAgreement(hexToBytes(secret))(peer)), hexToBytes(expected));
  }
});

Deno.test("nip44 makes and reads the messages of NIP-44's vectors", async () => {
  for (const { sec1, sec2, nonce, plaintext, payload } of nip44Vectors.messages) {
    const random: Random = { ...seededRandom(), bytes: () => hexToBytes(nonce) };
    const sender = localSigner(hexToBytes(sec1), crypto, { random });
    const recipient = localSigner(hexToBytes(sec2), crypto);
    assertEquals(await sender.nip44.encrypt(recipient.pubkey, plaintext), payload);
    assertEquals(await recipient.nip44.decrypt(sender.pubkey, payload), plaintext);
  }
});

Deno.test("no conversation comes about with the keys that NIP-44's vectors forbid", async () => {
  for (const [secret, peer] of nip44Vectors.noConversation) {
    await assertRejects(async () => await localSigner(hexToBytes(secret), crypto).nip44.encrypt(peer, "a"));
  }
});

Deno.test("nip44 refuses what NIP-44's vectors call unreadable", async () => {
  for (const payload of nip44Vectors.unreadable) {
    await assertRejects(() => signer.nip44.decrypt(customer.pubkey, payload));
  }
});

Deno.test("nip44 refuses a payload with any bit changed", async () => {
  const bytes = Uint8Array.from(
    atob(await signer.nip44.encrypt(customer.pubkey, "order")),
    (c) => c.charCodeAt(0),
  );
  const peer = localSigner(customer.secretKey, crypto);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ (1 << bit);
      await assertRejects(() => peer.nip44.decrypt(merchant.pubkey, btoa(String.fromCharCode(...changed))));
    }),
  );
});

Deno.test("nip04 refuses malformed payloads and bytes that are no text", async () => {
  const good = await signer.nip04.encrypt(customer.pubkey, "hello");
  const [text, iv] = good.split("?iv=");
  const malformed = [
    "",
    "?iv=",
    `${text}`,
    `${text}?iv=`,
    `?iv=${iv}`,
    `${text}?iv=AAAA`,
    `${good}?iv=${iv}`,
    `${text?.slice(4)}?iv=${iv}`,
    `🤝?iv=${iv}`,
    `${text}\n?iv=${iv}`,
  ];
  for (const payload of malformed) await assertRejects(() => signer.nip04.decrypt(customer.pubkey, payload));
  const { createCipheriv } = await import("node:crypto");
  const cipher = createCipheriv(
    "aes-256-cbc",
    nativeAgreement(merchant.secretKey)(customer.pubkey),
    new Uint8Array(16),
  );
  const binary = cipher.update(Uint8Array.of(0xff, 0xfe, 0x80)).toString("base64") + cipher.final("base64");
  await assertRejects(() => signer.nip04.decrypt(customer.pubkey, `${binary}?iv=${btoa("\0".repeat(16))}`));
});

Deno.test("every encryption has its own nonce", async () => {
  assertNotEquals(
    await signer.nip04.encrypt(customer.pubkey, "x"),
    await signer.nip04.encrypt(customer.pubkey, "x"),
  );
  assertNotEquals(
    await signer.nip44.encrypt(customer.pubkey, "x"),
    await signer.nip44.encrypt(customer.pubkey, "x"),
  );
});

Deno.test("a peer's keys are derived once for both ciphers, and forgotten when too many others came", async () => {
  const { crypto, derived } = counting();
  const cached = localSigner(merchant.secretKey, crypto, { peers: 2 });
  const [b, c] = [keyPair("b").pubkey, keyPair("c").pubkey];
  for (let i = 0; i < 3; i++) {
    await cached.nip44.encrypt(customer.pubkey, "x");
    await cached.nip04.encrypt(customer.pubkey, "x");
  }
  assertEquals(derived(), 1);
  await cached.nip44.encrypt(b, "x");
  await cached.nip44.encrypt(customer.pubkey, "x");
  await cached.nip44.encrypt(c, "x"); // b goes: the customer was asked for later
  await cached.nip44.encrypt(customer.pubkey, "x");
  assertEquals(derived(), 3);
  await cached.nip44.encrypt(b, "x");
  assertEquals(derived(), 4);
});

Deno.test("a throw-away peer's keys aren't kept", async () => {
  const { crypto, derived } = counting();
  const cached = localSigner(merchant.secretKey, crypto, { peers: 1 });
  const throwAway = keyPair("throw-away");
  const payload = nip44.encrypt("x", nip44.getConversationKey(throwAway.secretKey, merchant.pubkey));
  await cached.nip44.encrypt(customer.pubkey, "x");
  await cached.nip44.decrypt(throwAway.pubkey, payload, { once: true });
  await cached.nip44.encrypt(customer.pubkey, "x");
  assertEquals(derived(), 2);
});

Deno.test("a signer shows its secret key to nobody who prints it", () => {
  const secret = "5e".repeat(32);
  const canary = localSigner(hexToBytes(secret), crypto);
  const shown = Deno.inspect(canary, { depth: 9, showHidden: true }) + JSON.stringify(canary) +
    String(canary);
  assert(!shown.includes(secret) && !shown.includes("94, 94, 94") && !shown.includes("94,94,94"), shown);
  assertEquals(canary.pubkey, getPublicKey(hexToBytes(secret)));
});
