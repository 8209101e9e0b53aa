/**
 * Events and envelopes: ours beside nostr-tools in the same run, one core, contents of about 400 bytes.
 * `deno bench -A bench/crypto_bench.ts`
 */
import * as nip04 from "nostr-tools/nip04";
import * as nip44 from "nostr-tools/nip44";
import * as nip59 from "nostr-tools/nip59";
import { finalizeEvent, generateSecretKey, getEventHash, getPublicKey, verifyEvent } from "nostr-tools/pure";
import { type EnvelopeKind, openEnvelope, sealMessage } from "../src/nostr/envelope.ts";
import { eventId } from "../src/nostr/event_id.ts";
import { localSigner } from "../src/nostr/signer.ts";
import { loadVerifier } from "../src/nostr/verify.ts";
import { systemRandom } from "../src/random.ts";

const crypto = await loadVerifier();
const secretKey = generateSecretKey();
const signer = localSigner(secretKey, crypto);
const customer = generateSecretKey();
const recipient = getPublicKey(customer);
const content = JSON.stringify({ id: "o".repeat(64), type: 0, message: "m".repeat(280), items: [] });
const created_at = 1_767_225_600;
const template = { kind: 4, created_at, tags: [["p", signer.pubkey]], content };
const signed = finalizeEvent({ ...template }, customer);
/** As relays hand events on: without the verdict that nostr-tools keeps on objects that it signed or checked. */
const wire = JSON.stringify(signed);
const fresh = () => JSON.parse(wire);

const directMessage = finalizeEvent(
  { ...template, content: nip04.encrypt(customer, signer.pubkey, content) },
  customer,
);
const rumor = { kind: 14, created_at, tags: [["p", signer.pubkey]], content };
const giftWrap = nip59.wrapEvent(rumor, customer, signer.pubkey);

Deno.bench("ours (WebAssembly)", { group: "verify", baseline: true }, () => {
  if (!crypto.verify(fresh())) throw new Error("refused");
});
Deno.bench("nostr-tools", { group: "verify" }, () => {
  if (!verifyEvent(fresh())) throw new Error("refused");
});

Deno.bench("ours (WebAssembly)", { group: "sign", baseline: true }, () => {
  crypto.sign(template, secretKey);
});
Deno.bench("nostr-tools", { group: "sign" }, () => {
  finalizeEvent({ ...template }, secretKey);
});

Deno.bench("ours (node:crypto)", { group: "id", baseline: true }, () => {
  eventId(signed);
});
Deno.bench("nostr-tools", { group: "id" }, () => {
  getEventHash(signed);
});

Deno.bench("ours (OpenSSL)", { group: "key agreement", baseline: true }, () => {
  crypto.agreement(secretKey)(recipient);
});
Deno.bench("nostr-tools", { group: "key agreement" }, () => {
  nip44.getConversationKey(secretKey, recipient);
});

Deno.bench("ours, known customer", { group: "open NIP-04", baseline: true }, async () => {
  await opened(directMessage);
});
Deno.bench("nostr-tools", { group: "open NIP-04" }, () => {
  nip04.decrypt(secretKey, recipient, directMessage.content);
});

Deno.bench("ours, known customer", { group: "open gift wrap", baseline: true }, async () => {
  await opened(giftWrap);
});
Deno.bench("nostr-tools", { group: "open gift wrap" }, () => {
  nip59.unwrapEvent(giftWrap, secretKey);
});

Deno.bench("ours", { group: "seal NIP-04", baseline: true }, async () => {
  await sealed("nip04");
});
Deno.bench("nostr-tools", { group: "seal NIP-04" }, () => {
  finalizeEvent({ ...template, content: nip04.encrypt(secretKey, recipient, content) }, secretKey);
});

Deno.bench("ours", { group: "seal gift wraps, recipient's and own", baseline: true }, async () => {
  await sealed("nip17");
});
Deno.bench("nostr-tools", { group: "seal gift wraps, recipient's and own" }, () => {
  nip59.wrapManyEvents(rumor, secretKey, [recipient]);
});

async function opened(event: typeof giftWrap): Promise<void> {
  const result = await openEnvelope(event, signer, crypto);
  if (!result.ok) throw new Error(result.reason);
}

async function sealed(envelope: EnvelopeKind): Promise<void> {
  await sealMessage({ envelope, recipient, content, createdAt: created_at }, signer, systemRandom, crypto);
}
