import type { EventDraft } from "./event_draft.ts";

/** A replaceable kind that says who the merchant is and where to be found. */
export type IdentityKind = 0 | 10002 | 10050;
export const identityKinds: readonly IdentityKind[] = [0, 10002, 10050];

/** What the events are made of. */
export interface IdentityFacts {
  name: string;
  /** NIP-01: the content of kind 0. */
  profile: Record<string, unknown>;
  relays: readonly string[];
  dmRelays: readonly string[];
  publicRelayUrl: string | null;
}

/**
 * What we would publish of a kind; null when there is nothing to say. NIP-65: `r` without a marker is for reading and
 * writing. NIP-17: kind 10050 names the relays where messages are looked for. The built-in relay is in both once it has a public URL.
 */
export function identityEvent(kind: IdentityKind, facts: IdentityFacts): EventDraft | null {
  if (kind === 0) return profileEvent(facts);
  const own = facts.publicRelayUrl === null ? [] : [facts.publicRelayUrl];
  const urls = [...new Set([...(kind === 10002 ? facts.relays : facts.dmRelays), ...own])];
  if (urls.length === 0) return null;
  const name = kind === 10002 ? "r" : "relay";
  return { kind, content: "", tags: urls.map((url) => [name, url]) };
}

/**
 * Our relays added to a list that somebody else made: everything of theirs stays as it is. Null when ours are all in it. A
 * relay that is there with a marker counts as there.
 */
export function mergeRelayList(
  ours: EventDraft,
  theirs: { content: string; tags: string[][] },
): EventDraft | null {
  const known = new Set(theirs.tags.map((tag) => `${tag[0]} ${plain(tag[1] ?? "")}`));
  const missing = ours.tags.filter((tag) => !known.has(`${tag[0]} ${plain(tag[1]!)}`));
  if (missing.length === 0) return null;
  return { kind: ours.kind, content: theirs.content, tags: [...theirs.tags, ...missing] };
}

function profileEvent({ name, profile }: IdentityFacts): EventDraft | null {
  const content = { ...(name !== "" && { name }), ...profile };
  if (Object.keys(content).length === 0) return null;
  return { kind: 0, content: JSON.stringify(content), tags: [] };
}

/** Relay URLs differ by a final slash and by letter case of the host without being another relay. */
function plain(url: string): string {
  return url.trim().toLowerCase().replace(/\/+$/, "");
}
