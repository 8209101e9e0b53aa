import { assertEquals } from "@std/assert";
import { ownersHear, personOf, tillOf, tillState } from "../../src/orders/till.ts";
import { states } from "./samples.ts";

Deno.test("an order's state as its till reads it", () => {
  const read = Object.fromEntries(
    Object.entries(states).map(([name, { payment, fulfilment, receivedMsat }]) => [
      name,
      tillState({ payment, fulfilment, received_msat: Number(receivedMsat) }),
    ]),
  );
  assertEquals(read, {
    new: "creating",
    quoting: "creating",
    awaiting: "open",
    "awaiting rest": "underpaid",
    held: "open",
    expired: "expired",
    cancelled: "cancelled",
    rejected: "failed",
    failed: "failed",
    paid: "paid",
    "paid shipped": "paid",
    "paid delivered": "paid",
    overpaid: "paid",
    "paid twice": "paid",
    "paid twice, delivered": "paid",
    "paid twice, sending back": "paid",
    "refund due": "refund_due",
    "refund due, sending": "refund_due",
    refunded: "refunded",
  });
});

Deno.test("a till is nobody to be spoken to, and only what needs a person is told of its orders", () => {
  const customer = "b".repeat(64);
  assertEquals([tillOf({ customer }), personOf({ customer })], [null, customer]);
  assertEquals([tillOf({ customer: "till:abc" }), personOf({ customer: "till:abc" })], ["abc", null]);
  assertEquals(personOf({ customer: null }), null);
  const all = ["paid", "refund_due", "cancelled", "cancel_requested"] as const;
  assertEquals(all.filter((what) => ownersHear({ customer: "till:abc" }, what)), ["refund_due"]);
  assertEquals(all.filter((what) => ownersHear({ customer }, what)), [...all]);
});
