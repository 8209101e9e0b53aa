import { NKinds } from "@nostrify/nostrify";
import type { NostrEvent } from "@nostrify/types";

/** What a store indexes of an event is its caller's choice. */
export interface Indexing {
  /** The tags that `#x` filters find. */
  indexTags(event: NostrEvent): string[][];
  /** The text that NIP-50 searches look through; undefined: none. */
  indexSearch(event: NostrEvent): string | undefined;
  /** NIP-50 extensions: `{ language: "pt" }` is found by `language:pt`. */
  indexExtensions(event: NostrEvent): Record<string, string> | Promise<Record<string, string>>;
}

/** An event with what is stored beside it. */
export interface EventRow {
  readonly event: NostrEvent;
  /** Where newer versions replace older ones, null for all other events. */
  readonly address: Address | null;
  /** NIP-40, seconds; null: never. */
  readonly expiresAt: number | null;
  /** Distinct [name, value] pairs. */
  readonly tags: [string, string][];
  readonly search: string | null;
  readonly extensions: Record<string, string>;
}

/** The coordinates that replaceable and addressable events have (NIP-01). */
export interface Address {
  readonly kind: number;
  /** '' for replaceable kinds, and when an addressable event lacks the tag. */
  readonly d: string;
  /** As in an `a` tag: `kind:pubkey:d`. */
  readonly text: string;
}

/** A row as the database gives it: `tags` is JSON text (SQLite) or parsed (PostgreSQL). */
export interface StoredEvent {
  id: string;
  kind: number;
  pubkey: string;
  content: string;
  created_at: number | string;
  tags: string | string[][];
  sig: string;
}

/** PostgreSQL's index entries end at 2704 bytes, with kind and author in them. */
const MAX_D_BYTES = 2048;
const MAX_KIND = 2 ** 31 - 1;

/** Derives what is stored with the event. */
export async function eventRow(event: NostrEvent, indexing: Indexing): Promise<EventRow> {
  return {
    event,
    address: addressOf(event),
    expiresAt: expirationOf(event),
    tags: distinct(indexing.indexTags(event)),
    search: indexing.indexSearch(event) || null,
    extensions: await indexing.indexExtensions(event),
  };
}

/** The event's address; null if its kind has none. */
export function addressOf(event: NostrEvent): Address | null {
  const { kind, pubkey } = event;
  if (NKinds.replaceable(kind)) return { kind, d: "", text: `${kind}:${pubkey}:` };
  if (!NKinds.addressable(kind)) return null;
  const d = event.tags.find(([name]) => name === "d")?.[1] ?? "";
  return { kind, d, text: `${kind}:${pubkey}:${d}` };
}

/** NIP-40: the second from which the event counts as expired; null without a usable tag. */
export function expirationOf(event: NostrEvent): number | null {
  const value = event.tags.find(([name]) => name === "expiration")?.[1];
  return value !== undefined && /^[0-9]{1,15}$/.test(value) ? Number(value) : null;
}

/**
 * Why the tables can't hold this event; undefined if they can. Both databases refuse the same, also what only one of
 * them couldn't store unchanged. Whether the event is valid is for the caller to know: ids and signatures aren't checked.
 */
export function whyUnstorable(event: NostrEvent): string | undefined {
  const { id, pubkey, sig, kind, created_at } = event;
  if (!Number.isInteger(kind) || kind < 0 || kind > MAX_KIND) {
    return "the kind is not a number from 0 to 2^31";
  }
  if (!Number.isSafeInteger(created_at) || created_at < 0) {
    return "created_at is not a whole number of seconds";
  }
  if (id.length > 64 || pubkey.length > 64 || sig.length > 128) {
    return "the id, the pubkey or the signature is too long";
  }
  if (
    ![id, pubkey, sig, event.content].every(isStorable) || !event.tags.every((tag) => tag.every(isStorable))
  ) {
    return "the event contains a NUL character or half a surrogate pair";
  }
  const d = addressOf(event)?.d ?? "";
  if (new TextEncoder().encode(d).length > MAX_D_BYTES) {
    return `the d tag is longer than ${MAX_D_BYTES} bytes`;
  }
  return undefined;
}

/** PostgreSQL takes no NUL in a text, and UTF-8 no lone surrogate: the text read back would be another. */
export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

/** The event in a row: exactly NIP-01's seven fields. */
export function parseRow(row: StoredEvent): NostrEvent {
  return {
    // PostgreSQL pads `char(n)` with spaces.
    id: row.id.trimEnd(),
    kind: row.kind,
    pubkey: row.pubkey.trimEnd(),
    content: row.content,
    created_at: Number(row.created_at),
    tags: typeof row.tags === "string" ? JSON.parse(row.tags) : row.tags,
    sig: row.sig.trimEnd(),
  };
}

/** The order of every answer: newest first; of the same second, the lower id first (NIP-01). */
export function newestEventFirst(a: NostrEvent, b: NostrEvent): number {
  return b.created_at - a.created_at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function distinct(tags: string[][]): [string, string][] {
  const byText = new Map<string, [string, string]>();
  for (const [name, value] of tags) {
    if (name !== undefined && value !== undefined) byText.set(`${name}\0${value}`, [name, value]);
  }
  return [...byText.values()];
}
