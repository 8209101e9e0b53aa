import { createHash, timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "@hono/hono";
import { NSchema as n } from "@nostrify/nostrify";
import type { NostrEvent } from "@nostrify/types";
import { base64 } from "@scure/base";
import type { ApiEnv, ApiParts } from "./context.ts";
import { useOnce } from "./replays_store.ts";
import { Problem } from "./problem.ts";

/** NIP-98: HTTP auth. */
const HTTP_AUTH_KIND = 27235;
const MAX_AGE_SECONDS = 60;
const eventSchema = n.event();

/** Lets a request through that shows the admin token, or an owner's NIP-98 event; sets who acts. */
export function authenticate(parts: ApiParts): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const [scheme, value] = (c.req.header("authorization") ?? "").split(/ +/, 2);
    if (scheme?.toLowerCase() === "bearer" && value) c.set("actor", bearer(parts, value));
    else if (scheme?.toLowerCase() === "nostr" && value) c.set("actor", await nostr(c, parts, value));
    else throw unauthenticated("Send `Authorization: Bearer <token>`, or a NIP-98 event of an owner.");
    await next();
  };
}

/** Whether a request without an obligation to authenticate shows the token all the same: it then sees details. */
export function showsToken(parts: ApiParts, header: string | undefined): boolean {
  const [scheme, value] = (header ?? "").split(/ +/, 2);
  return scheme?.toLowerCase() === "bearer" && value !== undefined && sameSecret(value, parts.adminToken);
}

function bearer(parts: ApiParts, token: string): string {
  if (!sameSecret(token, parts.adminToken)) throw unauthenticated("This token isn't valid here.");
  return "admin";
}

/** Equal lengths (hashes) for a comparison whose time tells nothing. */
function sameSecret(a: string, b: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}

async function nostr(c: Context<ApiEnv>, parts: ApiParts, value: string): Promise<string> {
  const event = parseEvent(value);
  const now = Math.floor(parts.clock.now() / 1000);
  if (event.kind !== HTTP_AUTH_KIND) {
    throw unauthenticated(`NIP-98: the event must be of kind ${HTTP_AUTH_KIND}.`);
  }
  if (Math.abs(event.created_at - now) > MAX_AGE_SECONDS) {
    throw unauthenticated(
      `NIP-98: the event is dated ${event.created_at}, the server's time is ${now}; ${MAX_AGE_SECONDS} s apart at most.`,
    );
  }
  const url = new URL(c.req.url);
  const here = `${parts.baseUrl()}${url.pathname}${url.search}`;
  if (only(event, "u") !== here) throw unauthenticated(`NIP-98: the \`u\` tag must be ${here}`);
  if (only(event, "method")?.toUpperCase() !== c.req.method) {
    throw unauthenticated(`NIP-98: the \`method\` tag must be ${c.req.method}`);
  }
  const body = new Uint8Array(await c.req.arrayBuffer());
  if (body.length > 0 && only(event, "payload") !== createHash("sha256").update(body).digest("hex")) {
    throw unauthenticated("NIP-98: the `payload` tag must be the sha-256 of the body.");
  }
  if (!parts.verifier.verify(event)) throw unauthenticated("NIP-98: the signature doesn't hold.");
  if (!parts.owners.has(event.pubkey)) {
    throw new Problem(403, "not_an_owner", "This key isn't one of NCC_OWNERS.");
  }
  const expires = parts.clock.now() + 2 * MAX_AGE_SECONDS * 1000;
  if (!await parts.database.transaction((tx) => useOnce(tx, "nip98", event.id, expires))) {
    throw unauthenticated("NIP-98: this event was used before. Sign a new one for each request.");
  }
  return event.pubkey;
}

function parseEvent(value: string): NostrEvent {
  try {
    return eventSchema.parse(JSON.parse(new TextDecoder().decode(base64.decode(value))));
  } catch {
    throw unauthenticated("NIP-98: what follows `Nostr` must be an event's JSON in base64.");
  }
}

/** The value of a tag that stands exactly once. */
function only(event: NostrEvent, name: string): string | undefined {
  const tags = event.tags.filter((tag) => tag[0] === name);
  return tags.length === 1 ? tags[0]![1] : undefined;
}

function unauthenticated(detail: string): Problem {
  return new Problem(401, "not_authenticated", detail, [], { "www-authenticate": "Bearer" });
}
