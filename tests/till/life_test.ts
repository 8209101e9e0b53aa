import { assert, assertEquals } from "@std/assert";
import { Retention } from "../../src/app/retention.ts";
import type { OrderRow } from "../../src/orders/orders_store.ts";
import { cancelInvoice } from "../../src/till/cancel.ts";
import { type InvoiceWish, takeInvoice } from "../../src/till/take.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { HoldingWallet } from "../support/holding_wallet.ts";
import { silentLog } from "../support/log.ts";
import { Shop } from "../support/shop.ts";

const DAY_MS = 86_400_000;

/** A till's invoice over 100 sat, made. */
async function asked(shop: Shop, change: Partial<InvoiceWish> = {}): Promise<OrderRow> {
  const wish: InvoiceWish = {
    till: "t1",
    merchant: shop.merchant,
    reference: "cart-1",
    asked: { amount: "100", currency: "sat" },
    description: null,
    expiryMs: null,
    ...change,
  };
  const on = { terms: shop.terms, caps: { maxMsat: null, maxOpen: null } };
  const taken = await shop.database.transaction((tx) => takeInvoice(tx, wish, on, shop.clock.now()));
  if (!taken.ok) throw new Error(taken.reason);
  await shop.settle();
  return await shop.order();
}

async function open(shop: Shop): Promise<string> {
  const row = await shop.database.kysely.selectFrom("invoices").select("bolt11").where("state", "=", "open")
    .executeTakeFirstOrThrow();
  return row.bolt11!;
}

async function count(shop: Shop, table: "messages" | "stock_movements"): Promise<number> {
  return (await shop.database.kysely.selectFrom(table as "messages").selectAll().execute()).length;
}

Deno.test("a process that ends while the invoice is made leaves it to the next; one is open then", async () => {
  await using shop = await Shop.open();
  shop.wallet.faults.next("createInvoice", { do: "lose" });
  const wish = { merchant: shop.merchant, till: "t1", reference: "cart-1" };
  const more = { asked: { amount: "100", currency: "sat" }, description: null, expiryMs: null };
  const on = { terms: shop.terms, caps: { maxMsat: null, maxOpen: null } };
  await shop.database.transaction((tx) => takeInvoice(tx, { ...wish, ...more }, on, shop.clock.now()));
  const made = async () => (await shop.wallet.invoices()).length;
  for (const end = Date.now() + 10_000; await made() === 0 && Date.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await shop.clock.until(shop.stops());
  assertEquals((await shop.order()).payment, "quoting");
  await using next = await shop.another();
  await next.pass(60_000);
  assertEquals((await next.order()).payment, "awaiting");
  const rows = await shop.database.kysely.selectFrom("invoices").select("state").execute();
  assertEquals(rows.filter(({ state }) => state === "open").length, 1);
  assertEquals(await made(), 2);
});

Deno.test("money on hold is taken for a till's invoice, which has no goods to wait for", async () => {
  const clock = new FakeClock();
  const wallet = new HoldingWallet(clock);
  await using shop = await Shop.open({ clock, wallet, terms: { stockPolicy: "holdinvoice" } });
  const before = await count(shop, "stock_movements");
  await asked(shop);
  const paid = await wallet.settle(await open(shop));
  assert(paid.ok);
  await shop.pass(2_000);
  const { payment, fulfilment } = await shop.order();
  assertEquals([wallet.holds, payment, fulfilment], [["settled"], "paid", "delivered"]);
  assertEquals(await count(shop, "stock_movements"), before);
});

Deno.test("a part that was paid goes back when the till cancels, to nobody that could be asked", async () => {
  await using shop = await Shop.open();
  const { id } = await asked(shop);
  await shop.paid(await open(shop), { amountMsat: 40_000n });
  assertEquals((await shop.order()).payment, "awaiting");
  await shop.database.transaction((tx) => cancelInvoice(tx, id, shop.clock.now()));
  await shop.settle();
  const order = await shop.order();
  assertEquals([order.payment, order.received_msat, order.refunding_msat], ["refund_due", 40_000, 40_000]);
  const [refund] = await shop.database.kysely.selectFrom("refunds").selectAll().execute();
  assertEquals([refund!.customer, refund!.amount_msat, refund!.state], [null, 40_000, "due"]);
  assertEquals(await count(shop, "messages"), 0);
});

Deno.test("a till's orders don't count for any customer, and stand in nobody's way", async () => {
  await using shop = await Shop.open({ terms: { maxOpenOrders: 1 } });
  for (const reference of ["a", "b", "c"]) {
    const wish = { till: "t1", merchant: shop.merchant, reference, description: null, expiryMs: null };
    const on = { terms: shop.terms, caps: { maxMsat: null, maxOpen: null } };
    const taken = await shop.database.transaction((tx) =>
      takeInvoice(tx, { ...wish, asked: { amount: "100", currency: "sat" } }, on, shop.clock.now())
    );
    assert(taken.ok && taken.created);
  }
  const alice = shop.customer("alice");
  const [answer] = await alice.orders({ id: "order-1" });
  assert(answer);
  assertEquals((await shop.order("order-1")).payment, "awaiting");
});

Deno.test("what a till said of an invoice is taken out in time; what the books need stays, and the reference is known", async () => {
  await using shop = await Shop.open();
  const { id } = await asked(shop, { description: "Canary's cart" });
  await shop.paid(await open(shop));
  shop.clock.jump(91 * DAY_MS);
  const { database, clock } = shop;
  const settings = { NCC_RETENTION_DAYS: 90, NCC_DATA_DIR: "/nowhere" };
  await new Retention({ database, clock, log: silentLog, settings }).run();
  const order = await shop.order();
  assertEquals([order.message, order.forgotten_at !== null, order.payment], [null, true, "paid"]);
  assertEquals((await asked(shop)).id, id);
  assertEquals((await shop.order()).payment, "paid");
});
