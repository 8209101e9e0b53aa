import type { NostrEvent } from "@nostrify/types";
import { encrypt } from "nostr-tools/nip44";
import type { Random } from "../random.ts";
import { parseBounded } from "../bounded_json.ts";
import type { KeyCrypto, Verifier } from "./event_crypto.ts";
import { eventId, isSignedEvent, isUnsignedEvent, type UnsignedEvent } from "./event_id.ts";
import { conversationKey } from "./key_agreement.ts";
import { byteLength, decryptPayload, MAX_PAYLOAD_CHARS } from "./payload.ts";
import { newSecretKey } from "./secret_bytes.ts";
import type { MerchantSigner } from "./signer.ts";

const SEAL = 13;

/** Gift wraps: the kept and the ephemeral one (NIP-59). */
export const WRAP_KINDS: readonly number[] = [1059, 21_059];

/** NIP-59: up to two days, so that nobody can tell from the time who talks to whom. */
const MOST_BACKDATING = 2 * 24 * 60 * 60;

/** NIP-44: what is longer needs a prefix that older readers don't know. */
const LONGEST_PLAINTEXT = 65_535;

/** A rumor, with its id and the seal's verified author. */
export type Rumor = UnsignedEvent & { id: string };

export type UnwrapResult = { ok: true; rumor: Rumor } | { ok: false; reason: string };

/**
 * Opens a gift wrap whose own signature has been checked (NIP-59). The author is the seal's, whose signature is checked
 * here; a rumor that names another author, carries a signature of its own or is again a seal or wrap is refused. The
 * rumor's id is always computed, so that a chosen one can't pass for another message's. A seal's tags mean nothing.
 */
export async function unwrap(
  wrap: NostrEvent,
  signer: MerchantSigner,
  verifier: Verifier,
): Promise<UnwrapResult> {
  const sealText = await decryptPayload(signer, wrap.pubkey, wrap.content, { once: true });
  if (sealText === null) return refuse("the gift wrap can't be decrypted");
  const seal = parse(sealText);
  if (!isSignedEvent(seal)) return refuse("the gift wrap holds no event");
  if (seal.kind !== SEAL) return refuse("the gift wrap holds no seal");
  if (!verifier.verify(seal)) return refuse("the seal's signature is wrong");
  const rumorText = await decryptPayload(signer, seal.pubkey, seal.content);
  if (rumorText === null) return refuse("the seal can't be decrypted");
  return readRumor(parse(rumorText), seal.pubkey);
}

/** Seals a rumor with the merchant's key and wraps it for one recipient with a key made for it alone (NIP-59). */
export async function wrap(
  rumor: Rumor,
  recipient: string,
  by: { signer: MerchantSigner; random: Random; crypto: KeyCrypto },
  expiration?: number,
): Promise<NostrEvent> {
  const seal = await by.signer.signEvent({
    kind: SEAL,
    created_at: backdated(rumor.created_at, by.random),
    tags: [],
    content: await by.signer.nip44.encrypt(recipient, fitting(JSON.stringify(rumor))),
  });
  const throwAway = newSecretKey(by.random);
  const key = conversationKey(by.crypto.agreement(throwAway)(recipient));
  return by.crypto.sign({
    kind: 1059,
    created_at: backdated(rumor.created_at, by.random),
    tags: [["p", recipient], ...(expiration === undefined ? [] : [["expiration", String(expiration)]])],
    content: encrypt(fitting(JSON.stringify(seal)), key, by.random.bytes(32)),
  }, throwAway);
}

function readRumor(value: unknown, author: string): UnwrapResult {
  if (typeof value !== "object" || value === null) return refuse("the seal holds no event");
  const fields = value as Record<string, unknown>;
  // A signature would let anyone prove what was said in confidence, and shows that the sender doesn't know what a rumor is.
  if (fields.sig !== undefined && fields.sig !== null && fields.sig !== "") {
    return refuse("the rumor is signed");
  }
  // Some clients leave the author out: the seal's is the one that counts, and it may not be contradicted.
  if (fields.pubkey !== undefined && fields.pubkey !== author) {
    return refuse("the rumor names another author than its seal");
  }
  const { created_at, kind, content } = fields;
  const rumor = { pubkey: author, created_at, kind, tags: readTags(fields.tags), content };
  if (!isUnsignedEvent(rumor)) return refuse("the rumor is malformed");
  if (rumor.kind === SEAL || WRAP_KINDS.includes(rumor.kind)) return refuse("the rumor is a seal or a wrap");
  return { ok: true, rumor: { id: eventId(rumor), ...rumor } };
}

/** Clients write numbers in tags (NIP-01 wants strings), and leave empty tags out. */
function readTags(tags: unknown): unknown {
  if (tags === undefined || tags === null) return [];
  if (!Array.isArray(tags)) return tags;
  return tags.map((tag) =>
    Array.isArray(tag) ? tag.map((part) => typeof part === "number" ? String(part) : part ?? "") : tag
  );
}

function parse(text: string): unknown {
  const parsed = parseBounded(text, { chars: MAX_PAYLOAD_CHARS, depth: 16 });
  return parsed.ok ? parsed.value : undefined;
}

function backdated(createdAt: number, random: Random): number {
  const chance = new DataView(random.bytes(4).slice().buffer).getUint32(0);
  return Math.max(0, createdAt - chance % (MOST_BACKDATING + 1));
}

function fitting(text: string): string {
  const length = byteLength(text);
  if (length <= LONGEST_PLAINTEXT) return text;
  throw new Error(
    `The message is too long for a gift wrap: ${length} bytes to encrypt, ${LONGEST_PLAINTEXT} at most.`,
  );
}

function refuse(reason: string): UnwrapResult {
  return { ok: false, reason };
}
