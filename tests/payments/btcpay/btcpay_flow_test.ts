import { assertEquals } from "@std/assert";
import { invoiceJobs } from "../../../src/payments/invoice_jobs.ts";
import { Settlement } from "../../../src/payments/settlement.ts";
import { Sweep } from "../../../src/payments/sweep.ts";
import { freshDatabase } from "../../support/fresh_database.ts";
import { BtcpayServer } from "../contract/btcpay_server.ts";
import { byList, MERCHANT, PRICE, Shop } from "../shop.ts";
import { openBtcpay } from "./open.ts";

const MINUTE = 60_000;
const soon = () => AbortSignal.timeout(30_000);

/** An order of a shop that receives with BTCPay, invoiced, and a way to ask BTCPay about it. */
async function sale() {
  const database = await freshDatabase();
  const server = new BtcpayServer();
  const shop = new Shop(database);
  shop.clock.jump(Date.now() - shop.clock.now());
  const wallet = openBtcpay(server.url(), shop.clock);
  const common = { ...shop.common, walletsOf: () => [wallet] };
  const settlement = new Settlement(common);
  const order = await shop.order();
  await invoiceJobs(common)["invoice.create"]!.run(shop.job(order));
  const [row] = await shop.invoices(order);
  return {
    shop,
    server,
    order,
    invoice: server.invoices.get(row!.wallet_ref!)!,
    lookUp: () => settlement.lookUp(row!.id, soon()),
    sweep: () => new Sweep({ ...common, settlement }).run(MERCHANT, "soon", soon()),
    listed: () => byList({ ...common, wallet }, [row!.id], soon()),
    id: row!.id,
    async [Symbol.asyncDispose]() {
      await wallet.close();
      await server.stop();
      await database[Symbol.asyncDispose]();
    },
  };
}

Deno.test("an order isn't over while its payment on the chain waits for confirmation, and is paid by it", async () => {
  await using it = await sale();
  const payment = it.server.arrives(it.invoice.id, it.invoice.amount);
  it.invoice.status = "Processing";
  it.shop.clock.jump(60 * MINUTE);
  assertEquals(await it.lookUp(), "unknown");
  assertEquals(await it.shop.payment(it.order), "awaiting");
  payment.status = "Settled";
  it.invoice.status = "Settled";
  assertEquals(await it.lookUp(), "paid");
  assertEquals(it.shop.events, ["invoiced", "paid 21000000"]);
});

Deno.test("what came in part by the end is the order's as soon as it is confirmed", async () => {
  await using it = await sale();
  const payment = it.server.arrives(it.invoice.id, "0.0001");
  Object.assign(it.invoice, { status: "New", additionalStatus: "PaidPartial" });
  assertEquals(await it.lookUp(), "unpaid");
  it.invoice.status = "Expired";
  assertEquals(await it.lookUp(), "unpaid");
  payment.status = "Settled";
  assertEquals(await it.lookUp(), "paid");
  assertEquals(it.shop.events, ["invoiced", "paid 10000000"]);
});

for (
  const [name, value, msat] of [
    ["a thousandth of the price, as slips of units look like", "0.00000021", 21_000],
    ["many times the price", "0.0021", 210_000_000],
  ] as const
) {
  Deno.test(`what came on the chain is booked as it is: ${name}`, async () => {
    await using it = await sale();
    it.server.arrives(it.invoice.id, value).status = "Settled";
    Object.assign(
      it.invoice,
      msat < Number(PRICE)
        ? { status: "Expired", additionalStatus: "PaidPartial" }
        : { status: "Settled", additionalStatus: "PaidOver" },
    );
    assertEquals(await it.lookUp(), "paid");
    assertEquals(it.shop.events, ["invoiced", `paid ${msat}`]);
    assertEquals((await it.shop.payments()).map((one) => one.amount_msat), [msat]);
  });
}

for (const late of ["PaidLate", "PaidPartial", "PaidOver"] as const) {
  Deno.test(`what came on the chain and nobody noticed is found by the sweep: ${late}`, async () => {
    await using it = await sale();
    it.shop.clock.jump(20 * MINUTE);
    it.invoice.status = "Expired";
    assertEquals([await it.sweep(), await it.lookUp()], [
      { listed: 0, found: 0, unmatched: 0, unsure: 0 },
      "expired",
    ]);
    it.invoice.additionalStatus = late;
    const payment = it.server.arrives(it.invoice.id, "0.0002");
    assertEquals(await it.sweep(), { listed: 1, found: 0, unmatched: 0, unsure: 1 });
    payment.status = "Settled";
    assertEquals(await it.sweep(), { listed: 1, found: 1, unmatched: 0, unsure: 0 });
    assertEquals(it.shop.events, ["invoiced", "expired", "paid 20000000"]);
  });
}

for (const seen of ["seen", "unseen"] as const) {
  Deno.test(`the rest by another BOLT11 is the same invoice's, ${seen} before the sweep`, async () => {
    await using it = await sale();
    it.server.arrives(it.invoice.id, "0.0001").status = "Settled";
    it.server.replaceBolt11(it.invoice.id);
    it.invoice.status = "Settled";
    it.server.arrives(it.invoice.id, "0.00011").status = "Settled";
    if (seen === "seen") assertEquals(await it.lookUp(), "paid");
    it.shop.clock.jump(5 * MINUTE);
    const paid = { listed: 1, found: seen === "seen" ? 0 : 1, unmatched: 0, unsure: 0 };
    assertEquals(await it.sweep(), paid);
    assertEquals(await it.sweep(), { ...paid, found: 0 });
    assertEquals(it.shop.events, ["invoiced", `paid ${PRICE}`]);
    assertEquals((await it.shop.payments()).map(({ state }) => state), ["matched"]);
  });
}

Deno.test("an invoice is known on BTCPay's list under another BOLT11", async () => {
  await using it = await sale();
  it.server.arrives(it.invoice.id, it.invoice.amount).status = "Settled";
  it.server.replaceBolt11(it.invoice.id);
  it.invoice.status = "Settled";
  assertEquals(await it.listed(), { offered: true, paid: [it.id], single: [] });
});

Deno.test("an order whose invoice ended unpaid is over", async () => {
  await using it = await sale();
  it.shop.clock.jump(20 * MINUTE);
  it.invoice.status = "Expired";
  assertEquals([await it.lookUp(), await it.shop.payment(it.order)], ["expired", "expired"]);
});
