import type { NostrEvent } from "@nostrify/types";
import { parseBounded } from "../../bounded_json.ts";
import type { Verifier } from "../event_crypto.ts";
import { eventId, type EventTemplate, isSignedEvent } from "../event_id.ts";
import { MAX_PAYLOAD_CHARS } from "../payload.ts";

/**
 * The event that a remote signer returned, if it is what was asked: our key's, the same kind, time, tags and text, with a
 * right signature. Else why not: whoever holds the key elsewhere isn't trusted to say what we say.
 */
export function readSigned(
  text: string,
  asked: EventTemplate,
  pubkey: string,
  verifier: Verifier,
): { ok: true; event: NostrEvent } | { ok: false; reason: string } {
  const parsed = parseBounded(text, { chars: MAX_PAYLOAD_CHARS, depth: 16 });
  if (!parsed.ok || !isSignedEvent(parsed.value)) return { ok: false, reason: "it returned no signed event" };
  const { id, sig, pubkey: author } = parsed.value;
  if (author !== pubkey) return { ok: false, reason: "it signed with another key than the shop's" };
  const { kind, created_at, tags, content } = asked;
  const expected = eventId({ pubkey, kind, created_at, tags, content });
  if (id !== expected) return { ok: false, reason: "it signed something else than it was asked to" };
  const event = { id, pubkey, created_at, kind, tags: tags.map((tag) => [...tag]), content, sig };
  return verifier.verify(event) ? { ok: true, event } : { ok: false, reason: "its signature is wrong" };
}
