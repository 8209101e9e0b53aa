import fc from "fast-check";

/** A merchant's key that coordinates may name. */
export const MERCHANT = "ab".repeat(32);

/** An order that anybody would call one, and what must be read out of it. */
export interface HonestOrder {
  content: string;
  id: string | number;
  /** As they must be read. */
  items: { productId: string; quantity: number }[];
}

const scalar = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.constantFrom("", "0", "1", "2", "3", "2e3", "__proto__", "cancelled", `30018:${MERCHANT}:p`, "naddr1qq"),
  fc.constantFrom("\uD800", "\0", "\u202E", " ", "lnbc1", "&quot;"),
  fc.double(),
  fc.integer(),
  fc.constantFrom(null, true, false, 0, -0, 1e21, 2 ** 53),
);
const anything = fc.anything({ values: [scalar], maxDepth: 2, maxKeys: 3 });
const key = fc.constantFrom(
  ...[
    "id",
    "type",
    "items",
    "product_id",
    "quantity",
    "shipping_id",
    "stall_id",
    "stallId",
    "status",
    "address",
  ],
  ...["contact", "name", "message", "__proto__", "constructor", "toString"],
);
const mostly = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: usual as fc.Arbitrary<unknown> }, scalar);

/** Something like an order, with anything anywhere. */
const nearOrder = fc.record({
  id: mostly(fc.string({ minLength: 1 })),
  type: mostly(fc.constantFrom<unknown>(0, "0", 3)),
  status: mostly(fc.constantFrom<unknown>("cancelled", undefined)),
  items: mostly(fc.array(
    mostly(fc.record({
      product_id: mostly(fc.constantFrom("cup", "sand", "moon")),
      quantity: mostly(fc.integer({ min: 1, max: 9 })),
    })),
    { minLength: 1, maxLength: 3 },
  )),
  shipping_id: scalar,
  extra: mostly(fc.dictionary(key, anything, { maxKeys: 2 })),
}).map(({ extra, ...rest }) => ({ ...(typeof extra === "object" ? extra : {}), ...rest }));

const json = fc.oneof({ weight: 4, arbitrary: nearOrder }, fc.dictionary(key, anything), anything)
  .map((value) => JSON.stringify(value, (_, v) => typeof v === "bigint" ? String(v) : v) ?? "");

/** One character or a few, thousands of times: what a pattern that goes back and forth chokes on. */
const stuffing = fc.tuple(
  fc.constantFrom(
    "",
    "```",
    "```\n",
    "{",
    "a{",
    "&quot;{",
    '{"type":"',
    "🛒 NEW ORDER\nOrder ID:",
    '"',
    "[",
    "#",
  ),
  fc.constantFrom(
    " ",
    "\n",
    " \n",
    "`",
    "{",
    "[",
    '"',
    "\\",
    "&quot;",
    "#a",
    "Order ID:",
    "\t",
    "0",
    "\u202E",
  ),
  fc.constantFrom(10, 1_000, 60_000),
  fc.constantFrom("", "x", "```", "}", '"}', "x```"),
).map(([head, unit, length, tail]) => head + unit.repeat(Math.ceil(length / unit.length)) + tail);

/** Texts as a stranger may send them: noise, JSON, JSON that something has broken, and whatever is long. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 2, arbitrary: fc.string({ unit: "binary" }) },
  {
    weight: 2,
    arbitrary: fc.string({
      unit: fc.constantFrom(
        "{",
        "}",
        "[",
        "]",
        '"',
        "\\",
        ":",
        ",",
        "&quot;",
        "0",
        "```",
        "\n",
        "id",
        "type",
      ),
    }),
  },
  { weight: 10, arbitrary: json },
  { weight: 2, arbitrary: json.map((text) => text.replaceAll('"', "&quot;")) },
  { weight: 2, arbitrary: json.map((text) => JSON.stringify(text)) },
  { weight: 2, arbitrary: fc.tuple(fc.string(), json, fc.string()).map((parts) => parts.join("")) },
  {
    weight: 2,
    arbitrary: fc.tuple(json, fc.nat()).map(([text, at]) => text.slice(0, at % (text.length + 1))),
  },
  { weight: 1, arbitrary: stuffing },
);

/** No control characters, no marks of direction: what an id of a product may be made of. */
const plainText = (maxLength: number) =>
  fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength }).filter((text) => text.trim() !== "");
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const nullable = <T>(value: fc.Arbitrary<T>) => maybe(fc.option(value, { nil: null, freq: 2 }));

const line = fc.record({
  product: fc.oneof(fc.constantFrom("cup", "sand", "moon"), plainText(40)),
  quantity: fc.integer({ min: 1, max: 10_000 }),
  key: fc.constantFrom("product_id", "product_id", "productId", "product"),
  coordinate: fc.boolean(),
  asText: fc.boolean(),
});

const honestJson = fc.record({
  id: fc.oneof(fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }), fc.integer(), fc.uuid()),
  type: fc.constantFrom<unknown>(0, 0, "0", "0.0", null, undefined),
  lines: fc.array(line, { minLength: 1, maxLength: 4 }),
  more: fc.record({
    shipping_id: nullable(plainText(20)),
    address: nullable(
      fc.oneof(fc.string({ unit: "grapheme", maxLength: 80 }), fc.dictionary(plainText(5), plainText(9))),
    ),
    message: nullable(fc.string({ unit: "grapheme", maxLength: 80 })),
    contact: nullable(fc.dictionary(plainText(8), fc.oneof(fc.string(), fc.constant(null), fc.integer()))),
    name: nullable(fc.string()),
    stall_id: nullable(fc.constantFrom("tea")),
    client: maybe(anything),
    amount: nullable(fc.double()),
  }),
});

/** What clients and gateways do to JSON on its way. */
const wrappings: ((json: string) => string)[] = [
  (text) => text,
  (text) => text,
  (text) => JSON.stringify(JSON.parse(text), null, 2),
  (text) => `\uFEFF${text}`,
  (text) => `\n\t ${text}  \r\n`,
  (text) => "```json\n" + text + "\n```",
  (text) => "```" + text + "```",
  (text) => `Here is my order: ${text}`,
  (text) => JSON.stringify(text),
  (text) =>
    text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
];

/** Orders of honest senders: everything that decides is clear, everything else is as it comes. */
export const honestOrder: fc.Arbitrary<HonestOrder> = fc.tuple(honestJson, fc.constantFrom(...wrappings)).map(
  ([{ id, type, lines, more }, wrapped]) => {
    const items = lines.map(({ product, quantity, key, coordinate, asText }) => ({
      [key]: coordinate ? `30018:${MERCHANT}:${product}` : product,
      quantity: asText ? String(quantity) : quantity,
    }));
    const text = JSON.stringify(
      { ...more, id, type, items },
      (_, value) => typeof value === "bigint" ? String(value) : value,
    );
    return {
      content: wrapped(text),
      id,
      items: lines.map(({ product, quantity }) => ({ productId: product, quantity })),
    };
  },
);
