import type { NostrEvent, NostrFilter } from "@nostrify/types";

/** Kinds that only their recipient and their author read, after AUTH: seals and wraps, and chat and orders without an envelope. */
const PRIVATE_KINDS: ReadonlySet<number> = new Set([13, 14, 15, 16, 17, 1059, 21_059]);
/** Today's shop clients read it without AUTH, so what hides customers is that they must be named. */
const DIRECT_MESSAGE = 4;
/** Longer lists name nobody: they try keys out. */
const MAX_NAMED = 10;

/** Who asks: the keys that authenticated on the connection (NIP-42), and the merchants that are served here. */
export interface Reader {
  keys: ReadonlySet<string>;
  merchants: ReadonlySet<string>;
}

/** The filter to ask, or the reason for CLOSED with its prefix (NIP-01, NIP-42). */
export type Judged = { ok: true; filter: NostrFilter } | { ok: false; reason: string };

/**
 * Whether a filter may be asked at all. What it then finds still passes `mayRead` event by event: a filter can name
 * somebody and match others too. The answer's filter may be narrower than the question.
 */
export function judgeFilter(filter: NostrFilter, reader: Reader): Judged {
  const kinds = filter.kinds ?? [];
  if (kinds.some((kind) => PRIVATE_KINDS.has(kind))) {
    if (reader.keys.size === 0) {
      return { ok: false, reason: "auth-required: messages are shown to their recipient only" };
    }
    if (kinds.every((kind) => PRIVATE_KINDS.has(kind)) && !filter["#p"] && !filter.authors) {
      return { ok: true, filter: { ...filter, "#p": [...reader.keys] } };
    }
    if ((filter["#p"] || filter.authors) && !asksForOwn(filter, reader)) {
      return { ok: false, reason: "restricted: messages are shown to their recipient only" };
    }
  }
  if (kinds.includes(DIRECT_MESSAGE) && !namesCustomer(filter, reader) && !asksForOwn(filter, reader)) {
    if (reader.keys.size === 0) {
      return { ok: false, reason: "auth-required: name the customer in #p or authors, or authenticate" };
    }
    if (filter["#p"] || filter.authors) {
      return {
        ok: false,
        reason: "restricted: name the customer, or an authenticated key, in #p or authors",
      };
    }
  }
  return { ok: true, filter };
}

/** Whether `reader` may see an event that `filter` matched. */
export function mayRead(event: NostrEvent, filter: NostrFilter, reader: Reader): boolean {
  if (!isGuarded(event.kind)) return true;
  const recipients = event.tags.filter((tag) => tag[0] === "p").map((tag) => tag[1] ?? "");
  if (reader.keys.has(event.pubkey) || recipients.some((key) => reader.keys.has(key))) return true;
  if (event.kind !== DIRECT_MESSAGE) return false;
  return named(filter.authors, reader).includes(event.pubkey) ||
    named(filter["#p"], reader).some((key) => recipients.includes(key));
}

/** A direct message's filters of one question may name so many customers together: whoever asks for more tries keys out. */
export function namesTooMany(filters: readonly NostrFilter[], reader: Reader): boolean {
  const guarded = filters.filter((filter) =>
    filter.kinds === undefined || filter.kinds.includes(DIRECT_MESSAGE)
  );
  const keys = guarded.flatMap((
    filter,
  ) => [...named(filter.authors, reader), ...named(filter["#p"], reader)]);
  return new Set(keys.filter((key) => !reader.keys.has(key))).size > MAX_NAMED;
}

/**
 * The filter in parts that match nothing but what `reader` may see. What is left out of an answer afterwards would still
 * show in it, by the place that it took under `limit`: whoever asks for the newest event before a time could tell when each
 * customer wrote. `publicKinds` stand for all when the filter names no kinds.
 */
export function visibleParts(
  filter: NostrFilter,
  reader: Reader,
  publicKinds: readonly number[],
): NostrFilter[] {
  const parts: NostrFilter[] = [];
  const open = filter.kinds?.filter((kind) => !isGuarded(kind)) ?? publicKinds;
  if (open.length > 0) parts.push({ ...filter, kinds: [...open] });
  const guarded = filter.kinds?.filter(isGuarded) ?? [DIRECT_MESSAGE, ...PRIVATE_KINDS];
  if (guarded.length === 0) return parts;
  const add = (kinds: number[], condition: "authors" | "#p", keys: string[]) => {
    if (keys.length > 0) parts.push({ ...filter, kinds, [condition]: keys });
  };
  const own = (keys: string[] | undefined) => keys?.filter((key) => reader.keys.has(key)) ?? [...reader.keys];
  add(guarded, "authors", own(filter.authors));
  add(guarded, "#p", own(filter["#p"]));
  if (guarded.includes(DIRECT_MESSAGE)) {
    add([DIRECT_MESSAGE], "authors", named(filter.authors, reader));
    add([DIRECT_MESSAGE], "#p", named(filter["#p"], reader));
  }
  return parts;
}

/** Whether `filter` can match an event that not everybody may see. */
export function mayMatchGuarded(filter: NostrFilter): boolean {
  return filter.kinds === undefined || filter.kinds.some(isGuarded);
}

function isGuarded(kind: number): boolean {
  return kind === DIRECT_MESSAGE || PRIVATE_KINDS.has(kind);
}

function namesCustomer(filter: NostrFilter, reader: Reader): boolean {
  return named(filter.authors, reader).length > 0 || named(filter["#p"], reader).length > 0;
}

/** The keys of a short list that are no merchant's: whoever names them knew them before. */
function named(keys: string[] | undefined, reader: Reader): string[] {
  if (!keys || keys.length > MAX_NAMED) return [];
  return keys.filter((key) => !reader.merchants.has(key));
}

function asksForOwn(filter: NostrFilter, reader: Reader): boolean {
  return [...(filter["#p"] ?? []), ...(filter.authors ?? [])].some((key) => reader.keys.has(key));
}
