import { assertEquals } from "@std/assert";
import { payLook } from "../../../src/api/pay/pay_state.ts";
import { paymentStates } from "../../../src/db/tables.ts";
import type { InvoiceRow } from "../../../src/payments/invoices_store.ts";

const NOW = 1_000_000;
const open = {
  state: "open",
  bolt11: "lnbcrt1x",
  payment_hash: "ab",
  amount_msat: 21_000,
  expires_at: NOW + 1,
} as InvoiceRow;

Deno.test("every state of an order's payment looks like something", () => {
  const looks = Object.fromEntries(
    paymentStates.map((
      payment,
    ) => [payment, payLook({ payment, comesOnChain: false, invoices: [open] }, NOW).state]),
  );
  assertEquals(looks, {
    quoting: "making",
    awaiting: "waiting",
    held: "held",
    paid: "paid",
    overpaid: "paid",
    expired: "expired",
    cancelled: "closed",
    rejected: "closed",
    failed: "closed",
    refund_due: "returned",
    refunded: "returned",
  });
});

const awaiting: [string, InvoiceRow[], string][] = [
  ["no invoice", [], "making"],
  ["one that is being made", [{ ...open, state: "creating", bolt11: null }], "making"],
  ["one that is given up", [{ ...open, state: "void" }], "making"],
  ["one whose time has just run out", [{ ...open, expires_at: NOW }], "expired"],
  ["an open one behind one that is given up", [{ ...open, state: "void" }, open], "waiting"],
];

for (const [what, invoices, state] of awaiting) {
  Deno.test(`an order that waits for money with ${what} looks ${state}`, () => {
    assertEquals(payLook({ payment: "awaiting", comesOnChain: false, invoices }, NOW).state, state);
  });
}

Deno.test("an order whose payment was seen on-chain has it on its way, however late it is", () => {
  const look = (expires_at: number) =>
    payLook({ payment: "awaiting", comesOnChain: true, invoices: [{ ...open, expires_at }] }, NOW).state;
  assertEquals([look(NOW + 1), look(NOW)], ["held", "held"]);
});
