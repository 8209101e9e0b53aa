import { assert, assertEquals } from "@std/assert";
import { orderJson, refusalIn, requestIn } from "../support/customer.ts";
import { Shop } from "../support/shop.ts";

const item = (product_id: string, quantity = 1) => ({ items: [{ product_id, quantity }] });

Deno.test("what can't be sold is refused with the reason, kept, and a repeat is told the same", async () => {
  await using shop = await Shop.open();
  await shop.shelf.product({ id: "far", name: "Far", price: "5.00", currency: "USD" });
  await shop.shelf.product({ id: "dear", name: "Dear", price: 100_000_001 });
  await shop.shelf.product({ id: "gone", name: "Gone", quantity: 0 });
  const cases: [order: Parameters<typeof orderJson>[0], reason: RegExp][] = [
    [item("moon"), /We have no product moon/],
    [item("cup", 6), /Only 5 of "Cup" left\./],
    [item("gone"), /"Gone" is sold out\./],
    [item("far"), /no exchange rate for USD/],
    [item("dear"), /the most we take in one order is 100000000 sat/],
    [{ ...item("cup"), shipping_id: "mars" }, /We don't know the shipping zone mars/],
    [item("cup", 0), /whole number from 1 to 10000/],
    [{ items: [] }, /The order has no items/],
  ];
  for (const [i, [order, reason]] of cases.entries()) {
    const alice = shop.customer(`alice ${i}`);
    const told = refusalIn(await alice.orders(order));
    assert(reason.test(told), told);
    assertEquals(refusalIn(await alice.orders(order)).includes(told), true);
    const row = (await shop.orders()).find((one) => one.customer === alice.pubkey)!;
    assertEquals([row.payment, row.reason], ["rejected", told]);
  }
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
});

Deno.test("an order without an id is answered without one", async () => {
  await using shop = await Shop.open();
  const [answer, ...more] = await shop.customer().says({ ...orderJson(), id: undefined });
  assertEquals(more, []);
  assert(!Object.hasOwn(JSON.parse(answer!.raw), "id"));
  assert(/no id/.test(answer!.message!));
});

Deno.test("a paused shop, or one without a wallet, says so and takes orders again later", async () => {
  await using shop = await Shop.open({ terms: { closed: "We're at the sea until Monday." } });
  const alice = shop.customer();
  assertEquals(refusalIn(await alice.orders({ id: "1" })), "We're at the sea until Monday.");
  shop.terms.closed = null;
  requestIn(await alice.orders({ id: "2" }));
  assertEquals(await shop.stock(), { onHand: 5, held: 1 });
});

Deno.test("the wallet is taken away between order and invoice: the order fails and the goods are free", async () => {
  await using shop = await Shop.open();
  shop.walletThere = false;
  assertEquals(refusalIn(await shop.customer().orders()), "This shop can't take payments yet.");
  assertEquals((await shop.order()).payment, "failed");
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
});

Deno.test("the cap of open orders: refused once above it, a repeat doesn't count, and what is paid or over makes room", async () => {
  await using shop = await Shop.open({ terms: { maxOpenOrders: 2 } });
  const alice = shop.customer();
  const first = requestIn(await alice.orders({ id: "1" }));
  requestIn(await alice.orders({ id: "2" }));
  requestIn(await alice.orders({ id: "2" }));
  assert(refusalIn(await alice.orders({ id: "3" })).startsWith("You have 2 unpaid orders here"));
  requestIn(await shop.customer("bob").orders({ id: "3" }));
  await alice.pays(first);
  requestIn(await alice.orders({ id: "4" }));
  await shop.pass(901_000);
  requestIn(await alice.orders({ id: "5" }));
});

Deno.test("an order of before two days is listed with its goods, not invoiced and not answered", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const now = Math.floor(shop.clock.now() / 1000);
  assertEquals(await alice.orders({}, { at: now - 49 * 3600 }), []);
  const order = await shop.order();
  assertEquals([order.payment, order.total_msat], ["rejected", 100_000]);
  assert(order.reason!.includes("too late"));
  const items = await shop.database.kysely.selectFrom("order_items").select("product_id").execute();
  assertEquals(items.map((one) => one.product_id), ["cup"]);
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
  requestIn(await alice.orders({ id: "fresh" }, { at: now - 47 * 3600 }));
});

Deno.test("an old copy of an order that we have changes nothing and isn't answered", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const now = Math.floor(shop.clock.now() / 1000);
  await alice.orders();
  assertEquals(await alice.orders(item("cup", 2), { at: now - 49 * 3600 }), []);
  assertEquals(await alice.orders({ items: [] }, { at: now - 49 * 3600 }), []);
  assertEquals((await shop.order()).total_msat, 100_000);
});

Deno.test("clients that name the stall are also told by type 2 that nothing is paid", async () => {
  await using shop = await Shop.open();
  const answers = await shop.customer().orders({ ...item("moon"), stall_id: "tea" });
  assertEquals(answers.map(({ type, status, paid }) => [type, status, paid]), [
    [1, undefined, undefined],
    [2, "failed", false],
  ]);
});

Deno.test("selling by first payment: nothing is held, what isn't there is refused, the second payer gets the money back", async () => {
  await using shop = await Shop.open({ terms: { stockPolicy: "onpay" } });
  const [alice, bob] = [shop.customer("alice"), shop.customer("bob")];
  assert(refusalIn(await alice.orders({ id: "0", ...item("cup", 6) })).startsWith('Only 5 of "Cup" left'));
  const [hers, his] = [
    requestIn(await alice.orders(item("cup", 4))),
    requestIn(await bob.orders(item("cup", 2))),
  ];
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
  await alice.pays(hers);
  await bob.pays(his);
  assertEquals(
    new Set((await shop.orders()).map((order) => order.payment)),
    new Set(["rejected", "paid", "refund_due"]),
  );
  assertEquals(await shop.stock(), { onHand: 1, held: 0 });
});

Deno.test("a policy that changed frees what an order held under the old one when it is amended", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.orders(item("cup", 2));
  shop.terms.stockPolicy = "onpay";
  await alice.orders(item("cup", 3));
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
});
