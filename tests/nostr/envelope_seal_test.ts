import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import * as nip04 from "nostr-tools/nip04";
import * as nip17 from "nostr-tools/nip17";
import * as nip44 from "nostr-tools/nip44";
import { getEventHash, verifyEvent } from "nostr-tools/pure";
import {
  type EnvelopeKind,
  type MessageToSeal,
  openEnvelope,
  sealMessage,
} from "../../src/nostr/envelope.ts";
import { localSigner, type MerchantSigner } from "../../src/nostr/signer.ts";
import { type KeyCrypto, loadVerifier } from "../../src/nostr/verify.ts";
import { keyPair, seededRandom } from "../support/keys.ts";
import { fromTheWire } from "../support/wraps.ts";

const crypto = await loadVerifier();
const merchant = keyPair("merchant");
const customer = keyPair("customer");
const signer = localSigner(merchant.secretKey, crypto);
const now = 1_767_225_600;
const twoDays = 172_800;

function message(envelope: EnvelopeKind, changes: Partial<MessageToSeal> = {}): MessageToSeal {
  return {
    envelope,
    recipient: customer.pubkey,
    content: '{"id":"o1","type":1}',
    createdAt: now,
    ...changes,
  };
}

/** The seal inside a wrap, as its recipient sees it. */
function sealOf(wrap: { pubkey: string; content: string }, recipient: Uint8Array) {
  return JSON.parse(nip44.decrypt(wrap.content, nip44.getConversationKey(recipient, wrap.pubkey)));
}

Deno.test("sealMessage() makes a kind 4 with the p tag alone that nostr-tools reads", async () => {
  const sealed = await sealMessage(
    message("nip04", { replyTo: "e".repeat(64) }),
    signer,
    seededRandom(),
    crypto,
  );
  assertEquals(sealed.events.map((e) => e.to), ["recipient"]);
  const event = sealed.events[0]!.event;
  assert(verifyEvent(fromTheWire(event)));
  assertEquals([event.kind, event.pubkey, event.created_at], [4, merchant.pubkey, now]);
  assertEquals(event.tags, [["p", customer.pubkey]]);
  assertEquals(sealed.messageId, event.id);
  assertEquals(nip04.decrypt(customer.secretKey, merchant.pubkey, event.content), '{"id":"o1","type":1}');
});

Deno.test("sealMessage() makes gift wraps for the recipient and for ourselves that nostr-tools reads", async () => {
  const sealed = await sealMessage(message("nip17"), signer, seededRandom(), crypto);
  assertEquals(sealed.events.map((e) => e.to), ["recipient", "self"]);
  for (const { event, to } of sealed.events) {
    const reader = to === "recipient" ? customer : merchant;
    assert(verifyEvent(fromTheWire(event)));
    assertEquals([event.kind, event.tags], [1059, [["p", reader.pubkey]]]);
    assertNotEquals(event.pubkey, merchant.pubkey);
    const rumor = nip17.unwrapEvent(fromTheWire(event), reader.secretKey);
    const expected = {
      pubkey: merchant.pubkey,
      created_at: now,
      kind: 14,
      tags: [["p", customer.pubkey]],
      content: '{"id":"o1","type":1}',
    };
    assertEquals(rumor, { id: getEventHash(expected), ...expected });
    assertEquals(sealed.messageId, rumor.id);
    const seal = sealOf(event, reader.secretKey);
    assertEquals([seal.kind, seal.tags, seal.pubkey], [13, [], merchant.pubkey]);
  }
});

Deno.test("sealMessage() names the answered message and the expiry where they belong", async () => {
  const asked = { replyTo: "e".repeat(64), expiration: now + 60 };
  const wraps = await sealMessage(message("nip17", asked), signer, seededRandom(), crypto);
  const wrap = wraps.events[0]!.event;
  assertEquals(wrap.tags, [["p", customer.pubkey], ["expiration", String(now + 60)]]);
  assertEquals(nip17.unwrapEvent(fromTheWire(wrap), customer.secretKey).tags, [
    ["p", customer.pubkey],
    ["e", "e".repeat(64)],
  ]);
  const direct = await sealMessage(message("nip04", asked), signer, seededRandom(), crypto);
  assertEquals(direct.events[0]!.event.tags, [["p", customer.pubkey], ["expiration", String(now + 60)]]);
});

Deno.test("every wrap has a key of its own, and wraps and seals have times of their own within two days past", async () => {
  const keys = new Set<string>();
  const times = new Set<number>();
  const random = seededRandom(7);
  for (let i = 0; i < 10; i++) {
    for (const { event, to } of (await sealMessage(message("nip17"), signer, random, crypto)).events) {
      const seal = sealOf(event, (to === "recipient" ? customer : merchant).secretKey);
      keys.add(event.pubkey);
      for (const at of [event.created_at, seal.created_at]) {
        assert(at <= now && at >= now - twoDays);
        times.add(at);
      }
    }
  }
  assertEquals(keys.size, 20);
  assert(times.size > 35 && Math.max(...times) - Math.min(...times) > twoDays / 2);
});

Deno.test("a message to ourselves is wrapped once", async () => {
  const sealed = await sealMessage(
    message("nip17", { recipient: merchant.pubkey }),
    signer,
    seededRandom(),
    crypto,
  );
  assertEquals(sealed.events.map((e) => e.to), ["recipient"]);
});

Deno.test("what sealMessage() closes, openEnvelope() opens at the other end, and knows our own copy", async () => {
  const reader = localSigner(customer.secretKey, crypto);
  const envelope = fc.constantFrom<EnvelopeKind>("nip04", "nip17");
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(
      envelope,
      text,
      fc.integer({ min: 1, max: 2 ** 33 }),
      async (envelope, content, createdAt) => {
        const sent = await sealMessage(
          message(envelope, { content, createdAt }),
          signer,
          seededRandom(),
          crypto,
        );
        for (const { event, to } of sent.events) {
          assert(crypto.verify(event));
          const opened = await openEnvelope(fromTheWire(event), to === "self" ? signer : reader, crypto);
          if (to === "self") {
            assert(!opened.ok);
            assertEquals([opened.reason, opened.own?.content], ["own message", content]);
            continue;
          }
          assert(opened.ok);
          const read = opened.message;
          assertEquals([read.envelope, read.sender, read.content, read.created_at], [
            envelope,
            merchant.pubkey,
            content,
            createdAt,
          ]);
          assertEquals(read.rumorId ?? event.id, sent.messageId);
        }
      },
    ),
    { numRuns: 20 },
  );
});

Deno.test("sealMessage() works with throw-away keys by the signer's crypto, or in JavaScript", async () => {
  let signed = 0;
  const counting: KeyCrypto = {
    publicKey: crypto.publicKey.bind(crypto),
    sign: (template, key) => (signed++, crypto.sign(template, key)),
    agreement: crypto.agreement,
  };
  await sealMessage(message("nip17"), localSigner(merchant.secretKey, counting), seededRandom());
  assertEquals(signed, 4);
  const elsewhere: MerchantSigner = {
    pubkey: signer.pubkey,
    getPublicKey: () => signer.getPublicKey(),
    signEvent: (template) => signer.signEvent(template),
    nip04: signer.nip04,
    nip44: signer.nip44,
  };
  const sealed = await sealMessage(message("nip17"), elsewhere, seededRandom());
  const wrap = fromTheWire(sealed.events[0]!.event);
  assertEquals(nip17.unwrapEvent(wrap, customer.secretKey).id, sealed.messageId);
});

Deno.test("sealMessage() refuses what no reader could open, naming nothing of it", async () => {
  for (const content of ["c".repeat(65_537), "\u0001".repeat(20_000)]) {
    const error = await assertRejects(
      () => sealMessage(message("nip17", { content }), signer, seededRandom(), crypto),
      Error,
      "too long",
    );
    assert(error.message.length < 200);
  }
  await assertRejects(
    () => sealMessage(message("nip04", { content: "c".repeat(65_537) }), signer, seededRandom(), crypto),
    Error,
    "too long",
  );
});

Deno.test("sealMessage() refuses a recipient that is no key", async () => {
  for (const envelope of ["nip04", "nip17"] as const) {
    for (const recipient of ["", "npub1", customer.pubkey.toUpperCase(), "f".repeat(64)]) {
      await assertRejects(() =>
        sealMessage(message(envelope, { recipient }), signer, seededRandom(), crypto)
      );
    }
  }
});

Deno.test("sealMessage() refuses a source of randomness that gives no keys", async () => {
  const zeros = { ...seededRandom(), bytes: (length: number) => new Uint8Array(length) };
  await assertRejects(() => sealMessage(message("nip17"), signer, zeros, crypto), Error, "it is broken");
});
