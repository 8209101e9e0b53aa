import { assert, assertEquals } from "@std/assert";
import { statementOf } from "../../src/messages/statements.ts";
import { addSaid } from "../../src/orders/said_before_store.ts";
import { hashOf } from "../../src/payments/held_money.ts";
import { invoiceText } from "../../src/payments/invoice_text.ts";
import { WalletError } from "../../src/payments/wallet.ts";
import { checkBooks } from "../support/books.ts";
import { type Customer, refusalIn, requestIn, toldIn } from "../support/customer.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { HoldingWallet } from "../support/holding_wallet.ts";
import { Shop, type ShopOptions } from "../support/shop.ts";

const memory = { any: true };
const REFUSED = "The cup is sold out.";

/** A shop whose backup was restored. */
function restoredShop(options: ShopOptions = {}): Promise<Shop> {
  return Shop.open({ memory, ...options });
}

/** An invoice that the wallet made before the restore, for an order whose id of then nobody knows any more. */
async function invoiceOfBefore(shop: Shop, amountSat: number): Promise<string> {
  const { bolt11 } = await shop.wallet.createInvoice({
    amountMsat: BigInt(amountSat) * 1000n,
    description: invoiceText(shop.merchant, crypto.randomUUID()),
    expirySeconds: 900,
    externalId: crypto.randomUUID(),
  }, new AbortController().signal);
  return bolt11;
}

/** What the relays say that we told a customer; by default two seconds from now, after the order that is to come. */
async function saidBefore(
  shop: Shop,
  to: Customer,
  message: Record<string, unknown>,
  inSeconds = 2,
): Promise<void> {
  const content = JSON.stringify({ id: "order-1", ...message });
  await shop.database.transaction((tx) =>
    addSaid(tx, [{
      merchant: shop.merchant,
      customer: to.pubkey,
      event_id: crypto.randomUUID(),
      at_seconds: Math.floor(shop.clock.now() / 1000) + inSeconds,
      ...statementOf(content),
    }])
  );
}

const request = (bolt11: string) => ({ type: 1, payment_options: [{ type: "ln", link: bolt11 }] });
const paid = { type: 2, status: "processing", paid: true, shipped: false, message: "Thank you" };

async function invoices(shop: Shop): Promise<[string | null, string][]> {
  const rows = await shop.database.kysely.selectFrom("invoices").select(["bolt11", "state"]).orderBy(
    "attempt",
  )
    .execute();
  return rows.map(({ bolt11, state }) => [bolt11, state]);
}

Deno.test("an order is taken again with the invoice that its customer holds, and she is told nothing twice", async () => {
  await using shop = await restoredShop();
  const alice = shop.customer("alice");
  const bolt11 = await invoiceOfBefore(shop, 100);
  await saidBefore(shop, alice, request(bolt11));
  assertEquals(await alice.orders(), []);
  assertEquals((await shop.order()).payment, "awaiting");
  assertEquals(await invoices(shop), [[bolt11, "open"]]);
  assertEquals(await shop.stock(), { onHand: 5, held: 1 });
  assertEquals(toldIn(await alice.pays(bolt11)).length, 1);
  assertEquals((await shop.order()).payment, "paid");
  assert((await shop.timeline(await shop.order())).some((line) => line.includes("before the restore")));
  await checkBooks(shop);
});

Deno.test("what she paid before the order was taken again is found, and she isn't thanked twice", async () => {
  await using shop = await restoredShop();
  const alice = shop.customer("alice", "nip17");
  const bolt11 = await invoiceOfBefore(shop, 100);
  await saidBefore(shop, alice, request(bolt11));
  await saidBefore(shop, alice, paid, 3);
  assert((await shop.wallet.settle(bolt11)).ok);
  assertEquals(await alice.orders(), []);
  await shop.pass(10_000);
  assertEquals((await shop.order()).payment, "paid");
  assertEquals(await alice.hears(), []);
  assertEquals(await shop.stock(), { onHand: 4, held: 0 });
  // A new fact is told.
  await shop.happens(await shop.order(), { type: "shipped", carrier: null, tracking: null });
  assertEquals(toldIn(await alice.hears()).length, 1);
  await checkBooks(shop);
});

Deno.test("who asks again after the restore is answered again, with the same invoice", async () => {
  await using shop = await restoredShop();
  const alice = shop.customer("alice");
  const bolt11 = await invoiceOfBefore(shop, 100);
  await saidBefore(shop, alice, request(bolt11));
  await alice.orders();
  await shop.pass(60_000);
  assertEquals(requestIn(await alice.orders()).payment_options![0]!.link, bolt11);
});

Deno.test("an order with an invoice out there is taken though its goods are held for others, too many are open or the shop is closed", async () => {
  await using shop = await restoredShop({ terms: { maxOpenOrders: 1 } });
  const [alice, bob] = [shop.customer("alice"), shop.customer("bob")];
  await bob.orders({ id: "bobs", items: [{ product_id: "cup", quantity: 5 }] });
  await alice.orders({ id: "other", items: [{ product_id: "cup", quantity: 1 }] });
  shop.terms.closed = "We are on holiday.";
  const bolt11 = await invoiceOfBefore(shop, 100);
  await saidBefore(shop, alice, request(bolt11));
  assertEquals(await alice.orders(), []);
  const order = await shop.order("order-1");
  assertEquals([order.payment, order.unheld], ["awaiting", 1]);
  assertEquals(await shop.stock(), { onHand: 5, held: 5 });
  // Nothing is left for her at payment: the money is owed back.
  await alice.pays(bolt11);
  assertEquals((await shop.order("order-1")).payment, "refund_due");
  await checkBooks(shop);
});

for (
  const [why, terms, others] of [
    ["the shop is closed now", { closed: "We are on holiday." }, 0],
    ["the customer has too many open orders now", { maxOpenOrders: 1 }, 1],
  ] as const
) {
  Deno.test(`goods that are there are held for an order with an invoice out there, though ${why}`, async () => {
    await using shop = await restoredShop({ terms });
    const alice = shop.customer("alice");
    if (others > 0) requestIn(await alice.orders({ id: "other" }));
    await saidBefore(shop, alice, request(await invoiceOfBefore(shop, 100)));
    assertEquals(await alice.orders(), []);
    assertEquals(await shop.stock(), { onHand: 5, held: 1 + others });
  });
}

Deno.test("what was refused stays refused, without another word", async () => {
  await using shop = await restoredShop();
  const alice = shop.customer("alice");
  await saidBefore(shop, alice, { type: 1, message: REFUSED, payment_options: [] });
  assertEquals(await alice.orders(), []);
  const order = await shop.order();
  assertEquals([order.payment, order.reason], ["rejected", REFUSED]);
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
  // Asked for again it is a new question.
  await shop.pass(60_000);
  requestIn(await alice.orders());
});

Deno.test("an invoice that the wallet doesn't know isn't adopted: she gets one that can be paid", async () => {
  await using shop = await restoredShop();
  await using elsewhere = await Shop.open();
  const alice = shop.customer("alice");
  const bolt11 = await invoiceOfBefore(elsewhere, 100);
  await saidBefore(shop, alice, request(bolt11));
  const { link } = requestIn(await alice.orders()).payment_options![0]!;
  assert(link !== bolt11);
  assertEquals(await invoices(shop), [[link, "open"]]);
});

Deno.test("an invoice over quite another amount isn't the order's, but a payment of it would be", async () => {
  await using shop = await restoredShop();
  const alice = shop.customer("alice");
  const odd = await invoiceOfBefore(shop, 5_000);
  await saidBefore(shop, alice, request(odd));
  const { link } = requestIn(await alice.orders()).payment_options![0]!;
  assertEquals((await shop.order()).total_msat, 100_000);
  assertEquals((await invoices(shop)).sort(), [[odd, "void"], [link, "open"]].sort() as [string, string][]);
});

Deno.test("while the wallet doesn't answer no second invoice is made", async () => {
  await using shop = await restoredShop();
  const alice = shop.customer("alice");
  const bolt11 = await invoiceOfBefore(shop, 100);
  await saidBefore(shop, alice, request(bolt11));
  shop.wallet.faults.always("lookup", { do: "fail", kind: "unreachable" });
  await alice.orders();
  await shop.pass(60_000);
  assertEquals(await invoices(shop), []);
  shop.wallet.faults.always("lookup", null);
  await shop.pass(20_000);
  assertEquals(await invoices(shop), [[bolt11, "open"]]);
  assertEquals(await alice.hears(), []);
});

Deno.test("she pays what she was asked for, though the rate has moved since", async () => {
  await using shop = await restoredShop();
  await shop.shelf.stall({ id: "euro", currency: "EUR" });
  await shop.shelf.product({ id: "pot", stall_id: "euro", price: 5, currency: "EUR" });
  const alice = shop.customer("alice");
  const bolt11 = await invoiceOfBefore(shop, 9_000);
  await saidBefore(shop, alice, request(bolt11));
  // 10,000 sat by the rate of now.
  assertEquals(await alice.orders({ items: [{ product_id: "pot", quantity: 1 }] }), []);
  assertEquals((await shop.order()).total_msat, 9_000_000);
  await alice.pays(bolt11);
  assertEquals((await shop.order()).payment, "paid");
});

Deno.test("an order that was amended finds each of its invoices; the older one is watched", async () => {
  await using shop = await restoredShop();
  const alice = shop.customer("alice");
  const [first, second] = [await invoiceOfBefore(shop, 100), await invoiceOfBefore(shop, 300)];
  await saidBefore(shop, alice, request(first));
  await saidBefore(shop, alice, request(second), 4);
  const now = Math.floor(shop.clock.now() / 1000);
  await alice.writes({ type: 0, id: "order-1", items: [{ product_id: "cup", quantity: 1 }], address: "x" }, {
    at: now,
  });
  assertEquals(
    await alice.says({ type: 0, id: "order-1", items: [{ product_id: "cup", quantity: 3 }], address: "x" }, {
      at: now + 3,
    }),
    [],
  );
  assertEquals((await shop.order()).total_msat, 300_000);
  assertEquals(
    (await invoices(shop)).sort(),
    [[first, "void"], [second, "open"]].sort() as [string, string][],
  );
  await alice.pays(second);
  assertEquals((await shop.order()).payment, "paid");
  await checkBooks(shop);
});

Deno.test("an amendment that comes after the first invoice was found takes the second one, and no other is made", async () => {
  await using shop = await restoredShop();
  const alice = shop.customer("alice");
  const [first, second] = [await invoiceOfBefore(shop, 100), await invoiceOfBefore(shop, 300)];
  await saidBefore(shop, alice, request(first));
  await saidBefore(shop, alice, request(second), 4);
  const now = Math.floor(shop.clock.now() / 1000);
  const order = (quantity: number) => ({
    type: 0,
    id: "order-1",
    items: [{ product_id: "cup", quantity }],
    address: "x",
  });
  assertEquals(await alice.says(order(1), { at: now }), []);
  assertEquals(
    (await invoices(shop)).sort(),
    [[first, "open"], [second, "void"]].sort() as [string, string][],
  );
  assertEquals(await alice.says(order(3), { at: now + 3 }), []);
  assertEquals(
    (await invoices(shop)).sort(),
    [[first, "void"], [second, "open"]].sort() as [string, string][],
  );
  await alice.pays(second);
  assertEquals((await shop.order()).payment, "paid");
  await checkBooks(shop);
});

Deno.test("a product that the restored catalogue doesn't know isn't refused to who has an invoice: people decide", async () => {
  await using shop = await restoredShop();
  const alice = shop.customer("alice");
  await saidBefore(shop, alice, request(await invoiceOfBefore(shop, 100)));
  assertEquals(await alice.orders({ items: [{ product_id: "mug", quantity: 1 }] }), []);
  assertEquals((await shop.order()).payment, "rejected");
});

Deno.test("of an order that was cancelled the invoice is watched all the same", async () => {
  await using shop = await restoredShop();
  const alice = shop.customer("alice");
  const bolt11 = await invoiceOfBefore(shop, 100);
  await saidBefore(shop, alice, request(bolt11));
  await saidBefore(shop, alice, { type: 1, message: "The order was cancelled.", payment_options: [] }, 9);
  shop.wallet.faults.next("lookup", { do: "fail", kind: "unreachable" });
  await alice.orders();
  assertEquals(await alice.says({ type: 3, id: "order-1", status: "cancelled" }), []);
  await shop.pass(60_000);
  assertEquals((await shop.order()).payment, "cancelled");
  assertEquals(await invoices(shop), [[bolt11, "void"]]);
  await alice.pays(bolt11, { silently: true });
  await shop.pass(120_000);
  assertEquals((await shop.order()).payment, "refund_due");
  await checkBooks(shop);
});

Deno.test("where nothing was restored nothing of it counts", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer("alice");
  await saidBefore(shop, alice, { type: 1, message: REFUSED, payment_options: [] });
  requestIn(await alice.orders());
  const bob = shop.customer("bob");
  assertEquals(
    refusalIn(await bob.orders({ items: [{ product_id: "cup", quantity: 9 }] })) === REFUSED,
    false,
  );
});

/** A hold invoice of before the restore, whose preimage nobody knows any more. */
async function holdOfBefore(wallet: HoldingWallet, amountSat: number): Promise<string> {
  const { bolt11 } = await wallet.holding.create({
    amountMsat: BigInt(amountSat) * 1000n,
    description: "before",
    expirySeconds: 900,
    externalId: crypto.randomUUID(),
    paymentHash: hashOf("ab".repeat(32)),
  }, new AbortController().signal);
  return bolt11;
}

async function holdingShop() {
  const clock = new FakeClock();
  const wallet = new HoldingWallet(clock);
  const shop = await restoredShop({ clock, wallet, terms: { stockPolicy: "holdinvoice" } });
  return { shop, wallet, alice: shop.customer("alice") };
}

for (const paid of [false, true]) {
  Deno.test(`a hold invoice whose preimage is lost isn't adopted but cancelled${paid ? ", with the money that waits" : ""}`, async () => {
    const { shop, wallet, alice } = await holdingShop();
    await using _ = shop;
    const bolt11 = await holdOfBefore(wallet, 100);
    await saidBefore(shop, alice, request(bolt11));
    if (paid) assert((await wallet.settle(bolt11, { silently: true })).ok);
    const { link } = requestIn(await alice.orders()).payment_options![0]!;
    await shop.pass(2_000);
    assert(link !== bolt11);
    assertEquals(wallet.holds, ["cancelled", "open"]);
    await wallet.settle(link);
    await shop.pass(2_000);
    assertEquals([wallet.holds, (await shop.order()).payment], [["cancelled", "settled"], "paid"]);
  });
}

Deno.test("money that waits for a preimage that is lost is never tried to be taken", async () => {
  const { shop, wallet, alice } = await holdingShop();
  await using _ = shop;
  const bolt11 = await holdOfBefore(wallet, 100);
  await saidBefore(shop, alice, request(bolt11));
  // It is paid just before it can be cancelled.
  const cancel = wallet.holding.cancel;
  wallet.holding.cancel = () => {
    wallet.holding.cancel = cancel;
    void wallet.settle(bolt11);
    return Promise.reject(new WalletError("unreachable", "away"));
  };
  requestIn(await alice.orders());
  await shop.pass(1_000);
  await shop.pass(5_000);
  assertEquals([wallet.holds, (await shop.order()).payment], [["cancelled", "open"], "awaiting"]);
});

Deno.test("a hold invoice that was taken before the restore is the order's payment", async () => {
  const { shop, wallet, alice } = await holdingShop();
  await using _ = shop;
  const bolt11 = await holdOfBefore(wallet, 100);
  await saidBefore(shop, alice, request(bolt11));
  await wallet.settle(bolt11, { silently: true });
  await wallet.holding.settle("ab".repeat(32), new AbortController().signal);
  const told = await alice.orders();
  // The receipt may have to wait for the request that isn't sent again: a moment of the clock.
  await shop.pass(1_000);
  assertEquals(toldIn([...told, ...await alice.hears()]).length, 1);
  assertEquals([wallet.holds, (await shop.order()).payment], [["settled"], "paid"]);
});
