import { assertEquals } from "@std/assert";
import { partPurpose, saysAgain } from "../../src/messages/says_again.ts";

const request = (body: string) => ({ type: "payment_request" as const, body });
const status = (body: string) => ({ type: "status" as const, body });
const unsent = (said: ReturnType<typeof request | typeof status>, i: number, to: "recipient" | "self") => (
  { ...said, event_id: "e", purpose: partPurpose("reply:order-1:7", i, to) }
);

Deno.test("a later request takes the place of an earlier one, whatever it says, part by part", () => {
  const parts = [request("100 sat, please"), request("lnbc1")];
  const takes = (i: number, nth: number, to: "recipient" | "self" = "recipient") =>
    saysAgain(parts, i, to, unsent(request("another"), nth, "recipient"));
  assertEquals([takes(0, 0), takes(1, 1)], [true, true]);
  assertEquals([takes(0, 1), takes(1, 0)], [false, false]);
  assertEquals(takes(0, 0, "self"), false, "our own copy is our own copy's");
});

Deno.test("the last part of a request ends what an earlier one had more", () => {
  const refusal = [status("paid already"), request("sold out")];
  const ended = [0, 1, 2, 3].map((nth) => saysAgain(refusal, 1, "self", unsent(request("x"), nth, "self")));
  assertEquals(ended, [false, true, true, true]);
});

Deno.test("of all else only the same words say the same", () => {
  const parts = [status("Your order is on its way.")];
  const takes = (said: ReturnType<typeof request | typeof status>) =>
    saysAgain(parts, 0, "recipient", unsent(said, 3, "recipient"));
  assertEquals(takes(status("Your order is on its way.")), true);
  assertEquals(takes(status("Payment received: 100 sat. Thank you!")), false);
  assertEquals(takes(request("Your order is on its way.")), false);
});
