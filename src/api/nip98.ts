import { NSchema as n } from "@nostrify/nostrify";
import type { NostrEvent } from "@nostrify/types";
import { base64 } from "@scure/base";
import { unauthenticated } from "./problem.ts";

/** NIP-98: HTTP auth. */
const HTTP_AUTH_KIND = 27235;
/** How far an event's date may be from ours, both ways. */
const MAX_AGE_SECONDS = 60;
/** An event with nothing but the tags it needs has some 500 characters. */
const LONGEST = 8_000;
const eventSchema = n.event();

/** The event that follows `Nostr` in the header. Throws a `Problem` when it is none. */
export function readNip98(value: string): NostrEvent {
  try {
    if (value.length > LONGEST) throw new RangeError("too long");
    return eventSchema.parse(JSON.parse(new TextDecoder().decode(base64.decode(value))));
  } catch {
    throw unauthenticated("NIP-98: what follows `Nostr` must be an event's JSON in base64.");
  }
}

/** Why the event doesn't speak for this request; null when it does, as far as that can be said without its signature and the body. */
export function checkNip98(
  event: NostrEvent,
  request: { url: string; baseUrl: string; method: string; now: number },
): string | null {
  const now = Math.floor(request.now / 1000);
  if (event.kind !== HTTP_AUTH_KIND) return `NIP-98: the event must be of kind ${HTTP_AUTH_KIND}.`;
  if (Math.abs(event.created_at - now) > MAX_AGE_SECONDS) {
    return `NIP-98: the event is dated ${event.created_at}, the server's time is ${now}; ` +
      `${MAX_AGE_SECONDS} s apart at most.`;
  }
  const { pathname, search } = new URL(request.url);
  const here = `${request.baseUrl}${pathname}${search}`;
  if (!sameUrl(onlyTag(event, "u"), here)) return `NIP-98: the \`u\` tag must be ${here}`;
  if (onlyTag(event, "method")?.toUpperCase() !== request.method) {
    return `NIP-98: the \`method\` tag must be ${request.method}`;
  }
  return null;
}

/** The value of a tag that stands exactly once. */
export function onlyTag(event: NostrEvent, name: string): string | undefined {
  const tags = event.tags.filter((tag) => tag[0] === name);
  return tags.length === 1 ? tags[0]![1] : undefined;
}

/** Ways of writing one URL (`%7E`, `HTTP://Host`, a default port) don't matter; everything else does. */
function sameUrl(signed: string | undefined, here: string): boolean {
  return signed !== undefined && URL.canParse(signed) && new URL(signed).href === new URL(here).href;
}
