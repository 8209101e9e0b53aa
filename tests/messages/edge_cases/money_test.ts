import { assert, assertEquals } from "@std/assert";
import { deleteProduct } from "../../../src/catalog/products.ts";
import type { MerchantSigner } from "../../../src/nostr/signer.ts";
import { checkBooks } from "../../support/books.ts";
import { type Answer, orderJson, refusalIn, requestIn, toldIn } from "../../support/customer.ts";
import { onEachDatabase } from "../../support/databases.ts";
import { signerThatFails } from "../../support/failing_signer.ts";
import { Shop } from "../../support/shop.ts";
import { until } from "../../support/wire.ts";

const MINUTE = 60_000;
const cups = (quantity: number) => ({ items: [{ product_id: "cup", quantity }] });
const linkOf = (request: Answer) => request.payment_options![0]!.link;
const satOf = (request: Answer) => request.payment_options![0]!.amount_sats;

Deno.test("#26 deleted, hidden, sold out, paused: refused with the reason, nothing held, nothing invoiced", async () => {
  await using shop = await Shop.open();
  await shop.shelf.product({ id: "hidden", name: "Hidden", active: false });
  await shop.shelf.product({ id: "gone", name: "Gone", quantity: 0 });
  await shop.shelf.product({ id: "old", name: "Old" });
  await shop.database.transaction((tx) =>
    deleteProduct(tx, { merchant: shop.merchant, id: "old", now: shop.clock.now() })
  );
  const alice = shop.customer();
  const ask = (product_id: string) => alice.orders({ id: product_id, items: [{ product_id, quantity: 1 }] });
  assertEquals(refusalIn(await ask("old")), 'Not for sale any more: "Old" (old).');
  assertEquals(refusalIn(await ask("hidden")), 'Not for sale any more: "Hidden" (hidden).');
  assertEquals(refusalIn(await ask("gone")), '"Gone" is sold out.');
  shop.terms.closed = "We're at the sea until Monday.";
  assertEquals(refusalIn(await ask("cup")), "We're at the sea until Monday.");
  assertEquals(await shop.wallet.invoices(), []);
});

onEachDatabase(
  "#26 the last unit: one of two gets it, and who asks again after its expiry does",
  async (database) => {
    await using shop = await Shop.open({ database });
    await shop.shelf.product({ id: "last", name: "Last", quantity: 1 });
    const order = { items: [{ product_id: "last", quantity: 1 }] };
    const buyers = [shop.customer("alice"), shop.customer("bob")];
    for (const buyer of buyers) await buyer.writes(orderJson(order));
    await shop.settle();
    const answers = [];
    for (const buyer of buyers) answers.push(...await buyer.hears());
    assertEquals(answers.map((answer) => answer.payment_options!.length).sort(), [0, 1]);
    assertEquals(await shop.stock("last"), { onHand: 1, held: 1 });
    await shop.pass(15 * MINUTE + 1);
    // The wallet is asked once more before it is over.
    await until(async () => (await shop.stock("last")).held === 0);
    const loser = buyers[answers[0]!.payment_options!.length]!;
    await loser.pays(requestIn(await loser.orders(order)));
    assertEquals(await shop.stock("last"), { onHand: 0, held: 0 });
    await checkBooks(shop);
  },
);

Deno.test("#27 paid after expiry or cancellation: honoured while the goods are there, else the money goes back", async () => {
  await using shop = await Shop.open({ terms: { maxOpenOrders: 9 } });
  const alice = shop.customer();
  const [inTime, late, cancelled] = [
    requestIn(await alice.orders({ id: "1", ...cups(1) })),
    requestIn(await alice.orders({ id: "2", ...cups(2) })),
    requestIn(await alice.orders({ id: "3", ...cups(1) })),
  ];
  await shop.happens(await shop.order("3"), { type: "merchantCancelled", reason: "The kiln broke" });
  await shop.pass(16 * MINUTE);
  await alice.hears();
  assert(
    toldIn(await alice.pays(inTime, { late: true }))[0]!.startsWith("processing, paid: Payment received"),
  );
  const bob = shop.customer("bob");
  requestIn(await bob.orders(cups(4)));
  const [short] = toldIn(await alice.pays(late, { late: true }));
  assert(
    short!.startsWith("processing, paid: The goods are not available any more. You'll get back the 200 sat"),
  );
  const [over] = toldIn(await alice.pays(cancelled, { late: true }));
  assert(
    over!.startsWith(
      "processing, paid: The payment came after the order was cancelled. You'll get back the 100 sat",
    ),
  );
  await checkBooks(shop);
});

Deno.test("#28 too little is a part payment, too much a credit", async () => {
  await using shop = await Shop.open();
  const [alice, bob] = [shop.customer(), shop.customer("bob")];
  const rest = requestIn(await alice.pays(requestIn(await alice.orders()), { amountMsat: 40_000n }));
  assertEquals(satOf(rest), 60);
  assertEquals(toldIn(await alice.pays(rest)).length, 1);
  const [over] = toldIn(await bob.pays(requestIn(await bob.orders()), { amountMsat: 150_000n }));
  assert(over!.includes("150 sat, more than the 100 sat owed"));
  assertEquals((await shop.orders()).map((order) => order.payment).sort(), ["overpaid", "paid"]);
});

Deno.test("#29 two invoices of one order are both paid: the order goes on, the excess goes back, said once", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const first = requestIn(await alice.orders(cups(1)));
  const second = requestIn(await alice.orders(cups(2)));
  await alice.pays(second);
  assertEquals(toldIn(await alice.pays(first)).length, 1);
  const order = await shop.order();
  assertEquals([order.payment, order.fulfilment, order.received_msat], [
    "refund_due",
    "unfulfilled",
    300_000,
  ]);
  await checkBooks(shop);
});

Deno.test("#30 receipts, preimages, zap receipts and words pay nothing", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer("alice", "nip17");
  const request = requestIn(await alice.orders());
  const preimage = "ab".repeat(32);
  const receipt = [["p", shop.merchant], ["order", "order-1"], [
    "payment",
    "lightning",
    linkOf(request),
    preimage,
  ]];
  const claims: [unknown, { kind?: number; tags?: string[][] }][] = [
    ["Payment confirmation", { kind: 17, tags: receipt }],
    [{ id: "order-1", type: 2, paid: true, shipped: false, preimage }, {}],
    ["✅ PAYMENT RECEIVED\n\nOrder #order-1 has been paid!", {}],
    ["I have paid, honestly.", {}],
    [JSON.stringify({ kind: 9735, tags: [["bolt11", linkOf(request)], ["preimage", preimage]] }), {}],
  ];
  for (const [content, sending] of claims) assertEquals(await alice.says(content, sending), []);
  shop.wallet.hint({ paymentHash: (await shop.wallet.invoices())[0]!.paymentHash });
  await shop.pass(1_000);
  assertEquals((await shop.order()).payment, "awaiting");
  assertEquals(await alice.hears(), []);
  assertEquals(toldIn(await alice.pays(request)).length, 1);
});

Deno.test("#31 no rate, nothing to pay, too much, fractions: a clear refusal, or rounded up to a sat", async () => {
  await using shop = await Shop.open();
  const prices: [string, Record<string, unknown>, number | RegExp][] = [
    ["usd", { price: 5, currency: "USD" }, /no exchange rate for USD right now/],
    ["free", { price: 0 }, /The total is 0 sat; the least we can take is 1 sat\./],
    ["dear", { price: 100_000_001 }, /the most we take in one order is 100000000 sat/],
    ["cent", { price: 0.01, currency: "EUR" }, 20],
    ["third", { price: 0.0003, currency: "EUR" }, 1],
  ];
  for (const [id, product, expected] of prices) {
    const made = await shop.shelf.createProduct({ id, name: id, ...product });
    if (!made.ok) continue;
    const [answer] = await shop.customer(id).orders({ items: [{ product_id: id, quantity: 1 }] });
    if (typeof expected === "number") assertEquals(satOf(answer!), expected);
    else assert(expected.test(answer!.message!), answer!.message);
  }
});

Deno.test("#32 the wallet is down: silence for 25 s, one apology without options, then the payment request", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  shop.wallet.faults.always("createInvoice", { do: "lose" });
  await alice.writes(orderJson());
  await shop.inbox.settled();
  for (let i = 0; i < 24; i++) await shop.sleeps(1_000);
  assertEquals(await alice.hears(), []);
  for (let i = 0; i < 6; i++) await shop.sleeps(1_000);
  assert(refusalIn(await alice.hears()).startsWith("Your invoice takes longer than it should."));
  shop.wallet.faults.always("createInvoice", null);
  for (let i = 0; i < 30; i++) await shop.sleeps(1_000);
  await shop.settle();
  assertEquals(satOf(requestIn(await alice.hears())), 100);
});

Deno.test("#33 hints twice, early, late and out of order: the payment counts once and is told once", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  shop.wallet.hint({ paymentHash: "00".repeat(32) });
  const request = requestIn(await alice.orders());
  const { paymentHash } = (await shop.wallet.invoices())[0]!;
  shop.wallet.hint({ paymentHash });
  await shop.clock.advance(10);
  const told = await alice.pays(request);
  for (let i = 0; i < 3; i++) shop.wallet.hint({ paymentHash });
  await shop.pass(1_000);
  assertEquals([told.length, (await alice.hears()).length], [1, 0]);
  assertEquals((await shop.order()).received_msat, 100_000);
  await checkBooks(shop);
});

Deno.test("#35 the process dies between payment and delivery: digital goods leave once, by the next one", async () => {
  let down = false;
  const signer = (own: MerchantSigner) => signerThatFails(own, () => down);
  await using second = await Shop.open({ signer });
  await second.shelf.product({
    id: "book",
    name: "Book",
    digital: true,
    quantity: null,
    digital_content: "the key",
  });
  const alice = second.customer();
  {
    await using first = await second.another();
    const request = requestIn(await alice.orders({ items: [{ product_id: "book", quantity: 1 }] }));
    down = true;
    await first.paid(linkOf(request));
  }
  assertEquals(await alice.hears(), []);
  down = false;
  for (let i = 0; i < 20; i++) await second.pass(1_000);
  assertEquals((await alice.hears()).map((answer) => answer.message), [
    "Payment received: 100 sat. Thank you!",
    "the key",
  ]);
  const sent = await second.database.kysely.selectFrom("messages").select("seq").where("type", "=", "digital")
    .execute();
  assertEquals(sent.length, 1);
});

Deno.test("#36 open orders are capped by customer: one refusal each, repeats are free", async () => {
  await using shop = await Shop.open({ terms: { maxOpenOrders: 2 } });
  const alice = shop.customer();
  const first = requestIn(await alice.orders({ id: "1" }));
  requestIn(await alice.orders({ id: "2" }));
  assert(refusalIn(await alice.orders({ id: "3" })).startsWith("You have 2 unpaid orders here"));
  requestIn(await alice.orders({ id: "1" }));
  await alice.pays(first);
  // There is room now, and the same message says so.
  requestIn(await alice.orders({ id: "3" }));
  assertEquals(await shop.stock(), { onHand: 4, held: 2 });
});
