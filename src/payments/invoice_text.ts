import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

const ORDER_DIGITS = 8;
const MARK_DIGITS = 4;
const FORM = /^Order ([0-9a-f]{8})-([0-9a-f]{4})$/;

/**
 * What an invoice is printed with, `Order 1a2b3c4d-9f3e`: the order's id and a mark of the merchant, by which a wallet's
 * list is read when the books know nothing of a payment (a lost answer, a restored backup). It says nothing of the customer.
 */
export function invoiceText(merchant: string, orderId: string): string {
  const digits = orderId.slice(0, ORDER_DIGITS);
  return `Order ${digits}-${mark(merchant, digits)}`;
}

/** The first digits of the order's id when this text is one of the merchant's own; null for what others wrote. */
export function orderDigitsIn(text: string, merchant: string): string | null {
  const [, digits, marked] = FORM.exec(text) ?? [];
  return digits !== undefined && marked === mark(merchant, digits) ? digits : null;
}

function mark(merchant: string, digits: string): string {
  return bytesToHex(sha256(utf8ToBytes(`${merchant}:${digits}`))).slice(0, MARK_DIGITS);
}
