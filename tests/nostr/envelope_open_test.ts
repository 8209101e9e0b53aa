import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import * as nip04 from "nostr-tools/nip04";
import * as nip17 from "nostr-tools/nip17";
import * as nip44 from "nostr-tools/nip44";
import { finalizeEvent, generateSecretKey, getEventHash, type NostrEvent } from "nostr-tools/pure";
import { openEnvelope, type OpenResult } from "../../src/nostr/envelope.ts";
import { localSigner, type MerchantSigner, SignerUnavailableError } from "../../src/nostr/signer.ts";
import { loadVerifier, type Verifier } from "../../src/nostr/verify.ts";
import { keyPair } from "../support/keys.ts";
import { fromTheWire, sealAround, wrapAround, wrapRumor } from "../support/wraps.ts";

const crypto = await loadVerifier();
const merchant = keyPair("merchant");
const customer = keyPair("customer");
const thief = keyPair("thief");
const signer = localSigner(merchant.secretKey, crypto);
const order = '{"id":"o1","type":0,"items":[{"product_id":"p","quantity":1}]}';

const open = (event: NostrEvent): Promise<OpenResult> => openEnvelope(event, signer, crypto);
const openRumor = (rumor: unknown): Promise<OpenResult> =>
  open(wrapRumor(rumor, customer.secretKey, merchant.pubkey));

async function refused(event: NostrEvent, reason: string): Promise<void> {
  assertEquals(await open(event), { ok: false, reason, retry: false });
}

function directMessage(
  content: string,
  tags = [["p", merchant.pubkey]],
  author = customer.secretKey,
): NostrEvent {
  return fromTheWire(finalizeEvent({ kind: 4, created_at: 1_700_000_000, tags, content }, author));
}

/** A well-formed rumor of the customer's, with changes. */
function rumor(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const base = {
    pubkey: customer.pubkey,
    created_at: 1_700_000_000,
    kind: 14,
    tags: [["p", merchant.pubkey]],
    content: order,
  };
  return { id: getEventHash(base), ...base, ...changes };
}

Deno.test("openEnvelope() opens a kind 4 of nostr-tools", async () => {
  const event = directMessage(nip04.encrypt(customer.secretKey, merchant.pubkey, order));
  assertEquals(await open(event), {
    ok: true,
    message: {
      envelope: "nip04",
      sender: customer.pubkey,
      content: order,
      kind: 4,
      tags: [["p", merchant.pubkey]],
      created_at: 1_700_000_000,
      rumorId: null,
    },
  });
});

Deno.test("openEnvelope() tells the cipher by the payload: NIP-44 in a kind 4, NIP-04 in a seal", async () => {
  const key = nip44.getConversationKey(customer.secretKey, merchant.pubkey);
  const modern = await open(directMessage(nip44.encrypt(order, key)));
  assert(modern.ok);
  assertEquals([modern.message.envelope, modern.message.content], ["nip04", order]);
  const content = nip04.encrypt(customer.secretKey, merchant.pubkey, JSON.stringify(rumor()));
  const seal = sealAround("", customer.secretKey, merchant.pubkey, { content });
  const old = await open(wrapAround(JSON.stringify(seal), merchant.pubkey));
  assert(old.ok);
  assertEquals([old.message.envelope, old.message.content], ["nip17", order]);
});

Deno.test("openEnvelope() opens a kind 4 with several p tags when one names the merchant", async () => {
  const tags = [["p", thief.pubkey], ["e", "x"], ["p", merchant.pubkey], ["p"]];
  const ours = await open(directMessage(nip04.encrypt(customer.secretKey, merchant.pubkey, "hello"), tags));
  assert(ours.ok && ours.message.content === "hello");
  await refused(
    directMessage(nip04.encrypt(customer.secretKey, merchant.pubkey, "hello"), [["p", thief.pubkey]]),
    "not addressed to us",
  );
  await refused(
    directMessage(nip04.encrypt(customer.secretKey, merchant.pubkey, "hello"), []),
    "not addressed to us",
  );
});

Deno.test("openEnvelope() opens a gift wrap of nostr-tools", async () => {
  const event = fromTheWire(nip17.wrapEvent(customer.secretKey, { publicKey: merchant.pubkey }, order));
  const opened = await open(event);
  assert(opened.ok);
  const { sender, content, kind, tags, created_at, rumorId, envelope } = opened.message;
  assertEquals([envelope, sender, content, kind, tags], ["nip17", customer.pubkey, order, 14, [[
    "p",
    merchant.pubkey,
  ]]]);
  assertEquals(rumorId, getEventHash({ pubkey: sender, content, kind, tags, created_at }));
});

Deno.test("openEnvelope() works without the fast verifier, and refuses the same", async () => {
  const good = wrapRumor(rumor(), customer.secretKey, merchant.pubkey);
  assert((await openEnvelope(good, signer)).ok);
  const seal = {
    ...sealAround(JSON.stringify(rumor()), customer.secretKey, merchant.pubkey),
    sig: "0".repeat(128),
  };
  const forged = await openEnvelope(wrapAround(JSON.stringify(seal), merchant.pubkey), signer);
  assertEquals(forged, { ok: false, reason: "the seal's signature is wrong", retry: false });
});

Deno.test("our own messages are told apart from customers'", async () => {
  const content = nip04.encrypt(merchant.secretKey, customer.pubkey, "answer");
  await refused(directMessage(content, [["p", customer.pubkey]], merchant.secretKey), "not addressed to us");
  const probe = nip04.encrypt(merchant.secretKey, merchant.pubkey, "probe");
  await refused(directMessage(probe, [["p", merchant.pubkey]], merchant.secretKey), "own message");
  const selfCopy = nip17.wrapManyEvents(merchant.secretKey, [{ publicKey: customer.pubkey }], "answer")[0];
  assert(selfCopy);
  const copied = await open(fromTheWire(selfCopy));
  assert(!copied.ok);
  assertEquals([copied.reason, copied.retry, copied.own?.content], ["own message", false, "answer"]);
});

Deno.test("other kinds are no message", async () => {
  for (const kind of [1, 13, 14]) {
    await refused(
      directMessage("x", [["p", merchant.pubkey]]) && wrapAround("x", merchant.pubkey, { kind }),
      "no message",
    );
  }
});

Deno.test("too long is refused before it is decrypted, and after", async () => {
  let decrypted = 0;
  const count = (cipher: MerchantSigner["nip04"]): MerchantSigner["nip04"] => ({
    encrypt: cipher.encrypt,
    decrypt: (...args) => (decrypted++, cipher.decrypt(...args)),
  });
  const counting: MerchantSigner = {
    pubkey: signer.pubkey,
    getPublicKey: () => signer.getPublicKey(),
    signEvent: (t) => signer.signEvent(t),
    nip04: count(signer.nip04),
    nip44: count(signer.nip44),
  };
  const huge = directMessage(`${"A".repeat(300_000)}?iv=AAAAAAAAAAAAAAAAAAAAAA==`);
  assertEquals(await openEnvelope(huge, counting, crypto), { ok: false, reason: "too long", retry: false });
  assertEquals(decrypted, 0);
  const most = "✓".repeat(21_845) + "x"; // 65,536 bytes
  const long = (text: string) => directMessage(nip04.encrypt(customer.secretKey, merchant.pubkey, text));
  assert((await open(long(most))).ok);
  await refused(long(most + "x"), "too long");
  assert((await openRumor(rumor({ content: most }))).ok);
  await refused(wrapRumor(rumor({ content: most + "x" }), customer.secretKey, merchant.pubkey), "too long");
});

Deno.test("payloads that nobody encrypted for the merchant are refused", async () => {
  const payloads = [
    "",
    "hello",
    "{}",
    "?iv=",
    "A?iv=A",
    "Ag",
    `Ag${"A".repeat(200)}`,
    "AgAA====",
    "\0",
    "🤝?iv=🤝",
  ];
  for (const content of payloads) {
    await refused(directMessage(content), "can't be decrypted");
    await refused(wrapAround("x", merchant.pubkey, { content }), "the gift wrap can't be decrypted");
    const seal = sealAround("", customer.secretKey, merchant.pubkey, { content });
    await refused(wrapAround(JSON.stringify(seal), merchant.pubkey), "the seal can't be decrypted");
  }
  await refused(
    directMessage(nip44.encrypt("x", nip44.getConversationKey(customer.secretKey, thief.pubkey))),
    "can't be decrypted",
  );
});

Deno.test("openEnvelope() takes any text as rumor, seal or payload without throwing or believing it", async () => {
  const anyText = fc.oneof(fc.string({ unit: "binary" }), fc.json(), fc.json().map((j) => `${j}?iv=${j}`));
  await fc.assert(
    fc.asyncProperty(anyText, async (text) => {
      const seal = text === "" ? "x" : text;
      for (
        const event of [
          directMessage(text),
          wrapAround(seal, merchant.pubkey),
          wrapAround(JSON.stringify(sealAround(seal, customer.secretKey, merchant.pubkey)), merchant.pubkey),
        ]
      ) assertEquals((await open(event)).ok, false);
    }),
    { numRuns: 20 },
  );
});

Deno.test("a kind 4's payload that was changed is refused or other text, and nothing is thrown", async () => {
  const content = nip04.encrypt(customer.secretKey, merchant.pubkey, order);
  await fc.assert(
    fc.asyncProperty(fc.nat(content.length - 1), fc.constantFrom(..."AZ9+/=?\n"), async (at, char) => {
      const event = {
        ...directMessage(content),
        content: content.slice(0, at) + char + content.slice(at + 1),
      };
      const opened = await open(event);
      if (opened.ok) assertEquals(opened.message.sender, customer.pubkey);
    }),
  );
});

Deno.test("a signer that can't be asked means a later try; any other failure of the event's means none", async () => {
  const failing = (error: Error): MerchantSigner => {
    const cipher = { encrypt: () => Promise.reject(error), decrypt: () => Promise.reject(error) };
    return {
      pubkey: merchant.pubkey,
      getPublicKey: () => Promise.resolve(merchant.pubkey),
      signEvent: () => Promise.reject(error),
      nip04: cipher,
      nip44: cipher,
    };
  };
  const wrap = wrapRumor(rumor(), customer.secretKey, merchant.pubkey);
  const direct = directMessage(nip04.encrypt(customer.secretKey, merchant.pubkey, order));
  for (const event of [wrap, direct]) {
    assertEquals(await openEnvelope(event, failing(new SignerUnavailableError("asleep")), crypto), {
      ok: false,
      reason: "the signer can't be reached",
      retry: true,
    });
    const other = await openEnvelope(event, failing(new Error("secret words")), crypto);
    assert(!other.ok && !other.retry && !other.reason.includes("secret words"));
  }
});

Deno.test("a fault of the verifier isn't taken for a forged message", async () => {
  const broken: Verifier = {
    verify: () => {
      throw new Error("out of memory");
    },
  };
  const event = wrapRumor(rumor(), customer.secretKey, merchant.pubkey);
  await assertRejects(() => openEnvelope(event, signer, broken), Error, "out of memory");
});

Deno.test("a refusal's reason holds nothing of the message", async () => {
  const canary = "12 Canary Street";
  const events = [
    directMessage(canary),
    directMessage(`${btoa(canary)}?iv=${btoa("0123456789abcdef")}`),
    wrapAround(canary, merchant.pubkey),
    wrapAround(`{"kind":${canary}`, merchant.pubkey),
    wrapRumor(canary, customer.secretKey, merchant.pubkey),
    wrapRumor(rumor({ kind: canary, content: canary }), customer.secretKey, merchant.pubkey),
    wrapRumor(rumor({ kind: 7, content: canary }), customer.secretKey, merchant.pubkey),
    wrapRumor(rumor({ content: canary }), generateSecretKey(), merchant.pubkey),
  ];
  for (const event of events) {
    const opened = await open(event);
    assert(!opened.ok && !opened.reason.includes("Canary") && !opened.reason.includes(btoa(canary)));
  }
});
