import { MAX_AHEAD_SECONDS } from "../policies/clock_policy.ts";
import { MAX_SUBSCRIPTION_ID, type RelayLimits } from "./limits.ts";

/** What the operator says about the relay. */
export interface RelayInfo {
  name?: string;
  description?: string;
  /** The operator's or the merchant's key, hex. */
  pubkey?: string;
  contact?: string;
  icon?: string;
  software?: string;
  version?: string;
  /** Bits of proof of work that events need (NIP-13). */
  minPow?: number;
}

/** A browser's client reads it from another origin (NIP-11). */
const headers = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*",
  "access-control-allow-methods": "GET, HEAD, OPTIONS",
  "vary": "accept",
};

/** The relay information document (NIP-11), with the limits that are enforced. */
export function informationDocument(info: RelayInfo, limits: RelayLimits, open: boolean): Response {
  const { minPow = 0, ...said } = info;
  const document = {
    ...said,
    supported_nips: [1, 9, 11, ...(minPow > 0 ? [13] : []), 40, 42, 45, 70],
    limitation: {
      max_message_length: limits.messageBytes,
      max_subscriptions: limits.subscriptions,
      max_filters: limits.filters,
      max_limit: limits.results,
      default_limit: limits.results,
      max_subid_length: MAX_SUBSCRIPTION_ID,
      max_event_tags: limits.tags,
      min_pow_difficulty: minPow,
      auth_required: false,
      payment_required: false,
      restricted_writes: !open,
      ...(open ? {} : { created_at_upper_limit: MAX_AHEAD_SECONDS }),
    },
  };
  return new Response(JSON.stringify(document), {
    headers: { ...headers, "content-type": "application/nostr+json" },
  });
}

/** The answer to a request that is no WebSocket. */
export function plainAnswer(request: Request, document: () => Response): Response {
  if (request.method === "OPTIONS") return new Response(null, { status: 204, headers });
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("This is a Nostr relay: it takes WebSockets.\n", {
      status: 405,
      headers: { allow: "GET, HEAD, OPTIONS" },
    });
  }
  if (request.headers.get("accept")?.includes("application/nostr+json")) return document();
  return new Response("This is a Nostr relay: open it with a Nostr client.\n", {
    headers: { ...headers, "content-type": "text/plain; charset=utf-8" },
  });
}
