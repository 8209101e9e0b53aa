import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { finalizeEvent, getEventHash, type NostrEvent } from "nostr-tools/pure";
import { openEnvelope, type OpenResult } from "../../src/nostr/envelope.ts";
import { localSigner, type MerchantSigner } from "../../src/nostr/signer.ts";
import { loadVerifier, type Verifier } from "../../src/nostr/verify.ts";
import { keyPair } from "../support/keys.ts";
import { sealAround, wrapAround, wrapRumor } from "../support/wraps.ts";

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

Deno.test("openEnvelope() lets private messages, files, Gamma's orders and receipts through with their kind", async () => {
  for (const kind of [14, 15, 16, 17]) {
    const opened = await openRumor(rumor({ kind }));
    assert(opened.ok);
    assertEquals(opened.message.kind, kind);
  }
  for (const kind of [0, 1, 4, 7, 30_018]) {
    await refused(
      wrapRumor(rumor({ kind }), customer.secretKey, merchant.pubkey),
      `a rumor of kind ${kind} is no message`,
    );
  }
});

Deno.test("openEnvelope() opens ephemeral wraps too", async () => {
  const seal = sealAround(JSON.stringify(rumor()), customer.secretKey, merchant.pubkey);
  assert((await open(wrapAround(JSON.stringify(seal), merchant.pubkey, { kind: 21_059 }))).ok);
});

Deno.test("the sender is the seal's author: a rumor that names another is refused", async () => {
  const impersonating = rumor({ pubkey: customer.pubkey });
  await refused(
    wrapRumor(impersonating, thief.secretKey, merchant.pubkey),
    "the rumor names another author than its seal",
  );
  for (const pubkey of [null, 7, "", customer.pubkey.toUpperCase()]) {
    await refused(
      wrapRumor(rumor({ pubkey }), customer.secretKey, merchant.pubkey),
      "the rumor names another author than its seal",
    );
  }
});

Deno.test("a seal whose signature, id or kind is wrong is refused", async () => {
  const seal = sealAround(JSON.stringify(rumor()), customer.secretKey, merchant.pubkey);
  const wrongly: [Record<string, unknown>, string][] = [
    [{ sig: seal.sig.replace(/^./, (c) => c === "0" ? "1" : "0") }, "the seal's signature is wrong"],
    [{ id: "0".repeat(64) }, "the seal's signature is wrong"],
    [{ pubkey: thief.pubkey }, "the seal's signature is wrong"],
    [{ sig: undefined }, "the gift wrap holds no event"],
    [{ tags: "x" }, "the gift wrap holds no event"],
    [{ kind: 14 }, "the gift wrap holds no seal"],
  ];
  for (const [change, reason] of wrongly) {
    await refused(wrapAround(JSON.stringify({ ...seal, ...change }), merchant.pubkey), reason);
  }
});

Deno.test("a seal is checked by the verifier before its content is decrypted", async () => {
  const asked: number[] = [];
  const none: Verifier = { verify: (event) => (asked.push(event.kind), false) };
  const event = wrapRumor(rumor(), customer.secretKey, merchant.pubkey);
  assertEquals((await openEnvelope(event, signer, none)).ok, false);
  assertEquals(asked, [13]);
});

Deno.test("what is derived from a wrap's throw-away key isn't kept, what is derived from the sender's is", async () => {
  const uses: [string, boolean][] = [];
  const watching: MerchantSigner = {
    pubkey: signer.pubkey,
    getPublicKey: () => signer.getPublicKey(),
    signEvent: (template) => signer.signEvent(template),
    nip04: signer.nip04,
    nip44: {
      encrypt: signer.nip44.encrypt,
      decrypt: (peer, payload, use) => {
        uses.push([peer, use?.once ?? false]);
        return signer.nip44.decrypt(peer, payload, use);
      },
    },
  };
  const event = wrapRumor(rumor(), customer.secretKey, merchant.pubkey);
  assert((await openEnvelope(event, watching, crypto)).ok);
  assertEquals(uses, [[event.pubkey, true], [customer.pubkey, false]]);
});

Deno.test("a seal's tags are tolerated and mean nothing", async () => {
  const seal = sealAround(JSON.stringify(rumor()), customer.secretKey, merchant.pubkey, {
    tags: [["p", thief.pubkey], ["expiration", "1"]],
  });
  const opened = await open(wrapAround(JSON.stringify(seal), merchant.pubkey));
  assert(opened.ok);
  assertEquals(opened.message.tags, [["p", merchant.pubkey]]);
});

Deno.test("a signed rumor is refused", async () => {
  const signed = finalizeEvent(
    { kind: 14, created_at: 1, tags: [["p", merchant.pubkey]], content: order },
    customer.secretKey,
  );
  await refused(wrapRumor(signed, customer.secretKey, merchant.pubkey), "the rumor is signed");
  await refused(wrapRumor(rumor({ sig: 0 }), customer.secretKey, merchant.pubkey), "the rumor is signed");
  for (const sig of [null, ""]) assert((await openRumor(rumor({ sig }))).ok);
});

Deno.test("a rumor's id is recomputed: missing, wrong or another message's, it changes nothing", async () => {
  const right = rumor();
  for (
    const id of [
      undefined,
      null,
      7,
      "",
      "0".repeat(64),
      getEventHash(sealAround("x", thief.secretKey, merchant.pubkey)),
    ]
  ) {
    const opened = await openRumor(rumor({ id }));
    assert(opened.ok);
    assertEquals(opened.message.rumorId, right.id);
  }
});

Deno.test("a rumor without author or tags, or with numbers in tags, is read as it was meant", async () => {
  const { pubkey: _, ...anonymous } = rumor();
  const opened = await openRumor(anonymous);
  assert(opened.ok);
  assertEquals(opened.message.sender, customer.pubkey);
  const numeric = await openRumor(
    rumor({ kind: 16, tags: [["p", merchant.pubkey], ["item", "30402:x:y", 1], ["t", null]] }),
  );
  assert(numeric.ok);
  assertEquals(numeric.message.tags, [["p", merchant.pubkey], ["item", "30402:x:y", "1"], ["t", ""]]);
  await refused(
    wrapRumor(rumor({ tags: undefined }), customer.secretKey, merchant.pubkey),
    "not addressed to us",
  );
});

Deno.test("a rumor that doesn't name the merchant isn't addressed to us", async () => {
  for (const tags of [[], [["p", thief.pubkey]], [["e", merchant.pubkey]], [["p"]]]) {
    await refused(wrapRumor(rumor({ tags }), customer.secretKey, merchant.pubkey), "not addressed to us");
  }
  assert((await openRumor(rumor({ tags: [["p", thief.pubkey], ["p", merchant.pubkey]] }))).ok);
});

Deno.test("a wrap that names another merchant isn't addressed to us", async () => {
  const seal = JSON.stringify(sealAround(JSON.stringify(rumor()), customer.secretKey, merchant.pubkey));
  await refused(wrapAround(seal, merchant.pubkey, { tags: [["p", thief.pubkey]] }), "not addressed to us");
});

Deno.test("nested seals and wraps are refused", async () => {
  for (const kind of [13, 1059, 21_059]) {
    await refused(
      wrapRumor(rumor({ kind }), customer.secretKey, merchant.pubkey),
      "the rumor is a seal or a wrap",
    );
  }
  const inner = wrapRumor(rumor(), customer.secretKey, merchant.pubkey);
  await refused(wrapAround(JSON.stringify(inner), merchant.pubkey), "the gift wrap holds no seal");
});

Deno.test("malformed rumors are refused", async () => {
  const malformed = [
    rumor({ created_at: undefined }),
    rumor({ created_at: "1" }),
    rumor({ created_at: 1.5 }),
    rumor({ created_at: -1 }),
    rumor({ kind: "14" }),
    rumor({ content: null }),
    rumor({ content: {} }),
    rumor({ tags: [["p", { toString: "x" }]] }),
    rumor({ tags: ["p"] }),
    rumor({ tags: { 0: ["p", merchant.pubkey] } }),
  ];
  for (const value of malformed) {
    await refused(wrapRumor(value, customer.secretKey, merchant.pubkey), "the rumor is malformed");
  }
  for (const value of [null, 7, "text"]) {
    await refused(wrapRumor(value, customer.secretKey, merchant.pubkey), "the seal holds no event");
  }
});

Deno.test("JSON nested more than 100,000 levels deep is refused quickly", async () => {
  const deep = "[".repeat(120_000);
  await refused(wrapAround(deep, merchant.pubkey), "the gift wrap holds no event");
  const nested = `{"kind":14,"tags":${"[".repeat(30_000)}${"]".repeat(30_000)}}`;
  const seal = sealAround(nested, customer.secretKey, merchant.pubkey);
  await refused(wrapAround(JSON.stringify(seal), merchant.pubkey), "the seal holds no event");
});

Deno.test("openEnvelope() takes any change to a rumor's fields without throwing, and never believes another sender", async () => {
  const field = fc.constantFrom(
    "id",
    "pubkey",
    "created_at",
    "kind",
    "tags",
    "content",
    "sig",
    "__proto__",
    "toJSON",
  );
  await fc.assert(
    fc.asyncProperty(fc.dictionary(field, fc.jsonValue(), { noNullPrototype: true }), async (changes) => {
      const opened = await openRumor(rumor(changes));
      if (opened.ok) assertEquals(opened.message.sender, customer.pubkey);
    }),
    { numRuns: 40 },
  );
});

Deno.test("any change to a gift wrap's payload is refused", async () => {
  const event = wrapRumor(rumor(), customer.secretKey, merchant.pubkey);
  await fc.assert(
    fc.asyncProperty(fc.nat(event.content.length - 1), fc.constantFrom(..."AZ9+/=?\n"), async (at, char) => {
      const content = event.content.slice(0, at) + char + event.content.slice(at + 1);
      if (content !== event.content) assertEquals((await open({ ...event, content })).ok, false);
    }),
  );
});
