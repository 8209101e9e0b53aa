import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type MessageReading, phrase, readMessage } from "../../src/dialects/dialects.ts";

const merchant = "ab".repeat(32);
const RUNS = 20_000;

const scalar = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.constantFrom(
    "",
    "0",
    "1",
    "2",
    "2e3",
    "__proto__",
    `30018:${merchant}:p`,
    "naddr1qq",
    "\uD800",
    "\0",
    "\u202E",
    " ",
  ),
  fc.double(),
  fc.integer(),
  fc.constantFrom(null, true, false, 0, -0, 1e21, 2 ** 53),
);
const anything = fc.anything({ values: [scalar], maxDepth: 2, maxKeys: 3 });
const key = fc.constantFrom(
  "id",
  "type",
  "items",
  "product_id",
  "quantity",
  "shipping_id",
  "stall_id",
  "stallId",
  "address",
  "contact",
  "name",
  "__proto__",
  "constructor",
  "toString",
);

const mostly = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: usual as fc.Arbitrary<unknown> }, scalar);

/** Something like an order, with anything anywhere. */
const nearOrder = fc.record({
  id: mostly(fc.string({ minLength: 1 })),
  type: mostly(fc.constantFrom<unknown>(0, "0")),
  items: mostly(fc.array(
    mostly(
      fc.record({
        product_id: mostly(fc.string({ minLength: 1 })),
        quantity: mostly(fc.integer({ min: 1, max: 9 })),
      }),
    ),
    { minLength: 1, maxLength: 3 },
  )),
  shipping_id: scalar,
  extra: mostly(fc.dictionary(key, anything, { maxKeys: 2 })),
}).map(({ extra, ...rest }) => ({ ...(typeof extra === "object" ? extra : {}), ...rest }));

const json = fc.oneof({ weight: 4, arbitrary: nearOrder }, fc.dictionary(key, anything), anything)
  .map((value) => JSON.stringify(value, (_, v) => typeof v === "bigint" ? String(v) : v) ?? "");

/** Texts as a stranger may send them: noise, JSON, and JSON that something has broken. */
const hostile = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom("{", "}", "[", "]", '"', "\\", ":", ",", "&quot;", "0", "```", "\n", "id", "type"),
  }),
  json,
  json.map((text) => text.replaceAll('"', "&quot;")),
  json.map((text) => JSON.stringify(text)),
  fc.tuple(fc.string(), json, fc.string()).map((parts) => parts.join("")),
  fc.tuple(json, fc.nat()).map(([text, at]) => text.slice(0, at % (text.length + 1))),
);

Deno.test(`readMessage() takes ${RUNS} hostile messages without throwing, and what it reads holds`, () => {
  const seen: Record<string, number> = {};
  fc.assert(
    fc.property(hostile, fc.constantFrom(4, 14), (content, kind) => {
      const reading = readMessage(content, { kind, tags: [], merchant });
      seen[reading.type] = (seen[reading.type] ?? 0) + 1;
      checkReading(reading);
    }),
    { numRuns: RUNS },
  );
  // The generator is worth something only if it reaches every kind of reading.
  for (const type of ["order", "invalid_order", "bot", "chat"]) {
    assert((seen[type] ?? 0) > 100, `${type}: ${seen[type]}`);
  }
});

function checkReading(reading: MessageReading): void {
  switch (reading.type) {
    case "order": {
      const { customerOrderId, items, contact, name, address, traits } = reading.request;
      assert(customerOrderId.length > 0 && customerOrderId.length <= 256);
      assert(items.length >= 1 && items.length <= 100);
      for (const { productId, quantity } of items) {
        assert(Number.isInteger(quantity) && quantity >= 1 && quantity <= 10_000);
        assert(!productId.includes("\0") && productId.isWellFormed());
      }
      for (const text of [name, address, ...Object.entries(contact).flat()]) {
        // deno-lint-ignore no-control-regex -- that there is none is the point
        assert(!/[\u0000-\u0008\u000B-\u001F\u202A-\u202E]/.test(text ?? "") && (text ?? "").isWellFormed());
      }
      return echoes(reading.dialect, customerOrderId, traits);
    }
    case "invalid_order":
      assert(reading.reason.length > 0 && reading.reason.length < 300);
      assertEquals(reading.traits.withoutId === true, reading.customerOrderId === null);
      return echoes(reading.dialect, reading.customerOrderId ?? "", reading.traits);
    case "chat":
      return assert(!reading.text.includes("\0") && reading.text.isWellFormed());
    case "twin":
    case "claim":
    case "bot":
      return assert((reading.orderRef ?? "").length <= 256);
  }
}

/** Every answer is pure JSON with a number for its type and the customer's own id. */
function echoes(
  dialect: string,
  customerOrderId: string,
  traits: Parameters<typeof phrase>[1]["traits"],
): void {
  const order = { dialect, customerOrderId, traits, envelope: "nip04" as const };
  for (const text of phrase({ kind: "refusal", reason: "no", cancelled: false }, order)) {
    const answer = JSON.parse(text);
    assert(answer.type === 1 || answer.type === 2);
    if (traits.withoutId) assert(!("id" in answer));
    else assertEquals(String(answer.id), customerOrderId);
  }
}
