import { createHash } from "node:crypto";
import type { NostrEvent } from "@nostrify/types";

/** An event before it is signed. */
export type EventTemplate = Omit<NostrEvent, "id" | "pubkey" | "sig">;

/** An event that nobody signed, as it stands inside a seal (NIP-59 calls it a rumor). */
export type UnsignedEvent = Omit<NostrEvent, "id" | "sig">;

/**
 * The text that is hashed (NIP-01). `JSON.stringify` is the rule in practice: it writes lone surrogates as escapes,
 * and that is what other libraries hash too.
 */
export function serialise(event: UnsignedEvent): string {
  return JSON.stringify([0, event.pubkey, event.created_at, event.kind, event.tags, event.content]);
}

/** The event's id, recomputed (NIP-01): sha-256 of the serialisation, as lower-case hex. */
export function eventId(event: UnsignedEvent): string {
  return createHash("sha256").update(serialise(event)).digest("hex");
}

/** Whether text is 64 lower-case hex digits: an event id or a public key (NIP-01). */
export function isHex64(text: unknown): text is string {
  return typeof text === "string" && /^[0-9a-f]{64}$/.test(text);
}

/** Whether every field that is hashed has the type and range that NIP-01 asks for. */
export function isUnsignedEvent(value: unknown): value is UnsignedEvent {
  return isRecord(value) && isHex64(value.pubkey) && isTemplate(value);
}

/** The same without the author. */
export function isTemplate(value: unknown): value is EventTemplate {
  return isRecord(value) && isWhole(value.created_at, Number.MAX_SAFE_INTEGER) &&
    isWhole(value.kind, 65_535) &&
    typeof value.content === "string" && isTags(value.tags);
}

/** Whether a value is a complete event by its form. It says nothing about the signature. */
export function isSignedEvent(value: unknown): value is NostrEvent {
  return isRecord(value) && isHex64(value.id) && isSignature(value.sig) && isUnsignedEvent(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isSignature(value: unknown): boolean {
  return typeof value === "string" && /^[0-9a-f]{128}$/.test(value);
}

function isTags(value: unknown): value is string[][] {
  return Array.isArray(value) &&
    value.every((tag) => Array.isArray(tag) && tag.every((part) => typeof part === "string"));
}

function isWhole(value: unknown, most: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most;
}
