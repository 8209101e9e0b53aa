import { z } from "zod";
import { plainDecimal } from "./amounts.ts";

/** Line breaks and tabs belong to a text; other control characters, and halves of characters, to nobody's. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** Text of several lines, at most `max` characters. */
export function longText(max: number) {
  return z.string().max(max).refine((text) => text.isWellFormed() && !CONTROL.test(text), {
    error: "contains control characters or broken ones",
  });
}

/** A name: one line, not empty, at most `max` characters. */
export function line(max: number) {
  return longText(max).refine((text) => text.trim() !== "", { error: "must not be empty" })
    .refine((text) => !/[\n\r\t]/.test(text), { error: "must be a single line" });
}

/** An id of stall, product or zone: 1 to 128 printable characters. NIP-15 discourages sequential ones; absent ids become UUIDs. */
export const id = z.string().min(1).max(128).refine(
  (text) => /^(?!\s)[^\p{C}\p{Zl}\p{Zp}]+(?<!\s)$/u.test(text),
  {
    error: "must be printable characters, without spaces at the ends",
  },
);

/** A merchant's public key. */
export const pubkey = z.string().regex(/^[0-9a-f]{64}$/, { error: "must be a public key of 64 hex digits" });

/** An amount of money, as a JSON number or, safer, a decimal string. How many decimals fit is the currency's matter. */
export const amount = z.union([z.number(), z.string()]).refine((value) => plainDecimal(value) !== null, {
  error: 'must be a decimal of at least 0 with at most 15 digits, like 12.5 or "12.50"',
});

/** A currency as written; which are known is checked with the amounts. */
export const currency = z.string().min(1).max(10);

/** A picture's address. It is only published, never fetched. */
export const imageUrl = z.string().max(2048).refine(isWebUrl, {
  error: "must be an http:// or https:// URL",
});

function isWebUrl(text: string): boolean {
  if (!/^https?:\/\/[^\s<>"\\^`{|}]+$/i.test(text)) return false;
  return URL.canParse(text);
}
