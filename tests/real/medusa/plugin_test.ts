import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { callHeaders } from "../../../src/till/signature.ts";
import { eventually } from "../lightning/daemon.ts";
import { MedusaRefusal } from "./medusa_api.ts";
import { withoutMedusa } from "./medusa_server.ts";
import { type Invoice, type Order, PATIENCE_MS, PluginScene, type Session } from "./plugin_scene.ts";

/*
 * Our plugin in a real Medusa, with a real ncc behind it: a web shop's customers pay by Lightning, and ncc hears what happens.
 */
const ignore = withoutMedusa("tests/real/medusa/plugin_test.ts");
/** One mug with its postage, with 19 %. */
const MUG = 16.898;
/** At 100,000 EUR for a bitcoin. */
const MUG_MSAT = "16898000";

let scene: PluginScene;

Deno.test.beforeAll(async () => {
  if (ignore) return;
  scene = await PluginScene.open({ cancel_expired: true });
  const { inventoryItems, location } = scene.medusa.shop;
  const level = `/admin/inventory-items/${inventoryItems.MUG}/location-levels/${location}`;
  await scene.medusa.call("POST", level, { stocked_quantity: 1_000 });
});

Deno.test.afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
});

test("a cart that is paid becomes an order that is paid, without anybody asking", async () => {
  const { cart, session } = await scene.checkout();
  assertEquals([session.status, session.data.amount], ["pending_authorization", "16.898"]);
  const invoice = await scene.invoice(session.data.ncc_invoice);
  assertEquals([invoice.reference, invoice.amount, invoice.currency], [session.id, "16.898", "EUR"]);
  assertEquals([invoice.state, invoice.amount_msat, invoice.bolt11], ["open", MUG_MSAT, session.data.bolt11]);
  await scene.settle(session.data.bolt11);
  const order = await scene.order(await orderOf(cart));
  assertEquals([order.payment_status, order.total, paymentOf(order).amount], ["captured", MUG, MUG]);
  // What the storefront asks then.
  assertEquals(await scene.complete(cart), order.id);
});

test("an order that holds its goods first is paid after", async () => {
  const { order, session } = await placed();
  assertEquals((await scene.order(order)).payment_status, "awaiting");
  await scene.settle(session.data.bolt11);
  await becomes(order, "captured");
});

test("a call that got lost is made up for", async () => {
  const { order, session } = await placed();
  scene.door.losesCalls = true;
  try {
    await scene.settle(session.data.bolt11);
    await called("paid");
    await becomes(order, "captured");
  } finally {
    scene.door.losesCalls = false;
  }
});

test("another amount than Medusa wants isn't taken for it", async () => {
  const { order, session } = await placed();
  const { bolt11 } = await scene.asPlugin<Invoice>("POST", "/invoices", {
    reference: session.id,
    amount: "0.01",
    currency: "EUR",
  });
  await scene.settle(bolt11!);
  assertEquals(await called("paid"), 204);
  assertEquals(paymentsOf(await scene.order(order)), []);
  assertStringIncludes(await scene.said(), "paid were 0.01 EUR, and Medusa wants 16.898 eur");
});

test("without ncc there is no invoice, and the customer is told so", async () => {
  const { cart, collection } = await scene.cart("EBOOK");
  await scene.stopNcc();
  const refusal = await refused(() => scene.pay(collection));
  assertEquals([refusal.status, refusal.type], [400, "not_allowed"]);
  assertStringIncludes(refusal.message, "Lightning: it isn't available right now");
  await scene.startNcc();
  await scene.settle((await scene.pay(collection)).data.bolt11);
  assertEquals((await scene.order(await orderOf(cart))).payment_status, "captured");
});

test("refunds go through ncc's ledger, each once, and not while ncc is away", async () => {
  const { order, session } = await paid();
  const payment = paymentOf(await scene.order(order)).id;
  const refund = (amount: number) =>
    scene.medusa.call("POST", `/admin/payments/${payment}/refund`, { amount });
  await refund(2.5);
  await scene.stopNcc();
  assertMatch(
    (await refused(() => refund(4))).message,
    /the refund isn't certain: ncc at .* can't be reached/,
  );
  assertEquals(paymentOf(await scene.order(order)).refunds.map((one) => one.amount), [2.5]);
  await scene.startNcc();
  await refund(4);
  await refund(10.398);
  assertEquals((await scene.order(order)).payment_status, "refunded");
  const { refunds, state } = await scene.invoice(session.data.ncc_invoice);
  assertEquals(refunds.map((one) => one.amount_msat).sort(), ["10398000", "2500000", "4000000"]);
  assert(refunds.every((one) => one.reference?.startsWith("ref_")), JSON.stringify(refunds));
  assertEquals(state, "refund_due");
});

test("a refund whose answer got lost isn't made twice", async () => {
  const { order, session } = await paid();
  // As Medusa asked for it, and then forgot.
  const path = `/invoices/${session.data.ncc_invoice}/refund`;
  await scene.asPlugin("POST", path, { reference: "ref_UNHEARD", amount: "3" });
  const payment = paymentOf(await scene.order(order)).id;
  for (const amount of [2, 3, 3]) {
    await scene.medusa.call("POST", `/admin/payments/${payment}/refund`, { amount });
  }
  const { refunds } = await scene.invoice(session.data.ncc_invoice);
  assertEquals(refunds.map((one) => one.amount_msat).sort(), ["2000000", "3000000", "3000000"]);
});

test("an order that is cancelled can't be paid any more", async () => {
  const { order, session } = await placed();
  await cancel(order);
  await stateIs(session, "cancelled");
  await scene.settle(session.data.bolt11);
  await stateIs(session, "refund_due");
  assertEquals(await called("refund_due"), 204);
  assertEquals(paymentsOf(await scene.order(order)), []);
});

test("what is paid while its order is being cancelled goes back", async () => {
  const { order, session } = await placed();
  scene.door.losesCalls = true;
  try {
    await scene.settle(session.data.bolt11);
    await called("paid");
    await cancel(order);
    await stateIs(session, "refund_due");
  } finally {
    scene.door.losesCalls = false;
  }
  const { refunds } = await scene.invoice(session.data.ncc_invoice);
  assertEquals(refunds.map((one) => [one.reference, one.amount_msat]), [[`late_${session.id}`, MUG_MSAT]]);
  assertEquals(paymentsOf(await scene.order(order)), []);
});

test("a paid order that is cancelled while ncc is away gets its money back later", async () => {
  const { order, session } = await paid();
  await scene.stopNcc();
  await cancel(order);
  assertEquals(paymentOf(await scene.order(order)).refunds, []);
  await scene.startNcc();
  await becomes(order, "refunded");
  assertEquals((await scene.invoice(session.data.ncc_invoice)).refunds.map((one) => one.amount_msat), [
    MUG_MSAT,
  ]);
});

test("an order whose invoice is over gives its goods back, as the merchant wants it", async () => {
  const { order, session } = await placed();
  await scene.asPlugin("POST", `/invoices/${session.data.ncc_invoice}/cancel`, {});
  await eventually("the order is cancelled", PATIENCE_MS, async () => {
    return (await scene.order(order)).status === "canceled" || undefined;
  });
  assertEquals(sessionOf(await scene.order(order)).status, "canceled");
});

test("a cart whose goods went while it was paid gets its money back", async () => {
  const { medusa, medusa: { shop } } = scene;
  const { cart, session } = await scene.checkout("SHIRT-M-BLACK");
  const level = `/admin/inventory-items/${
    shop.inventoryItems["SHIRT-M-BLACK"]
  }/location-levels/${shop.location}`;
  await medusa.call("POST", level, { stocked_quantity: 0 });
  await scene.settle(session.data.bolt11);
  await stateIs(session, "refund_due");
  const { refunds, amount_msat } = await scene.invoice(session.data.ncc_invoice);
  assertEquals(refunds.map((one) => one.amount_msat), [amount_msat]);
  const link = `select order_id from order_cart where cart_id = '${cart}' and deleted_at is null`;
  assertEquals((await medusa.sql(link)).length, 0);
});

test("a session that is replaced is offered no more", async () => {
  const { collection } = await scene.cart("EBOOK");
  const first = await scene.pay(collection);
  const second = await scene.pay(collection);
  assert(first.id !== second.id);
  await stateIs(first, "cancelled");
  assertEquals((await scene.invoice(second.data.ncc_invoice)).state, "open");
});

test("calls that aren't ncc's are refused, and captures need ncc's word", async () => {
  const { order, session } = await placed();
  const body = JSON.stringify({ id: session.data.ncc_invoice, reference: session.id, state: "paid" });
  const call = async (path: string, headers: Record<string, string>) => {
    const response = await fetch(scene.medusa.url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });
    await response.body?.cancel();
    return response.status;
  };
  const signed = (secret: string, at = Date.now()) => callHeaders(secret, { id: "msg_1", at, body });
  assertEquals(await call("/ncc/paid", {}), 401);
  assertEquals(await call("/ncc/paid", signed("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")), 401);
  assertEquals(await call("/ncc/paid", signed(scene.secret, Date.now() - 301_000)), 401);
  // What it says isn't so.
  assertEquals(await call("/ncc/paid", signed(scene.secret)), 204);
  assertEquals(paymentsOf(await scene.order(order)), []);
  scene.door.losesCalls = true;
  try {
    await scene.settle(session.data.bolt11);
    await called("paid");
    assertEquals(await call("/ncc/paid", signed(scene.secret)), 204);
  } finally {
    scene.door.losesCalls = false;
  }
  // It is done when it is answered.
  assertEquals((await scene.order(order)).payment_status, "captured");
});

test("Medusa's own webhook works, too, and believes nothing", async () => {
  const { order, session } = await placed();
  // So old that the job doesn't look at it any more.
  const old = `update payment_session set created_at = now() - interval '4 days' where id = '${session.id}'`;
  await scene.medusa.sql(old);
  scene.door.losesCalls = true;
  try {
    await scene.settle(session.data.bolt11);
    await called("paid");
    const body = JSON.stringify({ reference: session.id, state: "paid" });
    for (const secret of ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", scene.secret]) {
      const headers = callHeaders(secret, { id: "msg_1", at: Date.now(), body });
      const response = await fetch(`${scene.medusa.url}/hooks/payment/lightning_ncc`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body,
      });
      assertEquals([response.status, await response.text()], [200, "OK"]);
    }
    await becomes(order, "captured");
  } finally {
    scene.door.losesCalls = false;
  }
});

test("ncc hears what happens to goods and orders", async () => {
  const { medusa, medusa: { shop } } = scene;
  const before = (await scene.heard()).length;
  /** `goods`: how many products are named; "everything": any may be meant. */
  const hears = (about: string, goods: number | "everything") =>
    eventually(
      `ncc hears of ${about}, ${goods}`,
      PATIENCE_MS,
      async () => (await scene.heard()).slice(before).includes(`${about} ${goods}`) || undefined,
    );
  await medusa.call("POST", `/admin/products/${shop.products.sale}`, { title: "Last ones" });
  await hears("product.updated", 1);
  const level = `/admin/inventory-items/${shop.inventoryItems.SALE}/location-levels/${shop.location}`;
  await medusa.call("POST", level, { stocked_quantity: 3 });
  await hears("inventory-level.updated", 1);
  const { price_lists: [list] } = await medusa.call<{ price_lists: { id: string }[] }>(
    "GET",
    "/admin/price-lists",
  );
  await medusa.call("POST", `/admin/price-lists/${list!.id}/prices/batch`, {
    create: [{ variant_id: shop.variants.MUG, currency_code: "usd", amount: 7 }],
  });
  await hears("price.created", 1);
  const variant = `/admin/products/${shop.products.shirt}/variants/${shop.variants["SHIRT-M-WHITE"]}`;
  await medusa.call("DELETE", variant);
  await hears("product-variant.deleted", "everything");
  await medusa.call("POST", `/admin/shipping-options/${shop.shippingOptions.express}`, { name: "Fast" });
  await hears("shipping-option.updated", "everything");
  const { order } = await placed();
  await hears("order.placed", 1);
  await hears("reservation-item.created", 1);
  const { items: [item] } = await scene.order(order);
  const items = [{ id: item!.id, quantity: 1 }];
  const path = `/admin/orders/${order}/fulfillments`;
  const { order: { fulfillments: [fulfillment] } } = await medusa.call<
    { order: { fulfillments: { id: string }[] } }
  >("POST", `${path}?fields=*fulfillments`, { items });
  await hears("order.fulfillment_created", 1);
  await medusa.call("POST", `${path}/${fulfillment!.id}/shipments`, { items, labels: [] });
  await hears("shipment.created", 0);
  await medusa.call("POST", `${path}/${fulfillment!.id}/mark-as-delivered`, {});
  await hears("delivery.created", 0);
});

test("what changes in Medusa is on Nostr at once", async () => {
  const { medusa, medusa: { shop } } = scene;
  const quantity = async () => {
    const products = await scene.ncc.all<{ id: string; quantity: number | null }>("/products");
    return products.find((one) => one.id === shop.variants.SALE)?.quantity;
  };
  await eventually("ncc has read the catalogue", PATIENCE_MS, quantity);
  const level = `/admin/inventory-items/${shop.inventoryItems.SALE}/location-levels/${shop.location}`;
  for (const stocked_quantity of [77, 78]) {
    await medusa.call("POST", level, { stocked_quantity });
    await eventually(
      `ncc sells ${stocked_quantity}`,
      PATIENCE_MS,
      async () => await quantity() === stocked_quantity || undefined,
    );
  }
});

test("secrets are in nothing that Medusa says", async () => {
  const log = await scene.medusa.log();
  for (const secret of scene.secrets) assert(!log.includes(secret));
});

/** An order of a mug that waits for its money. */
async function placed(): Promise<{ order: string; session: Session }> {
  const { cart, session } = await scene.checkout();
  return { order: await scene.complete(cart), session };
}

async function paid(): Promise<{ order: string; session: Session }> {
  const { order, session } = await placed();
  await scene.settle(session.data.bolt11);
  await becomes(order, "captured");
  return { order, session };
}

/** The order that a cart becomes by itself. */
async function orderOf(cart: string): Promise<string> {
  return await eventually("the cart is an order", PATIENCE_MS, async () => {
    const [row] = await scene.medusa.sql<{ order_id: string }>(
      `select order_id from order_cart where cart_id = '${cart}'`,
    );
    return row?.order_id;
  });
}

async function becomes(order: string, status: string): Promise<void> {
  await eventually(
    `the order is ${status}`,
    PATIENCE_MS,
    async () => (await scene.order(order)).payment_status === status || undefined,
  );
}

async function stateIs(session: Session, state: string): Promise<void> {
  await eventually(
    `the invoice is ${state}`,
    PATIENCE_MS,
    async () => (await scene.invoice(session.data.ncc_invoice)).state === state || undefined,
  );
}

/** How the newest call of ncc's about this state was answered, once it came. */
async function called(state: string): Promise<number> {
  return await eventually(`ncc calls: ${state}`, PATIENCE_MS, () => {
    const call = scene.door.calls.find((one) => one.state === state);
    return Promise.resolve(call?.status);
  });
}

async function cancel(order: string): Promise<void> {
  await scene.medusa.call("POST", `/admin/orders/${order}/cancel`);
}

async function refused(act: () => Promise<unknown>): Promise<MedusaRefusal> {
  return await assertRejects(act, MedusaRefusal) as MedusaRefusal;
}

function paymentsOf(order: Order) {
  return order.payment_collections.flatMap((one) => one.payments ?? []);
}

function paymentOf(order: Order) {
  const [payment] = paymentsOf(order);
  assert(payment, "the order has no payment");
  return payment;
}

function sessionOf(order: Order) {
  return order.payment_collections[0]!.payment_sessions[0]!;
}

function test(name: string, fn: () => Promise<void>): void {
  // One Medusa and one ncc for all; the latter is ended and started by some.
  Deno.test({
    name: `plugin: ${name}`,
    ignore,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      scene.door.calls.length = 0;
      await fn();
    },
  });
}
