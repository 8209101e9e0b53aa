import { assert, assertEquals } from "@std/assert";
import { resend } from "../../src/orders/resend.ts";
import { orderJson, refusalIn, requestIn, toldIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { Shop } from "../support/shop.ts";

onEachDatabase(
  "a sale: ordered, invoiced, paid, shipped, delivered, in the customer's envelope",
  async (database) => {
    await using shop = await Shop.open({ database });
    for (const envelope of ["nip04", "nip17"] as const) {
      const customer = shop.customer(envelope, envelope);
      const request = requestIn(
        await customer.orders({ id: envelope, items: [{ product_id: "cup", quantity: 2 }] }),
      );
      assertEquals([request.id, request.envelope], [envelope, envelope]);
      assertEquals(request.message, "2 × Cup: 200 sat in all, shipping included.");
      assertEquals([request.payment_options![0]!.type, request.payment_options![0]!.amount_sats], [
        "ln",
        200,
      ]);

      assertEquals(toldIn(await customer.pays(request)), [
        "processing, paid: Payment received: 200 sat. Thank you!",
      ]);
      const order = await shop.order(envelope);
      await shop.happens(order, { type: "shipped", carrier: "DHL", tracking: "JD01" });
      await shop.happens(order, { type: "delivered" });
      const last = await customer.hears();
      assertEquals(toldIn(last), [
        "processing, paid, shipped: Your order is on its way. Carrier: DHL. Tracking: JD01.",
        "completed, paid, shipped: Your order is complete.",
      ]);
      assert(last.every((answer) => answer.envelope === envelope));
    }
    assertEquals(await shop.stock(), { onHand: 1, held: 0 });
  },
);

Deno.test("while an order is open its goods are held; a repeat gets the same invoice and holds nothing more", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const first = requestIn(await alice.orders());
  assertEquals(await shop.stock(), { onHand: 5, held: 1 });
  await shop.pass(60_000);
  const second = requestIn(await alice.orders());
  assertEquals(second.payment_options![0]!.link, first.payment_options![0]!.link);
  assert(second.payment_options![0]!.expiry < first.payment_options![0]!.expiry);
  assertEquals(await shop.stock(), { onHand: 5, held: 1 });
  assertEquals((await shop.orders()).length, 1);
});

Deno.test("the same event from two relays is one message", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const event = await alice.writes(orderJson(), { relay: "wss://one.example" });
  await shop.receive(event, "wss://two.example");
  await shop.settle();
  requestIn(await alice.hears());
});

Deno.test("a repeat while the invoice is being made is answered by the invoice", async () => {
  await using shop = await Shop.open();
  shop.wallet.faults.next("createInvoice", { do: "delay", ms: 3_000 });
  const alice = shop.customer();
  await alice.writes(orderJson());
  await shop.inbox.settled();
  await alice.writes(orderJson());
  await shop.inbox.settled();
  assertEquals(await alice.hears(), []);
  await shop.clock.advance(3_000);
  await shop.settle();
  requestIn(await alice.hears());
});

Deno.test("the same order id of another customer is another order", async () => {
  await using shop = await Shop.open();
  const [alice, bob] = [shop.customer("alice"), shop.customer("bob")];
  const hers = requestIn(await alice.orders());
  const his = requestIn(await bob.orders());
  assert(hers.payment_options![0]!.link !== his.payment_options![0]!.link);
  await bob.pays(his);
  assertEquals(await alice.hears(), []);
  const states = (await shop.orders()).map((order) => [order.customer, order.payment]);
  assertEquals(
    new Map(states as [string, string][]),
    new Map([[alice.pubkey, "awaiting"], [bob.pubkey, "paid"]]),
  );
});

Deno.test("a repeat of a paid order is told where it stands; a change of it is refused", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.pays(requestIn(await alice.orders()));
  assertEquals(toldIn(await alice.orders()), ["processing, paid: This order is paid and will be sent."]);
  assertEquals(toldIn(await alice.orders({ address: "2 Other Street" })), [
    "processing, paid: This order is paid and can't be changed any more. It stands as it was.",
  ]);
  assertEquals((await shop.order()).address, "1 Example Street");
  await shop.happens(await shop.order(), { type: "shipped", carrier: null, tracking: null });
  await alice.hears();
  assertEquals(toldIn(await alice.orders()), [
    "processing, paid, shipped: This order is paid and on its way.",
  ]);
});

Deno.test("answers go to the relay where the customer spoke last, and to our own", async () => {
  await using shop = await Shop.open({ relays: ["wss://ours.example"] });
  const alice = shop.customer();
  await alice.writes(orderJson(), { relay: "wss://theirs.example" });
  await shop.settle();
  await shop.pass(1_000);
  const answers = shop.published.filter(([, event]) => event.kind === 4);
  assertEquals(answers.map(([url]) => url).sort(), ["wss://ours.example", "wss://theirs.example"]);
  assertEquals(new Set(answers.map(([, event]) => event.id)).size, 1);
});

Deno.test("a customer who changes the envelope is answered in the new one", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.orders();
  const again = requestIn(await alice.orders({}, { envelope: "nip17" }));
  assertEquals(again.envelope, "nip17");
});

Deno.test("an answer is dated after what it answers and after every answer before", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const ahead = Math.floor(shop.clock.now() / 1000) + 300;
  const first = requestIn(await alice.orders({}, { at: ahead }));
  assert(first.created_at > ahead);
  const [paid] = await alice.pays(first);
  assert(paid!.created_at > first.created_at);
});

Deno.test("a clock that is far ahead isn't believed", async () => {
  await using shop = await Shop.open();
  const now = Math.floor(shop.clock.now() / 1000);
  const request = requestIn(await shop.customer().orders({}, { at: now + 86_400 }));
  assert(request.created_at < now + 60);
});

Deno.test("a physical order without an address is invoiced, and the customer is asked", async () => {
  await using shop = await Shop.open();
  const request = requestIn(await shop.customer().orders({ address: null }));
  assert(/where to send it/.test(request.message!));
});

Deno.test("the rate of the quote is told and kept", async () => {
  await using shop = await Shop.open();
  await shop.shelf.product({ id: "pot", name: "Pot", price: "5.00", currency: "EUR" });
  const request = requestIn(await shop.customer().orders({ items: [{ product_id: "pot", quantity: 1 }] }));
  assertEquals(request.message, "1 × Pot: 10,000 sat in all, shipping included. 1 BTC = 50000 EUR.");
  assertEquals(JSON.parse((await shop.order()).rate!).per_btc, "50000");
});

Deno.test("a correction of the shipping keeps what it doesn't name", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.pays(requestIn(await alice.orders()));
  await shop.happens(await shop.order(), { type: "shipped", carrier: "DHL", tracking: "wrong" });
  await shop.happens(await shop.order(), { type: "shipped", carrier: null, tracking: "right" });
  assertEquals(JSON.parse((await shop.order()).tracking!), { carrier: "DHL", tracking: "right" });
});

Deno.test("the merchant can have the present state sent again, whatever it is", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const again = async () => {
    const { id } = await shop.order();
    await shop.database.transaction((tx) => resend(tx, id, shop.clock.now()));
    await shop.settle();
    return await alice.hears();
  };
  const request = requestIn(await alice.orders());
  assertEquals(requestIn(await again()).payment_options![0]!.link, request.payment_options![0]!.link);
  await alice.pays(request);
  assertEquals(toldIn(await again()), ["processing, paid: This order is paid and will be sent."]);
  await shop.happens(await shop.order(), { type: "merchantCancelled", reason: "The kiln broke" });
  await alice.hears();
  assertEquals(toldIn(await again()), [
    "processing, paid: This order can't be fulfilled. The kiln broke. You'll get your payment back. Answer with a Lightning address or an invoice over 100 sat.",
  ]);
});

Deno.test("cancelled before payment: told once, the goods are free, and a repeat is told why", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.orders();
  await shop.happens(await shop.order(), { type: "merchantCancelled", reason: "The kiln broke" });
  assertEquals(refusalIn(await alice.hears()), "The kiln broke.");
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
  assertEquals(refusalIn(await alice.orders()), "The kiln broke.");
});
