import { parseBounded } from "../../bounded_json.ts";
import { MAX_PAYLOAD_CHARS } from "../payload.ts";

/** NIP-46: requests and answers alike. Ephemeral: relays keep none for who isn't there. */
export const BUNKER_KIND = 24133;

/** What the merchant's key is asked for. */
export type BunkerMethod =
  | "connect"
  | "get_public_key"
  | "sign_event"
  | "nip04_encrypt"
  | "nip04_decrypt"
  | "nip44_encrypt"
  | "nip44_decrypt";

/** The signer's answer to one request. */
export type BunkerAnswer =
  | { id: string; type: "result"; result: string }
  | { id: string; type: "error"; error: string }
  /** The answer proper follows, under the same id, when the key's owner has opened this page. */
  | { id: string; type: "auth_url"; url: string };

const LONGEST_URL = 1_000;

/**
 * Reads an answer; null for what is none. Signers differ: some leave `error` out, some send the empty string or null for what
 * isn't there, some send the signed event as an object instead of its JSON.
 */
export function readAnswer(text: string): BunkerAnswer | null {
  const parsed = parseBounded(text, { chars: MAX_PAYLOAD_CHARS, depth: 16 });
  if (!parsed.ok || typeof parsed.value !== "object" || parsed.value === null) return null;
  const { id, result, error } = parsed.value as Record<string, unknown>;
  if (typeof id !== "string") return null;
  if (result === "auth_url") {
    const url = typeof error === "string" ? authUrl(error) : null;
    return url === null ? null : { id, type: "auth_url", url };
  }
  if (typeof error === "string" && error !== "") return { id, type: "error", error };
  if (typeof result === "string") return { id, type: "result", result };
  if (typeof result === "object" && result !== null) {
    return { id, type: "result", result: JSON.stringify(result) };
  }
  return error ? { id, type: "error", error: "an error without a text" } : null;
}

/** What a person may open: shown, never fetched. */
function authUrl(text: string): string | null {
  const url = URL.parse(text.trim());
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) return null;
  return url.href.length <= LONGEST_URL ? url.href : null;
}
