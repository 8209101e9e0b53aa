import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { plainDecimal } from "../../src/catalog/amounts.ts";
import { deletionEvent } from "../../src/catalog/deletion_event.ts";
import { draftHash, exactNumber } from "../../src/catalog/event_draft.ts";
import { productEvent } from "../../src/catalog/product_event.ts";
import type { ProductRow, StallRow } from "../../src/catalog/resources.ts";
import { stallEvent } from "../../src/catalog/stall_event.ts";
import products from "../vectors/catalog_product.json" with { type: "json" };
import stalls from "../vectors/catalog_stall.json" with { type: "json" };

const merchant = "aa".repeat(32);
const common = {
  merchant,
  event_id: null,
  published_at: null,
  published_hash: null,
  kept_by: null,
  deleted_at: null,
  created_at: 0,
  updated_at: 0,
};
const cup: ProductRow = {
  ...common,
  id: "cup",
  stall_id: "tea",
  type: "simple",
  parent_id: null,
  name: "Cup",
  description: "",
  images: "[]",
  currency: "sat",
  price: "100",
  specs: "[]",
  shipping: "[]",
  categories: "[]",
  digital: 0,
  digital_content: null,
  active: 1,
};

for (const vector of stalls) {
  Deno.test(`a stall on the wire: ${vector.name}`, () => {
    assertEquals(stallEvent({ ...common, ...vector.row } as StallRow), {
      kind: 30017,
      content: vector.content,
      tags: vector.tags,
    });
  });
}

for (const vector of products) {
  Deno.test(`a product on the wire: ${vector.name}`, () => {
    assertEquals(productEvent({ ...cup, ...vector.row } as ProductRow, vector.onHand), {
      kind: 30018,
      content: vector.content,
      tags: vector.tags,
    });
  });
}

Deno.test("any amount that is taken is printed digit for digit and read back as the same float", () => {
  const amount = fc.tuple(fc.integer({ min: 0, max: 9_999_999 }), fc.integer({ min: 0, max: 99_999_999 }))
    .map(([whole, part]) => `${whole}.${String(part).padStart(8, "0")}`);
  fc.assert(fc.property(amount, (text) => {
    const plain = plainDecimal(text)!;
    const json = JSON.stringify({ price: exactNumber(plain) });
    assertEquals(json, `{"price":${plain}}`);
    assertEquals(plainDecimal(JSON.parse(json).price), plain);
  }));
});

Deno.test("a deletion names the versions, the address and the kind", () => {
  assertEquals(deletionEvent({ merchant, kind: 30018, d: "cup", eventIds: ["e1"] }), {
    kind: 5,
    content: "",
    tags: [["e", "e1"], ["a", `30018:${merchant}:cup`], ["k", "30018"]],
  });
});

Deno.test("the hash changes with anything that is published and with nothing else", () => {
  const hash = draftHash(productEvent(cup, 5));
  assertEquals(draftHash(productEvent({ ...cup, updated_at: 9, digital_content: "x" }, 5)), hash);
  assertNotEquals(draftHash(productEvent(cup, 4)), hash);
  assertNotEquals(draftHash(productEvent({ ...cup, categories: '["t"]' }, 5)), hash);
  assert(/^[0-9a-f]{64}$/.test(hash));
});
