import { assertEquals } from "@std/assert";
import { statementOf, textStatement, wasSaid } from "../../src/messages/statements.ts";
import type { SaidBefore } from "../../src/orders/said_before_store.ts";

const request = {
  id: "a-1",
  type: 1,
  message: "1 × cup",
  payment_options: [{ type: "url", link: "https://example.com" }, { type: "ln", link: "LNBCRT1abc" }],
};
const refusal = { id: "a-1", type: 1, message: "Sold out.", payment_options: [] };
const paid = { id: "a-1", type: 2, status: "processing", message: "Thank you!", paid: true, shipped: false };

Deno.test("statementOf() reads what we say, and takes everything else for talk", () => {
  const of = (message: unknown) => statementOf(JSON.stringify(message));
  assertEquals(of(request), {
    order_ref: "a-1",
    kind: "invoice",
    statement: "1:lnbcrt1abc",
    bolt11: "lnbcrt1abc",
    note: null,
  });
  assertEquals([of(refusal).kind, of(refusal).note], ["refusal", "Sold out."]);
  assertEquals(of(paid).kind, "status");
  assertEquals(of({ ...paid, id: 17 }).order_ref, "17");
  assertEquals(of({ ...paid, id: undefined }).order_ref, null);
  for (const odd of ["hello", "[1]", "{}", '{"type":3,"id":"x"}', '{"type":1,"payment_options":7}', "{"]) {
    assertEquals(["other", "refusal"].includes(statementOf(odd).kind), true, odd);
  }
  assertEquals(statementOf("hello").statement, textStatement("hello"));
});

const said = (message: unknown, at_seconds: number): SaidBefore => ({
  merchant: "m",
  customer: "c",
  event_id: String(at_seconds),
  at_seconds,
  ...statementOf(JSON.stringify(message)),
});

Deno.test("a fact that was told is known by its meaning, digital goods by their text, an answer by when it was given", () => {
  const again = (message: unknown, reply: Parameters<typeof wasSaid>[1], askedAt: number, before: unknown) =>
    wasSaid(JSON.stringify(message), reply, [said(before, 100)], askedAt);
  // The words may be another version's.
  assertEquals(again({ ...paid, message: "Danke!" }, "paid", 200, paid), true);
  assertEquals(again({ ...paid, shipped: true }, "shipped", 50, paid), false);
  assertEquals(
    again({ ...paid, message: "licence 2" }, "digital", 50, { ...paid, message: "licence 1" }),
    false,
  );
  assertEquals(again(paid, "digital", 50, paid), true);
  assertEquals(again(request, "payment_request", 99, request), true);
  assertEquals(again(request, "payment_request", 100, request), false);
  assertEquals(again({ ...refusal, message: "Only 1 left." }, "refusal", 99, refusal), true);
  assertEquals(again(refusal, "refusal", 99, request), false);
});
