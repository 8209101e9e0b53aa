import { isHex64 } from "../event_id.ts";
import { relayUrl } from "../relay_url.ts";

/** Where a remote signer is (NIP-46). */
export interface BunkerUrl {
  /** The signer's own key, which need not be the merchant's. */
  pubkey: string;
  relays: string[];
  /** Lets the first client that shows it in; good once. */
  secret: string | null;
}

export type BunkerUrlResult = { ok: true; bunker: BunkerUrl } | { ok: false; reason: string };

const MOST_RELAYS = 10;

/** Whether a text means to be a remote signer's address. */
export function isBunkerUrl(text: string): boolean {
  return /^\s*bunker:/i.test(text);
}

/**
 * Reads `bunker://<signer's key>?relay=wss://…&relay=…&secret=…` (NIP-46). The reason of a refusal quotes nothing, because
 * the address holds a secret.
 */
export function parseBunkerUrl(text: string): BunkerUrlResult {
  const url = URL.parse(text.trim());
  if (url?.protocol !== "bunker:") return refuse("This is no address of a remote signer (bunker://…).");
  const pubkey = url.hostname.toLowerCase();
  if (!isHex64(pubkey)) {
    return refuse(
      "The bunker:// address must name the signer's key with 64 hex digits right after the slashes.",
    );
  }
  const relays: string[] = [];
  for (const given of url.searchParams.getAll("relay")) {
    const relay = relayUrl(given);
    if (relay === null) {
      return refuse("A relay in the bunker:// address is no relay URL (wss://…). Copy the address again.");
    }
    if (!relays.includes(relay)) relays.push(relay);
  }
  if (relays.length === 0) return refuse("The bunker:// address names no relay. Copy it again, to its end.");
  if (relays.length > MOST_RELAYS) {
    return refuse(`The bunker:// address names ${relays.length} relays, ${MOST_RELAYS} at most.`);
  }
  return { ok: true, bunker: { pubkey, relays, secret: url.searchParams.get("secret") || null } };
}

/** The address again, in one spelling. It holds the secret. */
export function bunkerUrlText({ pubkey, relays, secret }: BunkerUrl): string {
  const query = new URLSearchParams(relays.map((relay) => ["relay", relay]));
  if (secret !== null) query.append("secret", secret);
  return `bunker://${pubkey}?${query}`;
}

function refuse(reason: string): BunkerUrlResult {
  return { ok: false, reason };
}
