import { depthExceeds } from "../bounded_json.ts";
import { withExact } from "./exact_number.ts";

/** A message longer than this is not read. */
export const MAX_JSON_BYTES = 64 * 1024;
/** Deeper nesting than this is not read. */
export const MAX_JSON_DEPTH = 20;

const FENCE = "```";

/** A JSON object of a stranger: only its own properties mean anything. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The JSON object of a message, or why there is none. */
export type JsonReading =
  | { ok: true; value: JsonObject }
  /** `none`: no JSON object in it. `other`: JSON, but not an object. The rest: it looks like JSON and isn't read. */
  | { ok: false; reason: "none" | "other" | "too_large" | "too_deep" };

/**
 * Finds the one JSON object that a message consists of. Clients wrap it now and then, so a byte order mark, a code
 * fence, HTML's escapes for quotes, text before the object and JSON within a JSON string are each undone once.
 * Its own `id`, if that is a number, is an `ExactNumber`: ids are echoed digit by digit. Never throws.
 */
export function readJsonObject(content: string): JsonReading {
  if (isTooLarge(content)) return { ok: false, reason: content.includes("{") ? "too_large" : "none" };
  // A byte order mark is white space to trim().
  const text = withoutFence(content.trim());
  let failure: JsonReading = { ok: false, reason: "none" };
  for (
    const candidate of [text, unescaped(text), fromFirstBrace(text), fromFirstBrace(unescaped(text) ?? "")]
  ) {
    if (candidate === null) continue;
    const reading = parseBounded(candidate);
    if (reading.ok) return reading;
    if (failure.ok === false && failure.reason === "none") failure = reading;
  }
  return failure;
}

/** An object's own property; what a prototype has is never read. */
export function own(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Whether it is a JSON object: no array, no null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseBounded(text: string): JsonReading {
  const once = parse(text);
  if (once === undefined) {
    return { ok: false, reason: depthExceeds(text, MAX_JSON_DEPTH) ? "too_deep" : "none" };
  }
  const within = typeof once === "string" ? once.trim() : null;
  const value = within === null ? once : parse(within);
  if (isObject(value)) return { ok: true, value: withExact(value, "id", within ?? text) };
  return { ok: false, reason: Array.isArray(value) ? "other" : "none" };
}

/** Undefined when it is no JSON or nested too deep. JSON has no undefined of its own. */
function parse(text: string): unknown {
  // Most messages are chat: only what begins like an object, an array or a string is worth an exception.
  if (!/^[{["]/.test(text) || depthExceeds(text, MAX_JSON_DEPTH)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON, which is an answer and no fault.
    return undefined;
  }
}

function isTooLarge(text: string): boolean {
  if (text.length > MAX_JSON_BYTES) return true;
  // A UTF-16 unit is at most three bytes of UTF-8.
  return text.length * 3 > MAX_JSON_BYTES && new TextEncoder().encode(text).length > MAX_JSON_BYTES;
}

/** By hand: a pattern that tries every beginning of a long white space takes minutes over a few kilobytes. */
function withoutFence(text: string): string {
  if (!text.startsWith(FENCE) || !text.endsWith(FENCE)) return text;
  const line = text.indexOf("\n");
  if (line < 0 || !/^[a-z]*$/i.test(text.slice(FENCE.length, line).trimEnd())) return text;
  return text.slice(line + 1, -FENCE.length).trim();
}

/** Null when nothing is escaped. */
function unescaped(text: string): string | null {
  if (!/&(quot|#34|#x22);/i.test(text)) return null;
  return text.replace(/&(quot|#34|#x22);/gi, '"').replace(/&(#39|#x27|apos);/gi, "'")
    .replace(/&lt;/gi, "<").replace(/&gt;/gi, ">").replace(/&amp;/gi, "&");
}

/** Null when the text begins with the brace, or has none. */
function fromFirstBrace(text: string): string | null {
  const at = text.indexOf("{");
  if (at <= 0) return null;
  const rest = text.slice(at);
  return rest.endsWith(FENCE) ? rest.slice(0, -FENCE.length).trimEnd() : rest;
}
