import { assert, assertEquals, assertMatch } from "@std/assert";
import { reportOf } from "../../src/medusa/report_store.ts";
import { refundOrder } from "../../src/payments/refund_requests.ts";
import { sweepOrders } from "../../src/medusa/orders/orders_sweep.ts";
import { requestIn } from "../support/customer.ts";
import type { Shop } from "../support/shop.ts";
import { mirroredShop, shirt, stocked } from "./mirrored_shop.ts";

async function opened(...[how, options]: Parameters<typeof mirroredShop>) {
  const made = await mirroredShop(how, options);
  await stocked(made.shop);
  return made;
}

async function noted(shop: Shop) {
  return await shop.database.kysely.selectFrom("medusa_orders").selectAll().executeTakeFirstOrThrow();
}

Deno.test("an order is placed in Medusa, which then holds its goods, before its invoice is sent; paid and sent, both sides say so", async () => {
  const { shop, medusa } = await opened();
  await using _ = shop;
  const alice = shop.customer("alice");
  const request = requestIn(await alice.orders(shirt));
  // 15.40 € at 50,000 € for a bitcoin.
  assertEquals(request.payment_options![0]!.amount_sats, 30_800);
  assertEquals(medusa.calls, [
    "POST /admin/draft-orders",
    "POST /admin/draft-orders/…/convert-to-order",
    "GET /admin/product-variants",
  ]);
  assertEquals(medusa.stock.get("variant_1"), { stocked: 5, reserved: 1 });
  const [order] = medusa.live;
  assertEquals(order!.shipping_address, {
    first_name: "",
    address_1: "Alice",
    address_2: "Example Street 1, 10115 Berlin",
    country_code: "de",
  });
  assertMatch(order!.email, /^[0-9a-f]{32}-1@ncc\.invalid$/);

  const [told] = await alice.pays(request);
  assertEquals(told?.paid, true);
  assertEquals(medusa.captured, 15.4);
  await shop.happens(await shop.order(), { type: "shipped", carrier: "DHL", tracking: "JD01" });
  await shop.happens(await shop.order(), { type: "delivered" });
  assertEquals([order!.status, order!.fulfillments[0]!.labels[0]!.tracking_number], ["completed", "JD01"]);
  assertEquals(order!.fulfillments[0]!.metadata, { carrier: "DHL" });
  assertEquals(medusa.stock.get("variant_1"), { stocked: 4, reserved: 0 });
  assertEquals((await noted(shop)).settled, 1);
  assertEquals(await shop.stock("variant_1"), { onHand: 4, held: 0 });
});

Deno.test("what was sold on the web meanwhile is refused, and nothing of it stays in Medusa", async () => {
  const { shop, medusa } = await opened();
  await using _ = shop;
  assert(medusa.sellOnTheWeb("variant_1", 5));
  const [answer, ...more] = await shop.customer("alice").orders(shirt);
  assertEquals([answer?.type, answer?.payment_options, more.length], [1, [], 0]);
  assertMatch(answer!.message!, /sold to somebody else/);
  assertEquals([medusa.live.length, medusa.orders.size], [0, 0]);
  assertEquals((await shop.order()).payment, "rejected");
  assertEquals((await shop.stock("variant_1")).held, 0);
  assertEquals(await readAnew(shop), ["prod_1"]);
});

Deno.test("what is cancelled leaves no name and no address in Medusa", async () => {
  const { shop, medusa } = await opened();
  await using _ = shop;
  await shop.customer("alice").orders({ ...shirt, name: "Alice", message: "Ring twice" });
  await shop.happens(await shop.order(), { type: "merchantCancelled", reason: "Closed today" });
  const [order] = medusa.orders.values();
  assertEquals(order!.status, "canceled");
  assert(!/Alice|Example|Ring twice/.test(JSON.stringify([order!.shipping_address, order!.metadata])));
});

Deno.test("an order that runs out, or is cancelled, is cancelled in Medusa; paid after all, it is placed anew", async () => {
  const { shop, medusa } = await opened({}, { terms: { invoiceExpiryMs: 600_000 } });
  await using _ = shop;
  const alice = shop.customer("alice");
  const request = requestIn(await alice.orders(shirt));
  for (let minute = 0; minute < 12; minute++) await shop.pass(60_000);
  assertEquals((await shop.order()).payment, "expired");
  assertEquals(medusa.stock.get("variant_1"), { stocked: 5, reserved: 0 });
  await alice.pays(request, { late: true });
  assertEquals((await shop.order()).payment, "paid");
  assertEquals(medusa.stock.get("variant_1"), { stocked: 5, reserved: 1 });
  assertEquals([medusa.captured, medusa.live.length, medusa.orders.size], [15.4, 1, 2]);
  assertMatch(medusa.live[0]!.email, /-2@ncc\.invalid$/);
});

Deno.test("paid late, and Medusa has sold the goods: the money is owed back", async () => {
  const { shop, medusa } = await opened({}, { terms: { invoiceExpiryMs: 600_000 } });
  await using _ = shop;
  const alice = shop.customer("alice");
  const request = requestIn(await alice.orders(shirt));
  for (let minute = 0; minute < 12; minute++) await shop.pass(60_000);
  assert(medusa.sellOnTheWeb("variant_1", 5));
  await alice.pays(request, { late: true });
  await shop.pass(1_000);
  const order = await shop.order();
  assertEquals([order.payment, order.refunding_msat], ["refund_due", 30_800_000]);
  assertEquals(medusa.live.length, 0);
});

Deno.test("while Medusa is away orders wait, the customer hears of it once, and the invoice follows", async () => {
  const { shop, medusa } = await opened();
  await using _ = shop;
  const alice = shop.customer("alice");
  medusa.down = true;
  assertEquals(await alice.orders(shirt), []);
  await shop.pass(30_000);
  const [late, ...more] = await alice.hears();
  assertMatch(late!.message!, /takes longer than usual/);
  assertEquals(more, []);
  for (let minute = 0; minute < 5; minute++) await shop.pass(60_000);
  assertEquals(await alice.hears(), []);
  medusa.down = false;
  await shop.pass(60_000);
  requestIn(await alice.hears());
  assertEquals((await shop.order()).payment, "awaiting");
});

Deno.test("Medusa away for two hours: the order ends, and nothing of it comes to life later", async () => {
  const { shop, medusa } = await opened();
  await using _ = shop;
  const alice = shop.customer("alice");
  medusa.down = true;
  await alice.orders(shirt);
  for (let minute = 0; minute < 122; minute++) await shop.pass(60_000);
  const answers = await alice.hears();
  assertMatch(answers.at(-1)!.message!, /can't check our stock/);
  assertEquals((await shop.order()).payment, "rejected");
  assertEquals((await shop.stock("variant_1")).held, 0);
  medusa.down = false;
  await shop.pass(120_000);
  assertEquals(medusa.orders.size, 0);
});

Deno.test("a merchant who doesn't want orders to wait has them refused at once", async () => {
  const { shop, medusa } = await opened({ whenDown: "refuse" });
  await using _ = shop;
  medusa.down = true;
  const [answer] = await shop.customer("alice").orders(shirt);
  assertEquals(answer?.payment_options, []);
  assertMatch(answer!.message!, /can't check our stock/);
});

Deno.test("another price in Medusa than the one that was quoted: no invoice, and nothing placed", async () => {
  const { shop, medusa } = await opened();
  await using _ = shop;
  medusa.prices.set("variant_1", 11);
  const [answer] = await shop.customer("alice").orders(shirt);
  assertMatch(answer!.message!, /price in this order has just changed/);
  assertEquals([medusa.live.length, medusa.orders.size], [0, 0]);
  assertEquals(await readAnew(shop), ["prod_1"]);
});

Deno.test("several processes of Medusa that sold too much: seen right away, and nobody is asked for money", async () => {
  const { shop, medusa } = await opened();
  await using _ = shop;
  medusa.careless = true;
  medusa.sellOnTheWeb("variant_1", 5);
  const [answer] = await shop.customer("alice").orders(shirt);
  assertEquals(answer?.payment_options, []);
  assertEquals(medusa.stock.get("variant_1"), { stocked: 5, reserved: 5 });
  assertMatch((await noted(shop)).problem!, /several of its processes/);
  const { report } = await reportOf(shop.database.kysely, shop.merchant);
  assertMatch(report.oversells!, /several of its processes/);
});

Deno.test("a changed order is placed anew, the old one cancelled", async () => {
  const { shop, medusa } = await opened();
  await using _ = shop;
  const alice = shop.customer("alice");
  requestIn(await alice.orders(shirt));
  const again = await alice.orders({ ...shirt, items: [{ product_id: "variant_1", quantity: 3 }] });
  assertEquals(requestIn(again).payment_options![0]!.amount_sats, 72_800);
  assertEquals(medusa.stock.get("variant_1"), { stocked: 5, reserved: 3 });
  assertEquals(medusa.live.map((one) => one.items[0]!.quantity), [3]);
});

Deno.test("a corrected address is corrected in Medusa", async () => {
  const { shop, medusa } = await opened();
  await using _ = shop;
  const alice = shop.customer("alice");
  requestIn(await alice.orders(shirt));
  await alice.orders({ ...shirt, address: "Alice\nOther Street 2\n10115 Berlin" });
  assertEquals(medusa.live.length, 1);
  assertEquals(
    (medusa.live[0]!.shipping_address as { address_2: string }).address_2,
    "Other Street 2, 10115 Berlin",
  );
});

Deno.test("what the merchant does in Medusa the customer hears: shipped, delivered", async () => {
  const { shop, medusa } = await opened();
  await using _ = shop;
  const alice = shop.customer("alice");
  await alice.pays(requestIn(await alice.orders(shirt)));
  medusa.fulfilOnTheirSide(medusa.live[0]!.id, { carrier: "UPS", tracking: "1Z" });
  await sweeps(shop);
  const [shipped] = await alice.hears();
  assertEquals([shipped?.shipped, /UPS/.test(shipped!.message!), /1Z/.test(shipped!.message!)], [
    true,
    true,
    true,
  ]);
  medusa.deliverOnTheirSide(medusa.live[0]!.id);
  await sweeps(shop);
  assertEquals((await shop.order()).fulfilment, "delivered");
});

Deno.test("what the merchant cancels in Medusa is cancelled here; what was paid for it is owed back", async () => {
  for (const paid of [false, true]) {
    const { shop, medusa } = await opened();
    await using _ = shop;
    const alice = shop.customer("alice");
    const request = requestIn(await alice.orders(shirt));
    if (paid) await alice.pays(request);
    medusa.cancelOnTheirSide(medusa.live[0]!.id);
    await sweeps(shop);
    assertEquals((await shop.order()).payment, paid ? "refund_due" : "cancelled");
    assertEquals(medusa.live.length, 0);
  }
});

Deno.test("what the merchant gives back in Medusa is in our ledger, once; what goes back here is noted there, once", async () => {
  const { shop, medusa } = await opened();
  await using _ = shop;
  const alice = shop.customer("alice");
  await alice.pays(requestIn(await alice.orders(shirt)));
  medusa.refundOnTheirSide(medusa.live[0]!.id, 5.4);
  await sweeps(shop);
  // 5.40 of 15.40 € are 10,800 of 30,800 sat.
  assertEquals((await shop.order()).refunding_msat, 10_800_000);
  await sweeps(shop);
  assertEquals((await shop.order()).refunding_msat, 10_800_000);
  const order = await shop.order();
  const fact = { orderId: order.id, amountMsat: 5_000_000n, reason: "A scratch.", fact: "test" };
  const made = await shop.database.transaction((tx) => refundOrder(tx, fact, shop.clock.now()));
  assert(made.ok);
  await shop.database.transaction(async (tx) => {
    await tx.updateTable("refunds").set({ state: "by_hand" }).where("order_id", "=", order.id).execute();
  });
  await sweeps(shop);
  await sweeps(shop);
  const [payment] = medusa.live[0]!.payment_collections[0]!.payments;
  assertEquals(payment!.refunds.map(({ amount }) => amount), [5.4, 2.5]);
});

Deno.test("local authority: the invoice doesn't wait for Medusa, which is told after; what it can't give is shown", async () => {
  const { shop, medusa } = await opened({ authority: "local" });
  await using _ = shop;
  const alice = shop.customer("alice");
  medusa.down = true;
  const request = requestIn(await alice.orders(shirt));
  medusa.down = false;
  medusa.sellOnTheWeb("variant_1", 5);
  await alice.pays(request);
  await shop.pass(60_000);
  assertEquals((await shop.order()).payment, "paid");
  assertMatch((await noted(shop)).problem!, /Medusa/);
  medusa.stock.get("variant_1")!.stocked = 6;
  await sweeps(shop);
  assertEquals([medusa.captured, (await noted(shop)).problem], [15.4, null]);
});

/** Products that are to be read again. */
async function readAnew(shop: Shop): Promise<string[]> {
  const jobs = await shop.database.kysely.selectFrom("jobs").select("payload").where(
    "kind",
    "=",
    "medusa.product",
  )
    .execute();
  return jobs.map(({ payload }) => JSON.parse(payload).product);
}

async function sweeps(shop: Shop): Promise<void> {
  const now = shop.clock.now();
  await shop.database.transaction((tx) => sweepOrders(tx, shop.merchant, now, now));
  await shop.pass(1_000);
  await shop.pass(1_000);
}
