import { assert, assertEquals } from "@std/assert";
import { accept } from "../../src/orders/accept.ts";
import { refusalIn, requestIn, toldIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { Shop } from "../support/shop.ts";

const cups = (quantity: number) => [{ product_id: "cup", quantity }];

onEachDatabase(
  "less than asked: the rest gets an invoice of its own, and the customer time for it",
  async (database) => {
    await using shop = await Shop.open({ database });
    const alice = shop.customer();
    const request = requestIn(await alice.orders({ items: cups(2) }));
    await shop.pass(890_000);
    const rest = requestIn(await alice.pays(request, { amountMsat: 150_000n }));
    assertEquals(rest.payment_options![0]!.amount_sats, 50);
    assert(rest.payment_options![0]!.expiry > 800);
    await shop.pass(600_000);
    assertEquals((await shop.order()).payment, "awaiting");
    assertEquals(toldIn(await alice.pays(rest)), ["processing, paid: Payment received: 200 sat. Thank you!"]);
    const payments = await shop.database.kysely.selectFrom("payments").select("amount_msat").orderBy(
      "amount_msat",
    )
      .execute();
    assertEquals(payments.map((payment) => payment.amount_msat), [50_000, 150_000]);
  },
);

Deno.test("a repeat while the rest is owed gets the request for the rest again", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const rest = requestIn(await alice.pays(requestIn(await alice.orders()), { amountMsat: 40_000n }));
  const again = requestIn(await alice.orders());
  assertEquals(again.payment_options![0]!.link, rest.payment_options![0]!.link);
  assert(again.message!.startsWith("We received 40 sat of 100 sat."));
});

Deno.test("the rest is never paid: the part goes back, the goods are free", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.pays(requestIn(await alice.orders()), { amountMsat: 40_000n });
  await shop.pass(960_000);
  const told = toldIn(await alice.hears());
  assert(told[0]!.startsWith("processing, paid:") && told[0]!.includes("You'll get back the 40 sat"));
  assertEquals((await shop.order()).payment, "refund_due");
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
});

Deno.test("more than asked is a credit", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const told = toldIn(await alice.pays(requestIn(await alice.orders()), { amountMsat: 150_000n }));
  assert(told[0]!.includes("150 sat, more than the 100 sat owed"));
  assertEquals((await shop.order()).payment, "overpaid");
});

Deno.test("unnoticed by hints, a payment is found by looking", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.pays(requestIn(await alice.orders()), { silently: true });
  assertEquals((await shop.order()).payment, "awaiting");
  await shop.pass(16_000);
  assertEquals(toldIn(await alice.hears()).length, 1);
});

Deno.test("a hint alone proves nothing", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.orders();
  const [invoice] = await shop.wallet.invoices();
  shop.wallet.hint({ paymentHash: invoice!.paymentHash });
  await shop.pass(3_000);
  assertEquals((await shop.order()).payment, "awaiting");
});

Deno.test("unpaid: it expires without a word, the goods are free, and a repeat is told why", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.orders();
  await shop.pass(901_000);
  assertEquals(await alice.hears(), []);
  const order = await shop.order();
  assertEquals([order.payment, order.reason], [
    "expired",
    "This order expired before it was paid. Please order again.",
  ]);
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
  assertEquals(refusalIn(await alice.orders()), order.reason);
  assertEquals(refusalIn(await alice.orders({ items: cups(2) })), order.reason);
  assertEquals((await shop.orders()).length, 1);
});

Deno.test("a repeat when the invoice has run out and the wallet doesn't answer is no silence", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.orders();
  shop.wallet.faults.always("lookup", { do: "fail", kind: "unreachable" });
  await shop.pass(905_000);
  assertEquals((await shop.order()).payment, "awaiting");
  assert(refusalIn(await alice.orders()).startsWith("The payment request has run out."));
  shop.wallet.faults.always("lookup", null);
});

onEachDatabase("paid late with the goods still there: sold", async (database) => {
  await using shop = await Shop.open({ database });
  const alice = shop.customer();
  const request = requestIn(await alice.orders({ items: cups(5) }));
  await shop.pass(901_000);
  assertEquals(toldIn(await alice.pays(request, { late: true })), [
    "processing, paid: Payment received: 500 sat. Thank you!",
  ]);
  assertEquals(await shop.stock(), { onHand: 0, held: 0 });
});

onEachDatabase(
  "paid a day late: the money goes back, whatever it is worth now, unless the merchant takes it",
  async (database) => {
    await using shop = await Shop.open({ database });
    const alice = shop.customer();
    const request = requestIn(await alice.orders());
    await shop.pass(901_000);
    await shop.pass(24 * 3_600_000);
    const told = toldIn(await alice.pays(request, { late: true }));
    assert(
      told[0]!.includes("more than a day after the order's time was up. You'll get back the 100 sat"),
      told[0],
    );
    const { id, payment } = await shop.order();
    assertEquals(payment, "refund_due");
    assertEquals(await shop.stock(), { onHand: 5, held: 0 });
    await shop.database.transaction((tx) => accept(tx, id, shop.clock.now()));
    assertEquals([(await shop.order()).payment, (await shop.stock()).onHand], ["paid", 4]);
  },
);

Deno.test("paid in time and found days later: sold", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const request = requestIn(await alice.orders());
  shop.wallet.faults.always("lookup", { do: "fail", kind: "unreachable" });
  await alice.pays(request, { silently: true });
  for (let hour = 0; hour < 60; hour++) await shop.pass(3_600_000);
  assertEquals((await shop.order()).payment, "expired");
  shop.wallet.faults.always("lookup", null);
  await shop.pass(3_600_000);
  assertEquals((await shop.order()).payment, "paid");
});

Deno.test("paid late with the goods gone: the money goes back and the other sale stands", async () => {
  await using shop = await Shop.open();
  const [alice, bob] = [shop.customer("alice"), shop.customer("bob")];
  const request = requestIn(await alice.orders({ items: cups(5) }));
  await shop.pass(901_000);
  await bob.pays(requestIn(await bob.orders({ items: cups(1) })));
  const told = toldIn(await alice.pays(request, { late: true }));
  assert(told[0]!.startsWith("processing, paid: The goods are not available any more."));
  assertEquals((await shop.orders()).map((order) => order.payment).sort(), ["paid", "refund_due"]);
  assertEquals(await shop.stock(), { onHand: 4, held: 0 });
});

Deno.test("paid twice, by the open invoice and by one from before an amendment: it goes on, the excess goes back", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const old = requestIn(await alice.orders());
  const now = requestIn(await alice.orders({ items: cups(2) }));
  await alice.pays(now);
  const told = toldIn(await alice.pays(old));
  assert(told[0]!.includes("we received another 100 sat. You'll get that back. Your order stands."));
  const order = await shop.order();
  assertEquals([order.payment, order.fulfilment, order.received_msat], [
    "refund_due",
    "unfulfilled",
    300_000,
  ]);
  assertEquals(await shop.stock(), { onHand: 3, held: 0 });
  assertEquals(toldIn(await alice.orders({ items: cups(2) })), [
    "processing, paid: This order is paid and will be sent. You have paid more than once: you'll get the excess back. Answer with a Lightning address or an invoice over 100 sat.",
  ]);
});

Deno.test("paid after it was cancelled: nothing is sold behind the merchant's back", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const request = requestIn(await alice.orders());
  await shop.happens(await shop.order(), { type: "merchantCancelled", reason: "The kiln broke" });
  await alice.hears();
  const told = toldIn(await alice.pays(request));
  assert(told[0]!.includes("came after the order was cancelled. You'll get back the 100 sat"));
  assertEquals((await shop.order()).payment, "refund_due");
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
});

Deno.test("cancelled after payment: a refund is promised, nothing is sent, the goods are the merchant's to count", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.pays(requestIn(await alice.orders()));
  await shop.happens(await shop.order(), { type: "merchantCancelled", reason: "The kiln broke" });
  assertEquals(toldIn(await alice.hears()), [
    "processing, paid: The kiln broke. You'll get back the 100 sat that you paid. " +
    "Answer with a Lightning address or an invoice over 100 sat.",
  ]);
});

Deno.test("the wallet is slow: an apology after a while, the invoice when it comes, one invoice to pay", async () => {
  await using shop = await Shop.open();
  for (let i = 0; i < 3; i++) shop.wallet.faults.next("createInvoice", { do: "lose" });
  const alice = shop.customer();
  await alice.writes({ type: 0, id: "slow", items: cups(1), shipping_id: null, address: "x" });
  await shop.inbox.settled();
  // Three times no answer in time, and a pause after each.
  for (let i = 0; i < 6; i++) await shop.sleeps(8_600);
  await shop.settle();
  assert(refusalIn(await alice.hears()).startsWith("Your invoice takes longer than it should."));
  await shop.pass(15_000);
  await alice.pays(requestIn(await alice.hears()));
  assertEquals((await shop.order()).payment, "paid");
});

Deno.test("the wallet says no: the order fails with an apology and the goods are free", async () => {
  await using shop = await Shop.open();
  shop.wallet.faults.always("createInvoice", { do: "fail", kind: "refused" });
  const alice = shop.customer();
  assert(refusalIn(await alice.orders()).includes("can't make an invoice at the moment"));
  assertEquals((await shop.order()).payment, "failed");
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
});
