import { assert, assertEquals } from "@std/assert";
import type { DemoFault } from "../../src/payments/demo_faults.ts";
import type { InvoiceStatus } from "../../src/payments/wallet.ts";
import { checkBooks } from "../support/books.ts";
import { orderJson, refusalIn, requestIn, toldIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { Shop } from "../support/shop.ts";
import { invoicesOf, MINUTE, ordersWithin, PAID, passes } from "./lossy_scene.ts";

onEachDatabase(
  "lost answers: one invoice reaches the customer, and a lost one that is paid counts",
  async (database) => {
    await using shop = await Shop.open({ database });
    const alice = shop.customer();
    shop.wallet.faults.next("createInvoice", { do: "lose" }, { do: "lose" });
    const request = requestIn(await ordersWithin(shop, alice, 20_000));
    const made = await shop.wallet.invoices();
    assertEquals(made.length, 3);
    assertEquals(request.payment_options![0]!.link, made[2]!.bolt11);
    assertEquals(await alice.pays(request).then(toldIn), PAID);
    // Nobody but the wallet has it; what it says that arrived is the order's all the same.
    await shop.wallet.settle(made[0]!.bolt11, { late: true });
    await shop.pass(25 * 60 * MINUTE);
    await shop.pass(10_000);
    const told = toldIn(await alice.hears());
    assert(told.length === 1 && told[0]!.includes("received another 100 sat"), JSON.stringify(told));
    assert((await shop.timeline(await shop.order())).some((text) => text.includes("never reached us")));
    await checkBooks(shop);
  },
);

onEachDatabase(
  "an answer after 8 s isn't offered any more, is watched, and counts when it is paid",
  async (database) => {
    await using shop = await Shop.open({ database });
    const alice = shop.customer();
    shop.wallet.faults.next("createInvoice", { do: "delay", ms: 9_000 });
    const request = requestIn(await ordersWithin(shop, alice, 12_000));
    const [late, open] = await shop.wallet.invoices();
    assertEquals(request.payment_options![0]!.link, open!.bolt11);
    assertEquals((await invoicesOf(shop)).map((row) => [row.state, row.payment_hash]), [
      ["void", late!.paymentHash],
      ["open", open!.paymentHash],
    ]);
    assertEquals(toldIn(await alice.pays(late!.bolt11)), PAID);
    const twice = toldIn(await alice.pays(request));
    assert(twice[0]!.includes("received another 100 sat"));
    await checkBooks(shop);
  },
);

Deno.test("notifications before the invoice is stored, several times and of what isn't ours: one payment", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  shop.wallet.faults.next("createInvoice", { do: "delay", ms: 2_000 });
  await alice.writes(orderJson());
  await shop.inbox.settled();
  await shop.sleeps(1_000);
  const [made] = await shop.wallet.invoices();
  await shop.wallet.settle(made!.bolt11);
  for (const paymentHash of [made!.paymentHash, "00".repeat(32), made!.paymentHash]) {
    shop.wallet.hint({ paymentHash });
  }
  // The ladder's first look comes 5 s after the invoice: until then only the hint can have told.
  await passes(shop, 4_000);
  await shop.settle();
  const heard = await alice.hears();
  // Nothing is left to pay when the request would have gone out.
  assertEquals(toldIn(heard), PAID);
  for (let n = 0; n < 5; n++) shop.wallet.hint({ paymentHash: made!.paymentHash });
  await passes(shop, 2_000);
  assertEquals(await alice.hears(), []);
  await checkBooks(shop);
});

Deno.test("notifications in another order than the payments: each order gets its own", async () => {
  await using shop = await Shop.open();
  const customers = ["alice", "bob", "carol"].map((name) => shop.customer(name));
  const made: string[] = [];
  for (const customer of customers) {
    made.push(requestIn(await customer.orders()).payment_options![0]!.link);
  }
  for (const bolt11 of made.toReversed()) await shop.wallet.settle(bolt11, { silently: true });
  for (const { paymentHash } of (await shop.wallet.invoices()).toReversed()) {
    shop.wallet.hint({ paymentHash });
  }
  await passes(shop, 3_000);
  await shop.settle();
  for (const customer of customers) assertEquals(toldIn(await customer.hears()), PAID);
  await checkBooks(shop);
});

const says = (change: (truth: InvoiceStatus) => unknown): DemoFault => ({ do: "lie", say: change });
const scaled = (times: bigint, by = 1n) =>
  says((truth) =>
    truth.status === "settled" ? { ...truth, amountMsat: truth.amountMsat! * times / by } : truth
  );

for (const [name, fault] of [["1000 times", scaled(1000n)], ["a thousandth", scaled(1n, 1000n)]] as const) {
  Deno.test(`the wallet mixes up sat and msat (${name} of it arrived): paid what was asked, no credit, and it says so`, async () => {
    await using shop = await Shop.open();
    const alice = shop.customer();
    const request = requestIn(await alice.orders());
    shop.wallet.faults.always("lookup", fault);
    assertEquals(toldIn(await alice.pays(request)), PAID);
    const order = await shop.order();
    assertEquals([order.payment, order.received_msat], ["paid", 100_000]);
    assert(
      (await shop.timeline(order)).some((text) => text.includes("which can't be for an invoice of 100 sat")),
    );
    await checkBooks(shop);
  });
}

Deno.test("an invoice of another amount, or of another order, is never shown", async () => {
  await using shop = await Shop.open();
  const [alice, bob] = [shop.customer("alice"), shop.customer("bob")];
  const request = requestIn(await alice.orders());
  const first = (await shop.wallet.invoices())[0]!;
  // Its description names alice's order.
  const again = () => ({ bolt11: first.bolt11, paymentHash: first.paymentHash });
  shop.wallet.faults.next("createInvoice", { do: "lie", say: again });
  assert(refusalIn(await bob.orders()).includes("can't make an invoice"));
  assertEquals(toldIn(await alice.pays(request)), PAID);
  await checkBooks(shop);
});

Deno.test("'settled' with nothing, 'not found' at first, 'open' after 'settled': only a payment counts, once", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const request = requestIn(await alice.orders());
  shop.wallet.faults.next(
    "lookup",
    says(() => ({ status: "settled", amountMsat: 0n, settledAt: 1 })),
    says(() => ({ status: "not_found" })),
    says(() => ({ status: "open" })),
  );
  await passes(shop, 16_000, 1_000);
  assertEquals((await shop.order()).payment, "awaiting");
  assertEquals(toldIn(await alice.pays(request)), PAID);
  shop.wallet.faults.always("lookup", says(() => ({ status: "open" })));
  await shop.pass(16 * MINUTE);
  await shop.pass(25 * 60 * MINUTE);
  assertEquals((await shop.order()).payment, "paid");
  shop.wallet.faults.always("lookup", null);
  await checkBooks(shop);
});

Deno.test("a wallet that forgot an invoice lets the order expire and nothing else", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.orders();
  shop.wallet.faults.always("lookup", says(() => ({ status: "not_found" })));
  await shop.pass(901_000);
  assertEquals((await shop.order()).payment, "expired");
  shop.wallet.faults.always("lookup", null);
  await checkBooks(shop);
});
