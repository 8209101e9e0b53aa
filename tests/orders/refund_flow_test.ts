import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { checkBooks } from "../support/books.ts";
import { requestIn, toldIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { Shop } from "../support/shop.ts";
import { chatIn, decides, foreignInvoice, invoiceOver, owed, refund, refunds, tries } from "./refunds.ts";

const cups = (quantity: number) => [{ product_id: "cup", quantity }];
const SAT = 1_000n;

onEachDatabase(
  "paid twice: the excess goes to the customer's invoice, and the order goes on",
  async (database) => {
    await using shop = await Shop.open({ database });
    const alice = shop.customer();
    const old = requestIn(await alice.orders());
    await alice.pays(requestIn(await alice.orders({ items: cups(2) })));
    const told = toldIn(await alice.pays(old));
    assert(
      told[0]!.endsWith("Your order stands. Answer with a Lightning address or an invoice over 100 sat."),
      told[0],
    );
    const due = await refund(shop);
    assertEquals([due.state, due.amount_msat, due.customer], ["due", 100_000, alice.pubkey]);

    const invoice = await invoiceOver(shop, 100);
    assertEquals(
      chatIn(await alice.says(`Here you are: lightning:${invoice.toUpperCase()}, thanks`)),
      "Thank you: 100 sat will be sent to your invoice as soon as the merchant has confirmed it.",
    );
    assertEquals(shop.spend.payments(), []);
    await decides(shop, { approve: due.id });
    assertEquals(toldIn(await alice.hears()), [
      "processing, paid: What you paid too much was sent back. Your order stands.",
    ]);
    const [paid] = shop.spend.payments();
    assertEquals([paid!.amountMsat, shop.spend.payments().length], [100n * SAT, 1]);
    const sent = await refund(shop);
    assertEquals([sent.state, sent.fee_msat, sent.wallet, sent.approved_by], ["sent", 1_000, "demo", "ann"]);
    assertEquals(sent.destination, invoice);
    const order = await shop.order();
    assertEquals([order.payment, order.fulfilment, order.refunding_msat], ["paid", "unfulfilled", 100_000]);
    assertEquals((await shop.timeline(order)).slice(-4), [
      "The customer sent an invoice for the refund of 100 sat.",
      "The refund of 100 sat was approved by the merchant.",
      "100 sat were sent to the customer's invoice. The wallet's fee was 1 sat.",
      "The excess was refunded.",
    ]);
    // The proof isn't kept: whoever has it can say that they paid.
    assert(!JSON.stringify(await refunds(shop)).includes(paid!.preimage));
    await checkBooks(shop);
  },
);

Deno.test("paid after it was cancelled: everything goes back and the order is refunded", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer("alice", "nip17");
  const request = requestIn(await alice.orders());
  await shop.happens(await shop.order(), { type: "merchantCancelled", reason: "The kiln broke" });
  await alice.hears();
  await alice.pays(request);
  await alice.says(await invoiceOver(shop, 100));
  await decides(shop, { approve: (await refund(shop)).id });
  assertEquals(toldIn(await alice.hears()), ["refunded: Your payment was refunded."]);
  assertEquals((await shop.order()).payment, "refunded");
  await checkBooks(shop);
});

Deno.test("paid late with the goods gone: the money goes back", async () => {
  await using shop = await Shop.open();
  const [alice, bob] = [shop.customer("alice"), shop.customer("bob")];
  const request = requestIn(await alice.orders({ id: "late", items: cups(5) }));
  await shop.pass(901_000);
  await bob.pays(requestIn(await bob.orders({ items: cups(1) })));
  const told = toldIn(await alice.pays(request, { late: true }));
  assertStringIncludes(
    told[0]!,
    "You'll get back the 500 sat that you paid. Answer with a Lightning address or an invoice",
  );
  await alice.says(await invoiceOver(shop, 500));
  await decides(shop, { approve: (await refund(shop)).id });
  assertEquals((await shop.order("late")).payment, "refunded");
  await checkBooks(shop);
});

Deno.test("nobody but the order's own customer says where the money goes", async () => {
  await using shop = await Shop.open();
  const [alice, mallory] = [shop.customer("alice"), shop.customer("mallory")];
  const due = await owed(shop, alice);
  const theirs = await invoiceOver(shop, 100);
  assertEquals(await mallory.says(theirs), []);
  assertEquals(await mallory.says(`{"customer":"${alice.pubkey}"} ${theirs}`), []);
  const [last] = await shop.database.kysely.selectFrom("messages").selectAll()
    .where("customer", "=", mallory.pubkey).orderBy("seq").execute();
  assertEquals([last!.type, last!.order_id], ["chat", null]);
  assertEquals((await refund(shop)).destination, null);
  assert(!(await tries(shop, { approve: due.id })).ok);
});

Deno.test("an invoice in a chat is chat when no refund is due", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  assertEquals(await alice.says(await invoiceOver(shop, 100)), []);
  const due = await owed(shop, alice);
  await alice.says(await invoiceOver(shop, 100));
  await decides(shop, { approve: due.id });
  await alice.hears();
  assertEquals(await alice.says(await invoiceOver(shop, 100)), []);
  assertEquals(shop.spend.payments().length, 1);
});

Deno.test("an invoice that can't be used is answered once, with the reason; a later one can be", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await owed(shop, alice);
  const good = foreignInvoice(shop);
  const now = Math.floor(shop.clock.now() / 1000);
  for (
    const [invoice, reason] of [
      [foreignInvoice(shop, { amountMsat: 99_000n }), "It is over 99 sat instead of 100 sat."],
      [foreignInvoice(shop, { network: "bc" }), "It is for another network."],
      [foreignInvoice(shop, { timestamp: now - 90_000 }), "It has expired."],
      [foreignInvoice(shop, { expirySeconds: 200 }), "It expires within five minutes."],
      [`${good.slice(0, -1)}${good.endsWith("q") ? "p" : "q"}`, "It can't be read:"],
      [(await shop.wallet.invoices())[0]!.bolt11, "It is one of this shop's own invoices."],
    ] as const
  ) {
    const said = chatIn(await alice.says(invoice));
    assert(said.startsWith("Your invoice can't be used for your refund."), said);
    assertStringIncludes(said, reason);
    assert(said.endsWith("Answer with a Lightning address or an invoice over 100 sat."), said);
    assertEquals((await refund(shop)).destination, null);
  }
  await alice.says(foreignInvoice(shop, { amountMsat: null }));
  assertEquals((await refund(shop)).payment_hash, "ab".repeat(32));
});

Deno.test("two programs don't talk for ever: after ten useless invoices a person reads them", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await owed(shop, alice);
  for (let i = 0; i < 10; i++) chatIn(await alice.says(foreignInvoice(shop, { amountMsat: BigInt(i + 1) })));
  assertEquals(await alice.says(foreignInvoice(shop, { amountMsat: 77n })), []);
});

Deno.test("an invoice without an amount gets the refund's", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const due = await owed(shop, alice);
  await alice.says(foreignInvoice(shop, { amountMsat: null }));
  const asked: unknown[] = [];
  shop.spend.pay = (payment) => {
    asked.push([payment.amountMsat, payment.amountless]);
    return Promise.reject(new Error("enough seen"));
  };
  await decides(shop, { approve: due.id });
  assertEquals(asked, [[100n * SAT, true]]);
});

onEachDatabase(
  "each refund needs an invoice of its own, and each goes to the one of its amount",
  async (database) => {
    await using shop = await Shop.open({ database });
    const alice = shop.customer();
    await owed(shop, alice, "one");
    await alice.pays(requestIn(await alice.orders({ id: "two", items: cups(2) })));
    await shop.happens(await shop.order("two"), { type: "merchantCancelled", reason: "Sold out" });
    await alice.hears();
    const invoice = await invoiceOver(shop, 200);
    await alice.says(invoice);
    const two = await shop.order("two");
    const destined = (await refunds(shop)).filter((one) => one.destination !== null);
    assertEquals(destined.map((one) => one.order_id), [two.id]);
    // A third one of the same amount: its invoice must be another.
    await alice.pays(requestIn(await alice.orders({ id: "three", items: cups(2) })));
    await shop.happens(await shop.order("three"), { type: "merchantCancelled", reason: "Sold out" });
    await alice.hears();
    assertStringIncludes(chatIn(await alice.says(invoice)), "It has been used for another refund");
    await alice.says(await invoiceOver(shop, 200));
    await alice.says(await invoiceOver(shop, 100));
    const all = await refunds(shop);
    assertEquals(new Set(all.map((one) => one.payment_hash)).size, 3);
    for (const one of all) await decides(shop, { approve: one.id });
    assertEquals(shop.spend.payments().map((paid) => paid.amountMsat).sort(), [
      100n * SAT,
      200n * SAT,
      200n * SAT,
    ]);
    assertEquals((await shop.orders()).map((order) => order.payment), ["refunded", "refunded", "refunded"]);
    await checkBooks(shop);
  },
);

Deno.test("within the limit and the day's budget no person is needed; above either one is", async () => {
  const autoRefund = { limitMsat: 150n * SAT, budgetMsat: 250n * SAT };
  await using shop = await Shop.open({ terms: { autoRefund, maxOpenOrders: 10 } });
  const alice = shop.customer();
  const states = async () => (await refunds(shop)).map((one) => one.state).sort().reverse();
  for (const id of ["one", "two"]) {
    await owed(shop, alice, id);
    const said = (await alice.says(await invoiceOver(shop, 100))).map((one) => one.text ?? one.message);
    assertEquals(said, ["Thank you: 100 sat are being sent to your invoice.", "Your payment was refunded."]);
  }
  assertEquals(await states(), ["sent", "sent"]);
  await owed(shop, alice, "three");
  await alice.says(await invoiceOver(shop, 100));
  assertEquals(await states(), ["sent", "sent", "due"]);
  await shop.pass(25 * 3_600_000);
  await alice.says(await invoiceOver(shop, 100));
  assertEquals(await states(), ["sent", "sent", "sent"]);
  await shop.pass(25 * 3_600_000);
  await alice.hears();
  await alice.pays(requestIn(await alice.orders({ id: "four", items: cups(2) })));
  await shop.happens(await shop.order("four"), { type: "merchantCancelled", reason: "Sold out" });
  await alice.says(await invoiceOver(shop, 200));
  assertEquals(await states(), ["sent", "sent", "sent", "due"]);
});

Deno.test("given back by hand: the customer hears of it and the order is refunded", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const due = await owed(shop, alice);
  await decides(shop, { byHand: due.id });
  assertEquals(toldIn(await alice.hears()), ["refunded: Your payment was refunded."]);
  const row = await refund(shop);
  assertEquals([row.state, row.note, row.approved_by], ["by_hand", "Handed over in cash.", "ann"]);
  for (const again of [{ byHand: due.id }, { approve: due.id }, { cancel: due.id, reason: "No." }]) {
    assert(!(await tries(shop, again)).ok);
  }
  await checkBooks(shop);
});

Deno.test("a refund that is withdrawn frees the money, and the customer reads why", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const due = await owed(shop, alice);
  const invoice = await invoiceOver(shop, 100);
  await alice.says(invoice);
  await decides(shop, { cancel: due.id, reason: "We agreed on a new cup." });
  assertEquals(toldIn(await alice.hears()), [
    "processing, paid: The merchant has withdrawn the refund of 100 sat: We agreed on a new cup.",
  ]);
  assertEquals((await shop.order()).refunding_msat, 0);
  // It can be opened anew, and the invoice that was never paid can be used for it.
  await decides(shop, { refund: (await shop.order()).id, reason: "No cup after all." });
  assertStringIncludes(toldIn(await alice.hears())[0]!, "The merchant gives back 100 sat: No cup after all.");
  await alice.says(invoice);
  await decides(shop, { approve: (await refunds(shop)).find((one) => one.state === "due")!.id });
  assertEquals((await shop.order()).payment, "refunded");
  await checkBooks(shop);
});

Deno.test("an order that the merchant takes after all has no refund any more", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const due = await owed(shop, alice);
  await alice.says(await invoiceOver(shop, 100));
  await decides(shop, { approve: due.id });
  assertEquals((await shop.order()).payment, "refunded");
  await alice.hears();
  await owed(shop, alice, "two");
  const two = await shop.order("two");
  await shop.happens(two, { type: "accepted", stock: "available" });
  assertEquals([(await shop.order("two")).payment, (await shop.order("two")).refunding_msat], ["paid", 0]);
  assertEquals((await refunds(shop)).map((one) => one.state).sort(), ["cancelled", "sent"]);
});

Deno.test("a part of a paid order's money, and the credit of an overpaid one, go back on the merchant's word", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.pays(requestIn(await alice.orders({ id: "part" })));
  const part = await decides(shop, {
    refund: (await shop.order("part")).id,
    amountMsat: 20n * SAT,
    reason: "A chip in the cup.",
  });
  assertEquals(toldIn(await alice.hears()), [
    "processing, paid: The merchant gives back 20 sat: A chip in the cup. Answer with a Lightning address or an invoice over 20 sat.",
  ]);
  await alice.says(await invoiceOver(shop, 20));
  await decides(shop, { approve: part.id });
  assertEquals(toldIn(await alice.hears()), ["processing, paid: 20 sat have been sent back to you."]);
  assertEquals((await shop.order("part")).payment, "paid");
  const more = await tries(shop, {
    refund: (await shop.order("part")).id,
    amountMsat: 81n * SAT,
    reason: "More",
  });
  assert(!more.ok && more.reason === "At most 80 sat can still go back.");

  await alice.pays(requestIn(await alice.orders({ id: "over" })), { amountMsat: 150n * SAT });
  const credit = await decides(shop, { refund: (await shop.order("over")).id, reason: "Too much." });
  assertEquals(credit.amount_msat, 50_000);
  await decides(shop, { byHand: credit.id });
  assertEquals((await shop.order("over")).payment, "paid");

  const whole = await decides(shop, { refund: (await shop.order("part")).id, reason: "It broke." });
  assertEquals(whole.amount_msat, 80_000);
  const order = await shop.order("part");
  assertEquals([order.payment, order.fulfilment], ["refund_due", "none"]);
  await decides(shop, { byHand: whole.id });
  assertEquals((await shop.order("part")).payment, "refunded");
  assert(!(await tries(shop, { refund: order.id, reason: "Again" })).ok);
  await checkBooks(shop);
});

Deno.test("what isn't paid yet has nothing to go back", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.orders();
  const { id } = await shop.order();
  const refused = await tries(shop, { refund: id, reason: "No." });
  assert(!refused.ok && refused.reason.includes("cancel it instead"));
  await shop.happens(await shop.order(), { type: "merchantCancelled", reason: "Closed" });
  assert(!(await tries(shop, { refund: id, reason: "No." })).ok);
});
