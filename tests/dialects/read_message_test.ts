import { assert, assertEquals } from "@std/assert";
import { naddrEncode } from "nostr-tools/nip19";
import { type MessageReading, phrase, readMessage, refersTo } from "../../src/dialects/dialects.ts";
import { own } from "../../src/dialects/bounded_json.ts";
import type { OrderRequest } from "../../src/orders/types.ts";

const merchant = "ab".repeat(32);
const stranger = "cd".repeat(32);
const plain = { id: "o1", type: 0, items: [{ product_id: "p", quantity: 1 }], shipping_id: "z" };

function read(content: unknown, kind = 4, tags: string[][] = []): MessageReading {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  return readMessage(text, { kind, tags, merchant });
}

function order(content: unknown): OrderRequest {
  const reading = read(content);
  assert(reading.type === "order", `expected an order, got ${JSON.stringify(reading)}`);
  return reading.request;
}

function refusal(content: unknown): { customerOrderId: string | null; reason: string } {
  const reading = read(content);
  assert(reading.type === "invalid_order", `expected an invalid order, got ${JSON.stringify(reading)}`);
  return { customerOrderId: reading.customerOrderId, reason: reading.reason };
}

const text = JSON.stringify(plain);
const wrapped: Record<string, string> = {
  "a byte order mark": `\uFEFF${text}`,
  "space around it": `\n  ${text}\t`,
  "a code fence": "```json\n" + text + "\n```",
  "text before it": `Here is my order: ${text}`,
  "JSON within a JSON string": JSON.stringify(text),
  "HTML's escapes for quotes": text.replaceAll('"', "&quot;"),
  "text before escaped quotes": `order ${text.replaceAll('"', "&#34;")}`,
};
for (const [name, content] of Object.entries(wrapped)) {
  Deno.test(`an order is read through ${name}`, () => {
    assertEquals(order(content), order(plain));
  });
}

Deno.test("type 0 is 0, its text, 0.0, and missing where products are listed", () => {
  for (const type of [0, -0, "0", " 0 ", "0.0", null, undefined, ""]) order({ ...plain, type });
  order(text.replace('"type":0', '"type":0.0'));
});

Deno.test("JSON that is no customer's order is never an order and never chat", () => {
  for (
    const json of [
      { ...plain, type: 1 },
      { ...plain, type: "1" },
      { id: "o1", type: 2, paid: true, shipped: false },
      { ...plain, type: 3 },
      { ...plain, type: "order" },
      { ...plain, type: true },
      { ...plain, type: {} },
      { id: "o1", items: [] },
      { id: "o1", items: [1, "p"] },
      { hello: "world" },
      {},
      [plain],
    ]
  ) assertEquals(read(json).type, "bot", JSON.stringify(json));
  assertEquals(read({ id: "o1", type: 2, paid: true }), { type: "bot", orderRef: "o1" });
});

Deno.test("text is chat, also with braces, quotes and JSON that goes on as text", () => {
  for (
    const chat of [
      "hello",
      "",
      "5",
      "null",
      '"quoted"',
      "is {this} ok?",
      `why no answer to ${text} ?`,
      "{ not json",
      "[]x",
    ]
  ) assertEquals(read(chat), { type: "chat", text: chat });
});

Deno.test("chat keeps its lines and loses what terminals and databases choke on", () => {
  assertEquals(read("a\r\nb\tc\0\u001b[31m\u202Ed\uD800"), { type: "chat", text: "a\nb\tc[31md\uFFFD" });
});

Deno.test("kinds of dialects that aren't spoken yet are no NIP-15 orders", () => {
  assertEquals(read(plain, 16, [["order", "x"]]), { type: "bot", orderRef: "x" });
  assertEquals(read(plain, 16), { type: "bot", orderRef: null });
  assertEquals(read("Order created", 16, [["order", "x"], ["type", "1"]]), { type: "bot", orderRef: "x" });
  assertEquals(read("hello", 16), { type: "chat", text: "hello" });
  assertEquals(read(plain, 14).type, "order");
});

Deno.test("the order's id is kept verbatim; a number comes back as a number", () => {
  for (const id of ["x", " spaced ", "\u202Ebidi", "0012", "1e3", "ünï/😀", "a".repeat(256), "__proto__"]) {
    assertEquals(order({ ...plain, id }).customerOrderId, id);
  }
  for (const id of [7, 1.5, -3, 1e21, 2 ** 53]) {
    const reading = read({ ...plain, id });
    assert(reading.type === "order");
    const { customerOrderId, traits } = reading.request;
    assertEquals(customerOrderId, String(id));
    const [answer] = phrase(
      { kind: "refusal", reason: "no", cancelled: false },
      { dialect: "nip15", envelope: "nip04", customerOrderId, traits },
    );
    assertEquals(JSON.parse(answer!).id, id);
  }
});

Deno.test("an id that can't be kept or echoed is refused without one", () => {
  for (const id of ["", null, undefined, true, {}, [], "a".repeat(257), "a\0b", "\uD800"]) {
    const reading = read({ ...plain, id });
    assert(reading.type === "invalid_order", String(id));
    assertEquals(reading.customerOrderId, null);
    assertEquals(reading.traits.withoutId, true);
    const [answer] = phrase(
      { kind: "refusal", reason: "no", cancelled: false },
      { dialect: reading.dialect, envelope: "nip04", customerOrderId: "ours", traits: reading.traits },
    );
    assertEquals(Object.keys(JSON.parse(answer!)), ["type", "message", "payment_options"]);
  }
});

Deno.test("quantities are whole numbers from 1 to 10,000 or their text; everything else is refused with the line", () => {
  const withQuantity = (quantity: unknown) => ({ ...plain, items: [{ product_id: "mug", quantity }] });
  for (
    const [quantity, is] of [[1, 1], [10_000, 10_000], ["2", 2], [" 3 ", 3], [2.0, 2], ["007", 7]] as const
  ) {
    assertEquals(order(withQuantity(quantity)).items, [{ productId: "mug", quantity: is }]);
  }
  for (
    const quantity of [
      0,
      -1,
      1.5,
      10_001,
      1e21,
      2 ** 53 + 1,
      "2e3",
      "1.5",
      "-1",
      "",
      "two",
      null,
      undefined,
      true,
      [2],
      {},
    ]
  ) {
    const { customerOrderId, reason } = refusal(withQuantity(quantity));
    assertEquals(customerOrderId, "o1");
    assertEquals(
      reason,
      "Line 1: the quantity of mug must be a whole number from 1 to 10000.",
      String(quantity),
    );
  }
  // JSON has no NaN, but it has numbers beyond every float.
  assertEquals(
    refusal(`{"id":"o1","type":0,"items":[{"product_id":"mug","quantity":1e400}]}`).customerOrderId,
    "o1",
  );
});

Deno.test("products are named by id, coordinate or naddr; another merchant's is refused by name", () => {
  const item = (product: unknown, key = "product_id") => ({
    ...plain,
    items: [{ [key]: product, quantity: 1 }],
  });
  const address = (pubkey: string, kind = 30018) => naddrEncode({ kind, pubkey, identifier: "mug" });
  const same: [unknown, string][] = [
    ["mug", "mug"],
    [5, "5"],
    [`30018:${merchant}:mug`, "mug"],
    [`30018:${merchant.toUpperCase()}:mug`, "mug"],
    [`30402:${merchant}:mug`, "mug"],
    [`30018:${merchant}:a:b`, "a:b"],
    [address(merchant), "mug"],
    [`nostr:${address(merchant)}`, "mug"],
    // Not a coordinate of a product, or broken: an id that the catalogue won't know.
    [`30020:${merchant}:mug`, `30020:${merchant}:mug`],
    ["30018:short:mug", "30018:short:mug"],
    ["naddr1broken", "naddr1broken"],
  ];
  for (const [product, id] of same) assertEquals(order(item(product)).items[0]!.productId, id);
  assertEquals(order(item("mug", "productId")).items[0]!.productId, "mug");
  for (const product of [`30018:${stranger}:mug`, address(stranger), address(stranger, 30402)]) {
    assert(refusal(item(product)).reason.endsWith("is another merchant's product."));
  }
  for (const product of ["", null, undefined, {}, true]) {
    assertEquals(refusal(item(product)).reason, "Line 1 names no product.");
  }
  assertEquals(refusal(item("a\0b")).reason, "Line 1: we have no product ab.");
});

Deno.test("zone and stall are read in both spellings, coordinates resolved", () => {
  assertEquals(order({ ...plain, shipping_id: null, shippingId: "eu" }).shippingId, "eu");
  assertEquals(order({ ...plain, shipping_id: 5 }).shippingId, "5");
  assertEquals(order({ ...plain, shipping_id: null }).shippingId, null);
  assertEquals(order({ ...plain, shipping_id: `30406:${merchant}:eu` }).shippingId, "eu");
  assertEquals(order({ ...plain, shipping_id: "30406:4e0d:eu" }).shippingId, "eu");
  assertEquals(order({ ...plain, stall_id: "s" }).stallId, "s");
  const camel = read({ ...plain, stallId: `30017:${merchant}:s` });
  assert(camel.type === "order");
  assertEquals([camel.dialect, camel.request.stallId], ["plebeian", "s"]);
  assert(refusal({ ...plain, stallId: `30017:${stranger}:s` }).reason.startsWith("We have no stall 30017:"));
});

Deno.test("lines: none and too many are refused", () => {
  for (const items of [[], {}, null, "p", undefined]) {
    assertEquals(refusal({ ...plain, items }).reason, "The order has no items.");
  }
  const items = Array.from({ length: 101 }, () => ({ product_id: "p", quantity: 1 }));
  assertEquals(refusal({ ...plain, items }).reason, "The order has more than 100 lines.");
  assertEquals(order({ ...plain, items: items.slice(1) }).items.length, 100);
});

Deno.test("person and contact: control and direction marks go, prototype keys and nested values are left out", () => {
  const request = order(
    `{"id":"o1","type":0,"items":[{"product_id":"p","quantity":1}],"name":"Eve\\u202e\\u0007 Doe","__proto__":{"name":"x"},` +
      `"address":{"street":"1 High St","city":"Leeds","deep":{"x":"y"}},"message":null,` +
      `"contact":{"__proto__":"a","constructor":"b","nostr":null,"phone":12345,"deep":{"a":1},"email":"e@example.com\\u0000"}}`,
  );
  assertEquals(request.name, "Eve Doe");
  assertEquals(request.address, "1 High St\nLeeds");
  assertEquals(request.message, null);
  assertEquals(request.contact, { phone: "12345", email: "e@example.com" });
  assertEquals(Object.getPrototypeOf(request.contact), Object.prototype);
  assertEquals(order({ ...plain, name: "x".repeat(400) }).name!.length, 300);
  assertEquals(
    refusal({ ...plain, address: "x".repeat(2001) }).reason,
    "The address is longer than 2000 characters.",
  );
});

Deno.test("what the customer says about money is not read", () => {
  const request = order({
    ...plain,
    amount: 1,
    total: "1",
    price: 1,
    items: [{ product_id: "p", quantity: 1, price: 0 }],
  });
  assertEquals(request, order(plain));
});

Deno.test("too long and too deep: an order is refused, text is chat", () => {
  const long = JSON.stringify({ ...plain, message: "x".repeat(65_536) });
  assertEquals(refusal(long), { customerOrderId: null, reason: "The message is longer than 64 KB." });
  assertEquals(refusal(JSON.stringify({ ...plain, message: "€".repeat(22_000) })).customerOrderId, null);
  const deep = `{"id":"o1","type":0,"x":${"[".repeat(25_000)}${"]".repeat(25_000)}}`;
  assertEquals(refusal(deep), { customerOrderId: null, reason: "The message is nested too deeply." });
  assertEquals(read("a{".repeat(40_000)).type, "chat");
  assertEquals(read("[".repeat(50)).type, "chat");
  order({ ...plain, message: "{[".repeat(100) });
});

Deno.test("own() reads an object's own properties and nothing of its prototype", () => {
  const json = JSON.parse('{"a":1,"__proto__":{"b":2}}');
  assertEquals([own(json, "a"), own(json, "b"), own(json, "toString")], [1, undefined, undefined]);
});

Deno.test("refersTo() knows an order by its id or by the beginning of it", () => {
  assert(refersTo("MQ4T8Z1K", "mq4t8z1k-c7d9e2"));
  assert(refersTo("x", "x"));
  assert(!refersTo("mq4t", "mq4t8z1k-c7d9e2"));
  assert(!refersTo("mq4t8z1k-c7d9e2", "mq4t8z1k"));
});
