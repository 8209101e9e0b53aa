import type { NostrEvent } from "@nostrify/types";
import type { Random } from "../random.ts";
import type { KeyCrypto, Verifier } from "./event_crypto.ts";
import { eventId } from "./event_id.ts";
import { unwrap, wrap, WRAP_KINDS } from "./gift_wrap.ts";
import { byteLength, decryptPayload, MAX_CONTENT_BYTES, MAX_PAYLOAD_CHARS } from "./payload.ts";
import { pureCrypto } from "./pure_crypto.ts";
import { type MerchantSigner, SignerUnavailableError } from "./signer.ts";

/** How a message travels: a kind 4, or a gift wrap (NIP-17). The cipher inside doesn't matter. */
export type EnvelopeKind = "nip04" | "nip17";

export interface OpenedMessage {
  envelope: EnvelopeKind;
  /** The verified sender: a kind 4's author, a gift wrap's seal. */
  sender: string;
  content: string;
  /** 4, or the rumor's: 14, 15, 16, 17. */
  kind: number;
  tags: string[][];
  /** Seconds; the rumor's for a gift wrap, and so whatever the sender says. */
  created_at: number;
  /** Recomputed from the rumor; null for a kind 4. */
  rumorId: string | null;
}

/** `retry`: the signer couldn't be asked, and the same event may open later. Otherwise it never will. */
export type OpenResult = { ok: true; message: OpenedMessage } | {
  ok: false;
  reason: string;
  retry: boolean;
  /** What the merchant's own key said, by this program or another. */
  own?: OpenedMessage;
};

/** The reason given for a message that the merchant's own key sent: copies to self, other programs, probes. */
export const OWN_MESSAGE = "own message";

/** The reason given for a message that doesn't name the merchant as a recipient. */
export const NOT_ADDRESSED = "not addressed to us";

const DIRECT_MESSAGE = 4;

/** Private messages, files, and Gamma's order messages and receipts (NIP-17, Gamma). */
const RUMOR_KINDS: readonly number[] = [14, 15, 16, 17];

/**
 * Opens a kind 4 or a gift wrap whose own signature has been checked, for one merchant. What isn't authentic, isn't for
 * the merchant or can't be decrypted is refused with a reason that holds nothing of the message. Throws for nothing that an
 * event can hold. Without a `verifier` seals are checked in JavaScript, which is right and slow.
 */
export async function openEnvelope(
  event: NostrEvent,
  signer: MerchantSigner,
  verifier: Verifier = pureCrypto,
): Promise<OpenResult> {
  if (event.kind !== DIRECT_MESSAGE && !WRAP_KINDS.includes(event.kind)) return refuse("no message");
  if (!addresses(event.tags, signer.pubkey)) return refuse(NOT_ADDRESSED);
  if (event.content.length > MAX_PAYLOAD_CHARS) return refuse("too long");
  try {
    const opened = event.kind === DIRECT_MESSAGE
      ? await openDirect(event, signer)
      : await openWrap(event, signer, verifier);
    if (opened.ok && byteLength(opened.message.content) > MAX_CONTENT_BYTES) return refuse("too long");
    return opened;
  } catch (error) {
    if (!(error instanceof SignerUnavailableError)) throw error;
    return { ok: false, reason: "the signer can't be reached", retry: true };
  }
}

async function openDirect(event: NostrEvent, signer: MerchantSigner): Promise<OpenResult> {
  const { pubkey, kind, tags, created_at } = event;
  if (pubkey === signer.pubkey) return refuse(OWN_MESSAGE);
  const content = await decryptPayload(signer, pubkey, event.content);
  if (content === null) return refuse("can't be decrypted");
  return {
    ok: true,
    message: { envelope: "nip04", sender: pubkey, content, kind, tags, created_at, rumorId: null },
  };
}

async function openWrap(event: NostrEvent, signer: MerchantSigner, verifier: Verifier): Promise<OpenResult> {
  const opened = await unwrap(event, signer, verifier);
  if (!opened.ok) return refuse(opened.reason);
  const { id: rumorId, pubkey: sender, kind, tags, created_at, content } = opened.rumor;
  if (sender === signer.pubkey) {
    const own: OpenedMessage = { envelope: "nip17", sender, content, kind, tags, created_at, rumorId };
    return { ok: false, reason: OWN_MESSAGE, retry: false, own };
  }
  if (!RUMOR_KINDS.includes(kind)) return refuse(`a rumor of kind ${kind} is no message`);
  if (!addresses(tags, signer.pubkey)) return refuse(NOT_ADDRESSED);
  return { ok: true, message: { envelope: "nip17", sender, content, kind, tags, created_at, rumorId } };
}

export interface MessageToSeal {
  envelope: EnvelopeKind;
  /** Hex. */
  recipient: string;
  content: string;
  /** Seconds; the rumor's for a gift wrap. */
  createdAt: number;
  /** Id of the message that is answered, named in gift wraps only: a kind 4 keeps to the one tag that its readers know. */
  replyTo?: string;
  /** Seconds: relays may forget the event then (NIP-40). */
  expiration?: number;
}

export interface SealedMessage {
  /** What to publish, to the recipient's relays and to our own. */
  events: { event: NostrEvent; to: "recipient" | "self" }[];
  /** The id that the recipient knows the message by: the kind 4's or the rumor's. */
  messageId: string;
}

/**
 * Puts a message in its envelope: a kind 4 (NIP-04), or a gift wrap for the recipient and one for ourselves (NIP-17).
 * Throws when the content is too long, and what the signer throws. The wraps' throw-away keys are worked with by `crypto`,
 * the signer's own unless given.
 */
export async function sealMessage(
  message: MessageToSeal,
  signer: MerchantSigner,
  random: Random,
  crypto: KeyCrypto = signer.crypto ?? pureCrypto,
): Promise<SealedMessage> {
  const length = byteLength(message.content);
  if (length > MAX_CONTENT_BYTES) {
    throw new Error(`The message is too long: ${length} bytes, ${MAX_CONTENT_BYTES} at most.`);
  }
  return message.envelope === "nip04"
    ? await sealDirect(message, signer)
    : await sealWraps(message, { signer, random, crypto });
}

async function sealDirect(message: MessageToSeal, signer: MerchantSigner): Promise<SealedMessage> {
  const { recipient, expiration } = message;
  const event = await signer.signEvent({
    kind: DIRECT_MESSAGE,
    created_at: message.createdAt,
    tags: [["p", recipient], ...(expiration === undefined ? [] : [["expiration", String(expiration)]])],
    content: await signer.nip04.encrypt(recipient, message.content),
  });
  return { events: [{ event, to: "recipient" }], messageId: event.id };
}

async function sealWraps(
  message: MessageToSeal,
  by: { signer: MerchantSigner; random: Random; crypto: KeyCrypto },
): Promise<SealedMessage> {
  const { recipient, replyTo, expiration } = message;
  const unsigned = {
    pubkey: by.signer.pubkey,
    created_at: message.createdAt,
    kind: 14,
    tags: [["p", recipient], ...(replyTo === undefined ? [] : [["e", replyTo]])],
    content: message.content,
  };
  const rumor = { id: eventId(unsigned), ...unsigned };
  const events: SealedMessage["events"] = [
    { event: await wrap(rumor, recipient, by, expiration), to: "recipient" },
  ];
  if (recipient !== by.signer.pubkey) {
    events.push({ event: await wrap(rumor, by.signer.pubkey, by, expiration), to: "self" });
  }
  return { events, messageId: rumor.id };
}

function addresses(tags: string[][], merchant: string): boolean {
  return tags.some(([name, value]) => name === "p" && value === merchant);
}

function refuse(reason: string): OpenResult {
  return { ok: false, reason, retry: false };
}
