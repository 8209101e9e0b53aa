import { isObject, type JsonObject, own } from "./bounded_json.ts";
import { cleanLine, cleanText } from "./clean_text.ts";

const MOST_CONTACTS = 20;
const LONGEST_KEY = 40;
const LONGEST_VALUE = 500;

/** Keys that other code might take for an object's own. */
const UNSAFE_KEYS = new Set(["__proto__", "constructor", "prototype"]);

/** In the order in which an address is written. */
const ADDRESS_PARTS = ["address", "zip", "city", "region", "country"];

/**
 * Where the order goes, several lines in one text; empty when nothing was sent. NIP-15 sends one text, others an object
 * of lines or the parts beside it.
 */
export function readAddress(json: JsonObject): string {
  const parts = ADDRESS_PARTS.flatMap((key) => linesOf(own(json, key)));
  return cleanText(parts.join("\n")).trim();
}

/** How the customer would like to be reached: for people to read, never an address that answers go to. */
export function readContact(json: JsonObject): Record<string, string> {
  const sent = own(json, "contact");
  const entries: [string, unknown][] = isObject(sent) ? Object.entries(sent) : [];
  entries.push(["phone", own(json, "contactPhone")], ["email", own(json, "contactEmail")]);
  const contact = new Map<string, string>();
  for (const [key, value] of entries) {
    if (contact.size >= MOST_CONTACTS) break;
    const name = cleanLine(key, LONGEST_KEY);
    const [line] = typeof value === "object" ? [] : linesOf(value);
    const text = line === undefined ? null : cleanLine(line, LONGEST_VALUE);
    if (name !== null && text !== null && !UNSAFE_KEYS.has(name) && !contact.has(name)) {
      contact.set(name, text);
    }
  }
  return Object.fromEntries(contact);
}

function linesOf(value: unknown): string[] {
  if (typeof value === "string") return value.trim() === "" ? [] : [value];
  if (typeof value === "number" && Number.isFinite(value)) return [String(value)];
  if (isObject(value)) return Object.values(value).flatMap((part) => isObject(part) ? [] : linesOf(part));
  return [];
}
