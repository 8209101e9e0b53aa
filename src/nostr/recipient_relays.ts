import type { NostrEvent } from "@nostrify/types";
import type { Tx } from "../db/database.ts";
import type { EnvelopeKind } from "./envelope.ts";
import type { NostrIdentity } from "./identity.ts";
import type { Recipient } from "./outbox_store.ts";
import { findRecipientRelays, type RecipientRelays } from "./recipient_relays_store.ts";
import { relayUrl } from "./relay_url.ts";

/** Where a message goes. */
export interface Route {
  relays: string[];
  to: Recipient;
  /** What is known of the recipient is too old, or nothing: look it up (`look_up` job), without waiting for it. */
  stale: boolean;
}

/** NIP-17, NIP-65. */
export const DM_RELAYS_KIND = 10_050;
export const RELAY_LIST_KIND = 10_002;

const HOUR_MS = 3_600_000;
/** Who has no list may be about to publish one. */
const FRESH_MS = { found: 6 * HOUR_MS, nothing: HOUR_MS / 2 };
/** Relays looked at of one list; what follows isn't worth the name look-ups. */
const MOST_NAMED = 10;

/**
 * The relays for a message (design §7): where the recipient reads that kind of envelope, the relay where we heard of them, and our
 * own. `seenOn`: empty for the built-in relay, null for somebody who never wrote. At most one read of the database; no network.
 */
export async function routeTo(
  tx: Tx,
  o: { identity: NostrIdentity; recipient: string; envelope: EnvelopeKind; seenOn: string | null },
  now: number,
): Promise<Route> {
  const { identity, recipient, envelope, seenOn } = o;
  const askable = sources(identity, seenOn).length > 0;
  const known = askable ? await findRecipientRelays(tx, recipient) : undefined;
  const theirs = known ? relaysFor(envelope, known) : [];
  const others = theirs.filter((url) => url !== identity.publicRelayUrl);
  const reads = seenOn ? [seenOn, ...others] : others;
  return {
    relays: [...new Set([...identity.relays, ...reads])],
    to: { pubkey: recipient, reads, readsOurs: seenOn === "" || others.length < theirs.length },
    stale: askable && !isFresh(known, now),
  };
}

/** Where a list may be found: our relays, and the one where the recipient was seen. */
export function sources(identity: NostrIdentity, seenOn: string | null): string[] {
  return [...new Set([...identity.relays, ...identity.dmRelays, ...(seenOn ? [seenOn] : [])])];
}

/** Whether what is known needn't be looked up again. */
export function isFresh(known: RecipientRelays | undefined, now: number): boolean {
  if (!known) return false;
  const found = known.dmRelays.length + known.readRelays.length > 0;
  return now - known.lookedUpAt < FRESH_MS[found ? "found" : "nothing"];
}

/** The list that goes with an envelope: gift wraps to kind 10050, everything else to kind 10002. */
export function relaysFor(envelope: EnvelopeKind, known: RecipientRelays): string[] {
  return envelope === "nip17" ? known.dmRelays : known.readRelays;
}

/**
 * The relays that a list names for reading, unchecked, each once and at most ten. NIP-17: `relay` tags. NIP-65: `r` tags
 * without a marker or with `read`.
 */
export function namedRelays(list: NostrEvent): string[] {
  const named = list.tags.filter(([name, , marker]) =>
    list.kind === DM_RELAYS_KIND ? name === "relay" : name === "r" && (!marker || marker === "read")
  );
  const urls = named.map(([, url]) => relayUrl(url ?? "")).filter((url) => url !== null);
  return [...new Set(urls)].slice(0, MOST_NAMED);
}

/** The newest event of a replaceable kind of one author (NIP-01: of one second the lower id). */
export function newestOf(events: NostrEvent[], kind: number, author: string): NostrEvent | undefined {
  return events.filter((event) => event.kind === kind && event.pubkey === author)
    .sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))[0];
}
