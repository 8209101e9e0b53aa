import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { relayUrl } from "../../nostr/relay_url.ts";
import { REDACTED } from "../../redaction.ts";

/** A wallet connection (NIP-47). Whoever has `secret` has what the connection may do. */
export interface NwcUri {
  /** The wallet service's key, 64 hex digits. */
  walletPubkey: string;
  relays: string[];
  secret: Uint8Array;
}

export type ReadNwcUri = { ok: true; uri: NwcUri } | { ok: false; reason: string };

const MOST_RELAYS = 5;
const EXAMPLE =
  "Expected nostr+walletconnect://<wallet key>?relay=wss://…&secret=<64 hex digits>, as the wallet shows it.";

/** Reads a connection as wallets hand it out, with one relay or several. The reason of a refusal never repeats the secret. */
export function parseNwcUri(text: string): ReadNwcUri {
  const match = /^nostr\+?walletconnect:(?:\/\/)?([^/?#]*)\/?\?(.*)$/i.exec(text.trim());
  if (!match) return refuse("it isn't a wallet connection.");
  const walletPubkey = match[1]!.toLowerCase();
  const parameters = new URLSearchParams(match[2]!);
  if (!/^[0-9a-f]{64}$/.test(walletPubkey)) return refuse("the wallet's key must be 64 hex digits.");
  const secret = parameters.get("secret")?.toLowerCase() ?? "";
  if (!/^[0-9a-f]{64}$/.test(secret) || /^0+$/.test(secret)) {
    return refuse("its secret must be 64 hex digits.");
  }
  const relays = new Set<string>();
  for (const given of parameters.getAll("relay")) {
    const url = relayUrl(given);
    if (url === null) return refuse("its relay must be a ws:// or wss:// address.");
    relays.add(url);
  }
  if (relays.size === 0) return refuse("it names no relay.");
  return {
    ok: true,
    uri: { walletPubkey, relays: [...relays].slice(0, MOST_RELAYS), secret: hexToBytes(secret) },
  };
}

/** The connection without its secret, for people and logs. */
export function describeNwcUri(uri: NwcUri): string {
  return `Nostr wallet ${uri.walletPubkey.slice(0, 8)}… at ${
    uri.relays.map((url) => new URL(url).host).join(", ")
  }`;
}

/** What the wallet said, without the connection's secret: some repeat it in their errors, where it looks like any hash. */
export function withoutSecretOf({ secret }: NwcUri, text: string): string {
  return text.replace(new RegExp(bytesToHex(secret), "gi"), REDACTED);
}

function refuse(what: string): ReadNwcUri {
  return { ok: false, reason: `${what} ${EXAMPLE}` };
}
