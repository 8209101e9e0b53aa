import type { OrderRequest, RequestedItem, Traits } from "../orders/types.ts";
import { isObject, type JsonObject, own } from "./bounded_json.ts";
import { cleanLine, cleanText, isStorable } from "./clean_text.ts";
import { ExactNumber } from "./exact_number.ts";
import { readAddress, readContact } from "./read_person.ts";
import { resolveReference, resolveZone } from "./product_ref.ts";

/** NIP-15 leaves ids to the customer; a longer one is nobody's. */
const LONGEST_ID = 256;
const LONGEST_NAME = 300;
const LONGEST_ADDRESS = 2000;
const LONGEST_MESSAGE = 8000;
const MOST_LINES = 100;
const MOST_UNITS = 10_000;

/** Products are 30018 in NIP-15 and 30402 in NIP-99; `d` means the same product in both. */
const PRODUCT_KINDS = [30018, 30402];
const STALL_KINDS = [30017];

/** An order, or why it can't be taken. */
export type OrderReading =
  | { ok: true; request: OrderRequest }
  /** `customerOrderId` is null when there is no usable one. */
  | { ok: false; customerOrderId: string | null; reason: string; traits: Traits };

/**
 * Reads a NIP-15 order (type 0) as tolerantly as its meaning allows: other spellings of keys, numbers as text, nulls
 * and unknown keys. What decides what is sold (id, products, quantities) must be clear, or the order is refused with a
 * reason. Never throws.
 */
export function readOrder(json: JsonObject, merchant: string): OrderReading {
  const id = readOrderId(own(json, "id"));
  const traits: Traits = { ...id.traits, stallKey: stallKeyOf(json) };
  const refuse = (reason: string) =>
    ({ ok: false, customerOrderId: id.ok ? id.id : null, reason, traits }) as const;
  if (!id.ok) return refuse(id.reason);

  const items = readItems(own(json, "items"), merchant);
  if (!items.ok) return refuse(items.reason);
  const stall = readStall(first(json, ["stall_id", "stallId"]), merchant);
  if (!stall.ok) return refuse(stall.reason);
  const zone = textOf(first(json, ["shipping_id", "shippingId"]));
  if (zone !== null && !isUsableId(zone)) return refuse("The shipping zone's id can't be read.");
  const address = readAddress(json);
  if (address.length > LONGEST_ADDRESS) {
    return refuse(`The address is longer than ${LONGEST_ADDRESS} characters.`);
  }
  return {
    ok: true,
    request: {
      customerOrderId: id.id,
      items: items.items,
      shippingId: zone === null ? null : resolveZone(zone),
      stallId: stall.id,
      name: cleanLine(textOf(first(json, ["name", "contactName"])) ?? "", LONGEST_NAME),
      address: address === "" ? null : address,
      message: cleanLine(textOf(first(json, ["message", "additionalInfo"])) ?? "", LONGEST_MESSAGE),
      contact: readContact(json),
      traits,
    },
  };
}

/** Whether an object without a `type` is meant as an order: it lists products. */
export function looksLikeOrder(json: JsonObject): boolean {
  const items = own(json, "items");
  return Array.isArray(items) && items.some((item) => isObject(item) && productTextOf(item) !== null);
}

/** The customer's own id of an order, kept verbatim, or why it can't be; with what an answer must know of it. */
export function readOrderId(
  value: unknown,
): { ok: true; id: string; traits: Traits } | { ok: false; reason: string; traits: Traits } {
  const numeric = value instanceof ExactNumber;
  const id = numeric ? value.text : value;
  const refuse = (reason: string) =>
    ({ ok: false, reason, traits: { stallKey: "none", withoutId: true } }) as const;
  if (typeof id !== "string" || id === "") {
    return refuse("The order has no id. Please send it with an id of your own.");
  }
  if (id.length > LONGEST_ID) return refuse(`The order's id is longer than ${LONGEST_ID} characters.`);
  if (!isStorable(id)) return refuse("The order's id has characters that can't be kept.");
  return { ok: true, id, traits: { stallKey: "none", ...(numeric && { numericId: true }) } };
}

function readItems(
  value: unknown,
  merchant: string,
): { ok: true; items: RequestedItem[] } | { ok: false; reason: string } {
  if (!Array.isArray(value) || value.length === 0) return { ok: false, reason: "The order has no items." };
  if (value.length > MOST_LINES) return { ok: false, reason: `The order has more than ${MOST_LINES} lines.` };
  const items: RequestedItem[] = [];
  for (const [index, item] of value.entries()) {
    const line = `Line ${index + 1}`;
    const product = isObject(item) ? productTextOf(item) : null;
    if (product === null || !isObject(item)) return { ok: false, reason: `${line} names no product.` };
    const shown = cleanLine(product, 80) ?? "?";
    if (!isUsableId(product)) return { ok: false, reason: `${line}: we have no product ${shown}.` };
    const reference = resolveReference(product, merchant, PRODUCT_KINDS);
    if (!reference.ok) return { ok: false, reason: `${line}: ${shown} is another merchant's product.` };
    const quantity = readQuantity(own(item, "quantity"));
    if (quantity === null) {
      return {
        ok: false,
        reason: `${line}: the quantity of ${shown} must be a whole number from 1 to ${MOST_UNITS}.`,
      };
    }
    items.push({ productId: reference.id, quantity });
  }
  return { ok: true, items };
}

function readStall(
  value: unknown,
  merchant: string,
): { ok: true; id: string | null } | { ok: false; reason: string } {
  const text = textOf(value);
  if (text === null) return { ok: true, id: null };
  const reference = isUsableId(text) ? resolveReference(text, merchant, STALL_KINDS) : { ok: false } as const;
  if (reference.ok) return reference;
  return { ok: false, reason: `We have no stall ${cleanLine(text, 80) ?? "?"}.` };
}

/** NIP-15: an integer; its plain text will do. Nothing is rounded. */
function readQuantity(value: unknown): number | null {
  const number = typeof value === "string" && /^\s*\d{1,6}\s*$/.test(value) ? Number(value) : value;
  if (typeof number !== "number" || !Number.isSafeInteger(number)) return null;
  return number >= 1 && number <= MOST_UNITS ? number : null;
}

function productTextOf(item: JsonObject): string | null {
  return textOf(first(item, ["product_id", "productId", "product"]));
}

function stallKeyOf(json: JsonObject): Traits["stallKey"] {
  if (textOf(own(json, "stallId")) !== null) return "stallId";
  return textOf(own(json, "stall_id")) !== null ? "stall_id" : "none";
}

/** The first of these keys that has a value. */
function first(json: JsonObject, keys: readonly string[]): unknown {
  for (const key of keys) {
    const value = own(json, key);
    if (value !== undefined && value !== null && value !== "") return value;
  }
  return null;
}

/** A text or a number as text; null for everything else and for the empty text. */
function textOf(value: unknown): string | null {
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  return typeof value === "string" && value !== "" ? value : null;
}

function isUsableId(text: string): boolean {
  // An naddr carries relays and may be longer than an id.
  return text.length <= 4 * LONGEST_ID && isStorable(text) && cleanText(text) === text;
}
