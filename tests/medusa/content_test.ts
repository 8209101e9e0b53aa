import { assertEquals, assertNotEquals } from "@std/assert";
import {
  type Content,
  contentHash,
  correction,
  type Details,
  detailsHash,
  draftBody,
  mergedLines,
  withoutPerson,
} from "../../src/medusa/orders/content.ts";

const content: Content = {
  channel: "sc_1",
  destination: {
    region: "reg_eu",
    country: "de",
    shipping: { option: "so_1", name: "DHL", amount: "4.201680672268907563" },
  },
  lines: [{ variant: "v1", quantity: 2 }],
};
const details: Details = {
  id: "ord_1",
  customer: "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
  customer_order_id: "the customer's own",
  name: "Alice",
  address: " 1 Main Street \n\nBerlin\r\nGermany",
  contact: JSON.stringify({ email: "alice@example.com", phone: "+49 30 1" }),
  message: null,
};

Deno.test("a draft has its lines, what shipping costs to the last digit, and sends nobody mail", () => {
  assertEquals(draftBody(content, details, "ord_1@ncc.invalid"), {
    region_id: "reg_eu",
    sales_channel_id: "sc_1",
    email: "ord_1@ncc.invalid",
    no_notification_order: true,
    items: [{ variant_id: "v1", quantity: 2 }],
    shipping_address: {
      first_name: "Alice",
      address_1: "1 Main Street",
      address_2: "Berlin, Germany",
      country_code: "de",
    },
    shipping_methods: [{ name: "DHL", shipping_option_id: "so_1", amount: "4.201680672268907563" }],
    metadata: {
      ncc_order: "ord_1",
      // NIP-19: what the merchant can look for in any Nostr client.
      nostr_customer: "npub10xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqpkge6d",
      nostr_order_id: "the customer's own",
      contact: "email: alice@example.com, phone: +49 30 1",
      message: "",
      address: details.address,
    },
  });
});

Deno.test("a customer who gave no contact has none in Medusa", () => {
  const { metadata } = draftBody(content, { ...details, contact: "{}" }, "ord_1@ncc.invalid");
  assertEquals((metadata as { contact: string }).contact, "");
});

Deno.test("what goes to nowhere has no shipping method", () => {
  const download = { ...content, destination: { ...content.destination, shipping: null } };
  assertEquals("shipping_methods" in draftBody(download, details, "x@ncc.invalid"), false);
});

Deno.test("lines of one variant are one; a product that Medusa hasn't makes none", () => {
  const variants = new Map([["a", "v2"], ["b", "v1"], ["also b", "v1"]]);
  const items = [
    { product_id: "a", quantity: 1 },
    { product_id: "b", quantity: 2 },
    { product_id: "also b", quantity: 3 },
  ];
  assertEquals(mergedLines(items, variants), [
    { variant: "v1", quantity: 5 },
    { variant: "v2", quantity: 1 },
  ]);
  assertEquals(mergedLines([{ product_id: "c", quantity: 1 }], variants), null);
});

Deno.test("another street makes no other order of it, another zone does", () => {
  const moved = { ...details, address: "2 Main Street" };
  assertNotEquals(detailsHash(details), detailsHash(moved));
  const dearer = structuredClone(content);
  dearer.destination.shipping!.amount = "5";
  assertEquals(contentHash(dearer), contentHash(content));
  dearer.destination.country = "fr";
  assertNotEquals(contentHash(dearer), contentHash(content));
});

Deno.test("everything of the customer that an order may have in Medusa is taken out when it must go", () => {
  const { shipping_address: given, metadata } = correction(details, "de") as Record<string, object>;
  const { shipping_address: left, metadata: taken } = withoutPerson("de") as Record<string, object>;
  assertEquals(left, {
    ...Object.fromEntries(Object.keys(given!).map((k) => [k, ""])),
    country_code: "de",
  });
  // Ours and the customer's names of the order say nothing about a person.
  const names = ["ncc_order", "nostr_order_id"];
  assertEquals(
    Object.keys(taken!).sort(),
    Object.keys(metadata!).filter((key) => !names.includes(key)).sort(),
  );
});
