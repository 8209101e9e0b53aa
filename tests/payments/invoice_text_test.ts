import { assertEquals, assertMatch } from "@std/assert";
import { invoiceText, orderDigitsIn } from "../../src/payments/invoice_text.ts";

const MERCHANT = "a".repeat(64);
const ORDER = "1a2b3c4d-0000-4000-8000-000000000000";

Deno.test("an invoice's text names the order and is known by its merchant only", () => {
  const text = invoiceText(MERCHANT, ORDER);
  assertMatch(text, /^Order 1a2b3c4d-[0-9a-f]{4}$/);
  assertEquals(orderDigitsIn(text, MERCHANT), "1a2b3c4d");
  assertEquals(orderDigitsIn(text, "b".repeat(64)), null);
});

Deno.test("what others print on their invoices isn't taken for ours", () => {
  const text = invoiceText(MERCHANT, ORDER);
  const others = [
    "",
    "Order 12345678",
    "Order 1a2b3c4d",
    `${text} `,
    ` ${text}`,
    text.toUpperCase(),
    `${text}\n`,
  ];
  for (const other of [...others, text.replace("1a2b", "1a2c"), "Order 1a2b3c4d-"]) {
    assertEquals(orderDigitsIn(other, MERCHANT), null, other);
  }
});
