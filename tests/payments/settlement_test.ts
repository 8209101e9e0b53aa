import { assert, assertEquals } from "@std/assert";
import { invoiceJobs } from "../../src/payments/invoice_jobs.ts";
import { recordPayment } from "../../src/payments/payments_store.ts";
import { Settlement } from "../../src/payments/settlement.ts";
import { memoryDatabase } from "../support/database.ts";
import { onEachDatabase } from "../support/databases.ts";
import { MERCHANT, PRICE, Shop } from "./shop.ts";

const forEver = new AbortController().signal;

async function opened(shop: Shop) {
  const order = await shop.order();
  await invoiceJobs(shop.common)["invoice.create"]!.run(shop.job(order));
  const [invoice] = await shop.invoices(order);
  shop.events.length = 0;
  return { order, id: invoice!.id, bolt11: invoice!.bolt11!, hash: invoice!.payment_hash! };
}

const state = async (shop: Shop, order: string) => (await shop.invoices(order)).map((row) => row.state);

onEachDatabase(
  "a settled invoice becomes one payment, however often it is looked up and by how many",
  async (database) => {
    const shop = new Shop(database);
    const { order, id, bolt11, hash } = await opened(shop);
    const settlement = new Settlement(shop.common);
    assertEquals(await settlement.lookUp(id, forEver), "unpaid");
    await shop.wallet.settle(bolt11);
    const found = await Promise.all([1, 2, 3].map(() => new Settlement(shop.common).lookUp(id, forEver)));
    assertEquals(found, ["paid", "paid", "paid"]);
    assertEquals(await settlement.lookUp(id, forEver), "paid");
    const payments = await shop.payments();
    assertEquals(
      payments.map((
        p,
      ) => [p.merchant, p.order_id, p.invoice_id, p.payment_hash, p.state, BigInt(p.amount_msat)]),
      [
        [MERCHANT, order, id, hash, "matched", PRICE],
      ],
    );
    assertEquals([shop.events, await shop.payment(order), await state(shop, order)], [
      [`paid ${PRICE}`],
      "paid",
      ["paid"],
    ]);
  },
);

Deno.test("the amount is what the wallet says arrived, or the invoice's when it says no amount", async () => {
  await using database = await memoryDatabase();
  const shop = new Shop(database);
  const less = await opened(shop);
  await shop.wallet.settle(less.bolt11, { amountMsat: 1_000_000n });
  await new Settlement(shop.common).lookUp(less.id, forEver);
  const silent = await opened(shop);
  shop.wallet.lookup = () => Promise.resolve({ status: "settled", amountMsat: null, settledAt: 5 });
  await new Settlement(shop.common).lookUp(silent.id, forEver);
  shop.wallet.lookup = () => Promise.resolve({ status: "settled", amountMsat: 0n, settledAt: 5 });
  const nothing = await opened(shop);
  assertEquals(await new Settlement(shop.common).lookUp(nothing.id, forEver), "unknown");
  assertEquals((await shop.payments()).map((p) => p.amount_msat).sort((a, b) => a - b), [
    1_000_000,
    Number(PRICE),
  ]);
});

Deno.test("a payment that is in the books already isn't counted again", async () => {
  await using database = await memoryDatabase();
  const shop = new Shop(database);
  const { id, bolt11, hash } = await opened(shop);
  const { clock } = shop;
  const before = {
    id: "p",
    merchant: MERCHANT,
    wallet: "demo",
    paymentHash: hash,
    orderId: null,
    invoiceId: null,
  };
  await database.transaction((tx) =>
    recordPayment(tx, { ...before, amountMsat: PRICE, settledAt: clock.now(), now: clock.now() })
  );
  await shop.wallet.settle(bolt11);
  assertEquals(await new Settlement(shop.common).lookUp(id, forEver), "paid");
  assertEquals([shop.events, (await shop.payments()).length], [[], 1]);
});

Deno.test("money for an order that isn't there any more is written down as unmatched", async () => {
  await using database = await memoryDatabase();
  const shop = new Shop(database);
  const { order, id, bolt11 } = await opened(shop);
  await shop.wallet.settle(bolt11);
  await database.transaction((tx) => tx.deleteFrom("orders").where("id", "=", order).execute());
  assertEquals(await new Settlement(shop.common).lookUp(id, forEver), "paid");
  assertEquals((await shop.payments()).map((p) => [p.order_id, p.state]), [[null, "unmatched"]]);
});

Deno.test("an unpaid order expires after a look-up at its end, and is watched on: late money still arrives", async () => {
  await using database = await memoryDatabase();
  const shop = new Shop(database);
  const { order, id, bolt11 } = await opened(shop);
  const settlement = new Settlement(shop.common);
  await shop.clock.advance(899_999);
  assertEquals(await settlement.lookUp(id, forEver), "unpaid");
  await shop.clock.advance(1);
  assertEquals(await settlement.lookUp(id, forEver), "expired");
  assertEquals([shop.events, await state(shop, order)], [["expired"], ["expired"]]);
  const [row] = await shop.invoices(order);
  assertEquals(row!.next_lookup_at, shop.clock.now() + 60_000);
  await shop.wallet.settle(bolt11, { late: true });
  assertEquals(await settlement.lookUp(id, forEver), "paid");
  assertEquals(shop.events, ["expired", `paid ${PRICE}`]);
});

Deno.test("a silent wallet delays expiry by 30 minutes, and a clock that jumped delays it again", async () => {
  await using database = await memoryDatabase();
  const shop = new Shop(database);
  const { order, id } = await opened(shop);
  const settlement = new Settlement(shop.common);
  shop.wallet.faults.always("lookup", { do: "fail", kind: "unreachable" });
  await shop.clock.advance(900_000);
  assertEquals(await settlement.lookUp(id, forEver), "unknown");
  shop.clock.jump(3_600_000);
  settlement.clockJumped();
  assertEquals(await settlement.lookUp(id, forEver), "unknown");
  await shop.clock.advance(30 * 60_000 - 1);
  assertEquals(await settlement.lookUp(id, forEver), "unknown");
  assertEquals(await shop.payment(order), "awaiting");
  await shop.clock.advance(1);
  assertEquals(await settlement.lookUp(id, forEver), "expired");
  assertEquals(await shop.payment(order), "expired");
});

Deno.test("after a restart expiry waits two minutes for invoices of before", async () => {
  await using database = await memoryDatabase();
  const shop = new Shop(database);
  const { id } = await opened(shop);
  await shop.clock.advance(900_000);
  const restarted = new Settlement(shop.common);
  assertEquals(await restarted.lookUp(id, forEver), "unpaid");
  await shop.clock.advance(120_000);
  assertEquals(await restarted.lookUp(id, forEver), "expired");
});

Deno.test("a wallet that doesn't know an invoice says nothing right after its making, and 'unpaid' later", async () => {
  await using database = await memoryDatabase();
  const shop = new Shop(database);
  const { id } = await opened(shop);
  shop.wallet.lookup = () => Promise.resolve({ status: "not_found" });
  const settlement = new Settlement(shop.common);
  await shop.clock.advance(59_999);
  assertEquals(await settlement.lookUp(id, forEver), "unknown");
  await shop.clock.advance(1);
  assertEquals(await settlement.lookUp(id, forEver), "unpaid");
});

Deno.test("held money never lets the order expire", async () => {
  await using database = await memoryDatabase();
  const shop = new Shop(database);
  const { id, order } = await opened(shop);
  const settlement = new Settlement(shop.common);
  shop.wallet.lookup = () => Promise.resolve({ status: "held" });
  await shop.clock.advance(10 * 3_600_000);
  assertEquals(await settlement.lookUp(id, forEver), "unknown");
  assertEquals(await shop.payment(order), "awaiting");
});

Deno.test("expiry leaves an order alone that waits for nothing any more", async () => {
  await using database = await memoryDatabase();
  const shop = new Shop(database);
  const { id, order } = await opened(shop);
  const settlement = new Settlement(shop.common);
  await shop.change(order, { payment: "cancelled" });
  await shop.clock.advance(900_000);
  assertEquals(await settlement.lookUp(id, forEver), "expired");
  assertEquals(shop.events, []);
});

Deno.test("an invoice of another wallet than the present one isn't asked about there", async () => {
  await using database = await memoryDatabase();
  const shop = new Shop(database);
  const { id } = await opened(shop);
  let asked = 0;
  shop.wallet.lookup = () => Promise.resolve({ status: "settled", amountMsat: null, settledAt: ++asked });
  const other = Object.create(shop.wallet, { id: { value: "nwc:other" } });
  assertEquals(
    await new Settlement({ ...shop.common, walletOf: () => other }).lookUp(id, forEver),
    "unknown",
  );
  assertEquals(await new Settlement({ ...shop.common, walletOf: () => null }).lookUp(id, forEver), "unknown");
  assertEquals(asked, 0);
  assert((await shop.payments()).length === 0);
});
