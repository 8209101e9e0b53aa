import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { phrase, readMessage } from "../../src/dialects/dialects.ts";
import { statementOf } from "../../src/messages/statements.ts";

const MERCHANT = "ab".repeat(32);
const REST = `"type":0,"items":[{"product_id":"p","quantity":1}],"shipping_id":"z"`;

function read(content: string) {
  return readMessage(content, { kind: 4, tags: [], merchant: MERCHANT });
}

/** The texts of everything that an order of this id is answered with. */
function answers(content: string): string[] {
  const reading = read(content);
  assert(reading.type === "order", JSON.stringify(reading));
  const { customerOrderId, traits } = reading.request;
  const order = { dialect: reading.dialect, customerOrderId, traits, envelope: "nip04" as const };
  const status = {
    status: "processing",
    paid: true,
    shipped: false,
    delivered: false,
    message: "Thanks",
  } as const;
  return [
    ...phrase({ kind: "refusal", reason: "no", cancelled: false }, order),
    ...phrase({ kind: "status", ...status }, order),
  ];
}

const NUMBERS = [
  "7",
  "9007199254740993",
  "12345678901234567890",
  "-1",
  "1.50",
  "1e3",
  "-0",
  "123.456e-7",
  "1E400",
];
for (const number of NUMBERS) {
  Deno.test(`the order id ${number} is kept and answered as it was written`, () => {
    for (const shape of ["", `"stall_id":"s",`, `"stallId":"s",`]) {
      for (const answer of answers(`{"id":${number},${shape}${REST}}`)) {
        assert(answer.startsWith(`{"id":${number},`), answer);
      }
    }
    const reading = read(`{"id":${number},${REST}}`);
    assert(reading.type === "order");
    assertEquals(reading.request.customerOrderId, number);
    assertEquals(statementOf(answers(`{"id":${number},${REST}}`)[0]!).order_ref, number);
  });
}

Deno.test("two ids that are one floating-point number are two orders", () => {
  const ids = ["12345678901234567890", "12345678901234567891"].map((id) => {
    const reading = read(`{"id":${id},${REST}}`);
    return reading.type === "order" ? reading.request.customerOrderId : null;
  });
  assertEquals(new Set(ids).size, 2);
});

Deno.test("the id is the object's own, wherever others stand", () => {
  const big = "98765432109876543210";
  for (
    const content of [
      `{"note":{"id":1},"id":${big},${REST},"more":{"id":2,"deep":[{"id":3}]}}`,
      `{"id":1,${REST},"id":${big}}`,
      `{"\\u0069d":${big},${REST}}`,
      `{"":{"id":4},"id":${big},${REST},"text":"\\"id\\":5"}`,
      JSON.stringify(`{"id":${big},${REST}}`),
      '```json\n{"id":  ' + big + " ," + REST + "}\n```",
      `Here it is: {"id":${big},${REST}}`,
    ]
  ) {
    const reading = read(content);
    assert(reading.type === "order", content);
    assertEquals(reading.request.customerOrderId, big, content);
  }
});

Deno.test("a text of digits stays a text, and a number longer than an id may be is refused", () => {
  assert(answers(`{"id":"12345678901234567890",${REST}}`)[0]!.startsWith(`{"id":"12345678901234567890",`));
  const reading = read(`{"id":${"9".repeat(300)},${REST}}`);
  assert(reading.type === "invalid_order" && reading.reason.includes("longer than 256"));
});

Deno.test("a cancellation names the same order", () => {
  const reading = read(`{"id":12345678901234567890,"type":3,"status":"cancelled"}`);
  assert(reading.type === "cancel");
  assertEquals(reading.customerOrderId, "12345678901234567890");
});

Deno.test("any number is echoed as it was written (property)", () => {
  const digits = fc.stringMatching(/^-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?$/);
  fc.assert(fc.property(digits, fc.jsonValue(), (number, other) => {
    const [answer] = answers(
      `{"a":${JSON.stringify(other)},"id":${number},${REST},"b":${JSON.stringify({ id: other })}}`,
    );
    assert(answer!.startsWith(`{"id":${number},`), `${number}: ${answer}`);
  }));
});
