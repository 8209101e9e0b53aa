import { assertEquals } from "@std/assert";
import type { Books, CustomerBook } from "./books.ts";
import { compare, count, type Findings } from "./compare.ts";

/** One customer paid, one has an open invoice, one came too late for the last two of `scarce`. */
function soundBooks(): Books {
  const customer = (id: string, more: Partial<CustomerBook>): CustomerBook => ({
    id,
    customer: `key of ${id}`,
    envelope: "nip04",
    productId: "scarce",
    quantity: 1,
    sent: 1,
    requests: 1,
    invoices: [`lnbcrt ${id}`],
    refusals: [],
    apologies: 0,
    paid: null,
    toldPaid: 0,
    strange: [],
    answeredAfterMs: 10,
    toldAfterMs: null,
    ...more,
  });
  const order = (id: string, payment: string, received: number) => ({
    id: `ours ${id}`,
    customer_order_id: id,
    customer: `key of ${id}`,
    payment,
    items: [{ product_id: "scarce", quantity: 1 }],
    received_msat: String(received),
  });
  return {
    customers: [
      customer("a", { paid: "lnbcrt a", toldPaid: 1 }),
      customer("b", {}),
      customer("c", { requests: 0, invoices: [], refusals: ["sold out"] }),
    ],
    wallet: ["a", "b"].map((id) => ({
      bolt11: `lnbcrt ${id}`,
      paymentHash: `hash of ${id}`,
      description: "",
      amountMsat: 1000,
      createdAt: 1,
      expiresAt: 900,
      settledAt: id === "a" ? 2 : null,
    })),
    shelf: [{ id: "scarce", quantity: 2 }, { id: "endless", quantity: null }],
    shop: {
      orders: [order("a", "paid", 1000), order("b", "awaiting", 0), order("c", "rejected", 0)],
      payments: [{ amount_msat: "1000", order_id: "ours a", payment_hash: "hash of a" }],
      products: [{ id: "scarce", quantity: 1, held: 1 }, { id: "endless", quantity: null, held: 0 }],
      deadJobs: [],
      openJobs: 0,
    },
    relay: new Map([["scarce", 1], ["endless", null]]),
  };
}

Deno.test("books that agree have no findings", () => {
  assertEquals(count(compare(soundBooks())), 0);
});

const faults: [what: string, found: keyof Findings, plant: (books: Books) => void][] = [
  ["an order that the shop doesn't have", "lost", ({ shop }) => shop.orders.splice(1, 1)],
  ["an order without an answer", "lost", ({ customers: [, b] }) => {
    Object.assign(b!, { requests: 0, invoices: [] });
  }],
  ["a payment that nobody was told of", "lost", ({ customers: [a] }) => a!.toldPaid = 0],
  ["a second invoice", "duplicated", ({ customers: [, b] }) => b!.invoices.push("lnbcrt b2")],
  ["an answer more than orders", "duplicated", ({ customers: [, b] }) => b!.requests = 2],
  ["an invoice and a refusal", "duplicated", ({ customers: [, b] }) => {
    Object.assign(b!, { sent: 2, refusals: ["no"] });
  }],
  ["a second word of payment", "duplicated", ({ customers: [a] }) => a!.toldPaid = 2],
  ["a shelf that doesn't add up", "oversold", ({ shop }) => shop.products[0]!.quantity = 2],
  ["a hold that nobody has", "oversold", ({ shop }) => shop.products[0]!.held = 2],
  ["a relay that shows the old quantity", "oversold", ({ relay }) => relay.set("scarce", 2)],
  ["more sold and held than there was", "oversold", ({ shelf }) => shelf[0]!.quantity = 1],
  ["a refusal though there was one left", "wronglyDecided", ({ shelf, shop, relay }) => {
    shelf[0]!.quantity = 3;
    shop.products[0]!.quantity = 2;
    relay.set("scarce", 2);
  }],
  [
    "a paid order that the shop let expire",
    "wronglyDecided",
    ({ shop }) => shop.orders[0]!.payment = "expired",
  ],
  ["a word of payment without one", "unaccounted", ({ customers: [, b] }) => b!.toldPaid = 1],
  ["a payment that isn't in the wallet", "unaccounted", ({ wallet }) => wallet[0]!.settledAt = null],
  ["a payment that the shop hasn't booked", "unaccounted", ({ shop }) => shop.payments.pop()],
  ["an order that received another sum", "unaccounted", ({ shop }) => shop.orders[0]!.received_msat = "999"],
  ["a dead job", "leftOver", ({ shop }) => shop.deadJobs.push({ kind: "reply.send", last_error: "boom" })],
  ["a job that never ended", "leftOver", ({ shop }) => shop.openJobs = 1],
  ["a message that nobody understands", "leftOver", ({ customers: [a] }) => a!.strange.push("?")],
];
for (const [what, kind, plant] of faults) {
  Deno.test(`the comparison of the books finds ${what}`, () => {
    const books = soundBooks();
    plant(books);
    const found = compare(books);
    assertEquals(found[kind].length > 0, true, JSON.stringify(found));
  });
}
