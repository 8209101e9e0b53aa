import { decode } from "nostr-tools/nip19";

/** A reference to something of ours by its `d`. */
export type Reference = { ok: true; id: string } | { ok: false };

const COORDINATE = /^(\d{1,5}):([0-9a-f]{64}):([\s\S]*)$/i;

/**
 * The `d` that a text means: the text itself, `<kind>:<pubkey>:<d>` or an naddr (NIP-19), with one of these kinds.
 * `ok` is false when it names another merchant's. What only resembles a coordinate or an naddr is taken as an id: the
 * catalogue then doesn't know it.
 */
export function resolveReference(text: string, merchant: string, kinds: readonly number[]): Reference {
  const address = coordinate(text) ?? naddr(text);
  if (address === null || !kinds.includes(address.kind)) return { ok: true, id: text };
  if (address.pubkey.toLowerCase() !== merchant) return { ok: false };
  return { ok: true, id: address.d };
}

/**
 * The zone that a text means. NIP-15 sends its id; relatives of Gamma send `30406:<something>:<id>`, some of them with
 * an event id in the middle, so only the end counts.
 */
export function resolveZone(text: string): string {
  return /^30406:[^:]*:([\s\S]+)$/.exec(text)?.[1] ?? text;
}

interface Address {
  kind: number;
  pubkey: string;
  d: string;
}

function coordinate(text: string): Address | null {
  const match = COORDINATE.exec(text);
  return match ? { kind: Number(match[1]), pubkey: match[2]!, d: match[3]! } : null;
}

function naddr(text: string): Address | null {
  const bare = text.replace(/^nostr:/i, "");
  if (!bare.startsWith("naddr1")) return null;
  try {
    const decoded = decode(bare);
    if (decoded.type !== "naddr") return null;
    const { kind, pubkey, identifier } = decoded.data;
    return { kind, pubkey, d: identifier };
  } catch {
    // A broken naddr is an id that no product has; the customer is told so by its name.
    return null;
  }
}
