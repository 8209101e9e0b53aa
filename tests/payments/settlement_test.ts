import { assert, assertEquals } from "@std/assert";
import { invoiceJobs } from "../../src/payments/invoice_jobs.ts";
import { recordPayment } from "../../src/payments/payments_store.ts";
import { Settlement } from "../../src/payments/settlement.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { onEachDatabase } from "../support/databases.ts";
import { recordUnmatched } from "../../src/payments/unmatched.ts";
import { MERCHANT, PRICE, Shop } from "./shop.ts";

const forEver = new AbortController().signal;

async function opened(shop: Shop) {
  const order = await shop.order();
  await invoiceJobs(shop.common)["invoice.create"]!.run(shop.job(order));
  const [invoice] = await shop.invoices(order);
  shop.events.length = 0;
  return { order, id: invoice!.id, bolt11: invoice!.bolt11!, hash: invoice!.payment_hash! };
}

async function alerts(shop: Shop): Promise<string[]> {
  const jobs = await shop.database.kysely.selectFrom("jobs").select("payload").where(
    "kind",
    "=",
    "owners.tell",
  )
    .execute();
  return jobs.map((job) => JSON.parse(job.payload).fact);
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
  await using database = await freshDatabase();
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

async function bookedBefore(shop: Shop, o: { hash: string; orderId: string | null }) {
  const now = shop.clock.now();
  const payment = { id: "p", merchant: MERCHANT, wallet: "demo", invoiceId: null, settledAt: now, now };
  await shop.database.transaction((tx) =>
    recordPayment(tx, { ...payment, paymentHash: o.hash, orderId: o.orderId, amountMsat: PRICE })
  );
}

Deno.test("a payment that is in the books already isn't counted again", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const { id, order, bolt11, hash } = await opened(shop);
  await bookedBefore(shop, { hash, orderId: order });
  await shop.wallet.settle(bolt11);
  assertEquals(await new Settlement(shop.common).lookUp(id, forEver), "paid");
  assertEquals([shop.events, (await shop.payments()).length], [[], 1]);
});

Deno.test("a payment that was found before its invoice was known becomes its order's; one that goes back doesn't", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const { id, order, bolt11, hash } = await opened(shop);
  await bookedBefore(shop, { hash, orderId: null });
  await shop.wallet.settle(bolt11);
  assertEquals(await new Settlement(shop.common).lookUp(id, forEver), "paid");
  const [payment, ...more] = await shop.payments();
  assertEquals([payment!.order_id, payment!.invoice_id, payment!.state, more], [order, id, "matched", []]);
  assertEquals(shop.events, [`paid ${PRICE}`]);

  const other = await opened(shop);
  await database.transaction(async (tx) => {
    await recordUnmatched(tx, {
      id: "q",
      merchant: MERCHANT,
      wallet: "demo",
      paymentHash: other.hash,
      invoiceId: null,
      amountMsat: PRICE,
      settledAt: 1,
      now: 1,
    }, "");
    await tx.updateTable("payments").set({ refunding_msat: 1 }).where("id", "=", "q").execute();
  });
  await shop.wallet.settle(other.bolt11);
  assertEquals(await new Settlement(shop.common).lookUp(other.id, forEver), "paid");
  assertEquals([shop.events, (await shop.payments()).filter((one) => one.id === "q")[0]!.order_id], [
    [],
    null,
  ]);
});

const claims: [string, bigint | null, bigint, boolean][] = [
  ["a part", PRICE / 2n, PRICE / 2n, false],
  ["too much, as far as a node lets it", PRICE * 2n, PRICE * 2n, false],
  ["more than a node would take", PRICE * 2n + 1n, PRICE, true],
  ["a thousand times as much: sats given out as more", PRICE * 1000n, PRICE, true],
  ["a thousandth: sats given out as msat", PRICE / 1000n, PRICE, true],
  ["no amount", null, PRICE, false],
];
for (const [name, said, booked, doubted] of claims) {
  Deno.test(`what the wallet says arrived: ${name}`, async () => {
    await using database = await freshDatabase();
    const shop = new Shop(database);
    const { id } = await opened(shop);
    shop.wallet.lookup = () => Promise.resolve({ status: "settled", amountMsat: said, settledAt: 5 });
    assertEquals(await new Settlement(shop.common).lookUp(id, forEver), "paid");
    assertEquals((await shop.payments()).map((one) => BigInt(one.amount_msat)), [booked]);
    assertEquals(shop.events, [...(doubted ? ["noted"] : []), `paid ${booked}`]);
  });
}

Deno.test("a payment isn't dated in the future, whatever unit the wallet counts time in", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const { id } = await opened(shop);
  const settledAt = shop.clock.now() * 1000;
  shop.wallet.lookup = () => Promise.resolve({ status: "settled", amountMsat: PRICE, settledAt });
  await new Settlement(shop.common).lookUp(id, forEver);
  assertEquals((await shop.payments())[0]!.settled_at, shop.clock.now());
});

Deno.test("money for an order that isn't there any more is written down as unmatched", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const { order, id, bolt11 } = await opened(shop);
  await shop.wallet.settle(bolt11);
  await database.transaction((tx) => tx.deleteFrom("orders").where("id", "=", order).execute());
  assertEquals(await new Settlement(shop.common).lookUp(id, forEver), "paid");
  const [payment] = await shop.payments();
  assertEquals([payment!.order_id, payment!.state], [null, "unmatched"]);
  assertEquals(await alerts(shop), [`payment:${payment!.id}:unmatched`]);
});

Deno.test("an unpaid order expires after a look-up at its end, and is watched on: late money still arrives", async () => {
  await using database = await freshDatabase();
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
  await using database = await freshDatabase();
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
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const { id } = await opened(shop);
  await shop.clock.advance(900_000);
  const restarted = new Settlement(shop.common);
  assertEquals(await restarted.lookUp(id, forEver), "unpaid");
  await shop.clock.advance(120_000);
  assertEquals(await restarted.lookUp(id, forEver), "expired");
});

Deno.test("a wallet that doesn't know an invoice says nothing right after its making, and 'unpaid' later", async () => {
  await using database = await freshDatabase();
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
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const { id, order } = await opened(shop);
  const settlement = new Settlement(shop.common);
  shop.wallet.lookup = () => Promise.resolve({ status: "held" });
  await shop.clock.advance(10 * 3_600_000);
  assertEquals(await settlement.lookUp(id, forEver), "unknown");
  assertEquals(await shop.payment(order), "awaiting");
});

/** An order whose money is on hold with the wallet. */
async function onHold(shop: Shop, how: "open" | "void") {
  const { id, order } = await opened(shop);
  await shop.change(order, { payment: "held", held_invoice: id });
  await shop.database.transaction((tx) =>
    tx.updateTable("invoices").set({ hold: 1, state: how }).where("id", "=", id).execute()
  );
  return { id, order };
}

for (const how of ["open", "void"] as const) {
  Deno.test(`an order ends whose money on hold the wallet knows nothing of any more (${how} invoice)`, async () => {
    await using database = await freshDatabase();
    const shop = new Shop(database);
    const { id, order } = await onHold(shop, how);
    const settlement = new Settlement(shop.common);
    shop.wallet.lookup = () => Promise.resolve({ status: "not_found" });
    await shop.clock.advance(899_999);
    assertEquals(await settlement.lookUp(id, forEver), "unpaid");
    await shop.clock.advance(1);
    assertEquals(await settlement.lookUp(id, forEver), "expired");
    assertEquals([shop.events, await shop.payment(order)], [["expired"], "expired"]);
  });
}

Deno.test("an order whose money was on hold waits a day for a silent wallet, and no longer", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const { id, order } = await onHold(shop, "open");
  const settlement = new Settlement(shop.common);
  shop.wallet.faults.always("lookup", { do: "fail", kind: "unreachable" });
  await shop.clock.advance(900_000 + 24 * 3_600_000 - 1);
  assertEquals(await settlement.lookUp(id, forEver), "unknown");
  assertEquals(await shop.payment(order), "held");
  assertEquals((await shop.invoices(order))[0]!.next_lookup_at, shop.clock.now() + 60_000);
  await shop.clock.advance(1);
  assertEquals(await settlement.lookUp(id, forEver), "expired");
  assertEquals(await shop.payment(order), "expired");
});

Deno.test("expiry leaves an order alone that waits for nothing any more", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const { id, order } = await opened(shop);
  const settlement = new Settlement(shop.common);
  await shop.change(order, { payment: "cancelled" });
  await shop.clock.advance(900_000);
  assertEquals(await settlement.lookUp(id, forEver), "expired");
  assertEquals(shop.events, []);
});

Deno.test("a wallet that was away for days is asked until it answers once: what was paid before is found", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const { id, order, bolt11 } = await opened(shop);
  const settlement = new Settlement(shop.common);
  await shop.wallet.settle(bolt11);
  shop.wallet.faults.always("lookup", { do: "fail", kind: "unreachable" });
  await shop.clock.advance(60 * 3_600_000);
  await settlement.lookUp(id, forEver);
  const [row] = await shop.invoices(order);
  assertEquals(row!.next_lookup_at, shop.clock.now() + 3_600_000);
  shop.wallet.faults.always("lookup", null);
  assertEquals(await settlement.lookUp(id, forEver), "paid");
});

Deno.test("a wallet that lists a payment may be asked about another's invoice, and only its yes counts", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const { id, order, bolt11 } = await opened(shop);
  const settlement = new Settlement({ ...shop.common, walletsOf: () => [] });
  const anew = Object.create(shop.wallet, {
    id: { value: "nwc:anew" },
    lookup: { value: shop.wallet.lookup.bind(shop.wallet) },
  });
  await shop.clock.advance(900_000);
  assertEquals(await settlement.lookUp(id, forEver, anew), "unknown");
  assertEquals(await shop.payment(order), "awaiting");
  await shop.wallet.settle(bolt11, { late: true });
  assertEquals(await settlement.lookUp(id, forEver, anew), "paid");
});

Deno.test("an invoice of another wallet than the present one isn't asked about there", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const { id } = await opened(shop);
  let asked = 0;
  shop.wallet.lookup = () => Promise.resolve({ status: "settled", amountMsat: null, settledAt: ++asked });
  const other = Object.create(shop.wallet, { id: { value: "nwc:other" } });
  assertEquals(
    await new Settlement({ ...shop.common, walletsOf: () => [other] }).lookUp(id, forEver),
    "unknown",
  );
  assertEquals(await new Settlement({ ...shop.common, walletsOf: () => [] }).lookUp(id, forEver), "unknown");
  assertEquals(asked, 0);
  assert((await shop.payments()).length === 0);
});
