import { assertEquals } from "@std/assert";
import { assignPayment, recordUnmatched } from "../../src/payments/unmatched.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { onEachDatabase } from "../support/databases.ts";
import { MERCHANT, PRICE, Shop } from "./shop.ts";

/** An unmatched payment, named `id`. */
function arrived(shop: Shop, id = "p", merchant = MERCHANT): Promise<boolean> {
  const now = shop.clock.now();
  const payment = { id, merchant, wallet: "demo", invoiceId: null, amountMsat: PRICE, settledAt: now, now };
  return shop.database.transaction((tx) =>
    recordUnmatched(tx, { ...payment, paymentHash: id.padEnd(64, "0") }, "Nobody knows.")
  );
}

const assign = (shop: Shop, paymentId: string, orderId: string) =>
  shop.database.transaction((tx) =>
    assignPayment(tx, { paymentId, orderId, orders: shop.orders, now: shop.clock.now() })
  );

onEachDatabase("an unmatched payment is written down and told once", async (database) => {
  const shop = new Shop(database);
  assertEquals([await arrived(shop), await arrived(shop)], [true, false]);
  const jobs = await database.kysely.selectFrom("jobs").select("payload").execute();
  assertEquals(jobs.map((job) => JSON.parse(job.payload)), [{
    merchant: MERCHANT,
    kind: "payment_unmatched",
    fact: "payment:p:unmatched",
    detail: "21,000 sat arrived that match no order. Nobody knows.",
  }]);
});

onEachDatabase(
  "assigning makes it the order's money, once, however many try at the same time",
  async (database) => {
    const shop = new Shop(database);
    const order = await shop.order({ payment: "awaiting" });
    await arrived(shop);
    const all = await Promise.all([1, 2, 3].map(() => assign(shop, "p", order)));
    assertEquals(all.map((one) => one.ok).sort(), [false, false, true]);
    assertEquals(all.find((one) => !one.ok), {
      ok: false,
      code: "conflict",
      reason: `The payment belongs to order ${order} already.`,
    });
    const [payment] = await shop.payments();
    assertEquals([payment!.order_id, payment!.state], [order, "matched"]);
    assertEquals([shop.events, await shop.payment(order)], [["noted", `paid ${PRICE}`], "paid"]);
  },
);

Deno.test("what isn't the merchant's, isn't there or goes back can't be assigned", async () => {
  await using database = await freshDatabase();
  const shop = new Shop(database);
  const order = await shop.order({ payment: "awaiting" });
  await arrived(shop);
  await arrived(shop, "q", "c".repeat(64));
  const code = async (payment: string, id: string) => {
    const assigned = await assign(shop, payment, id);
    return assigned.ok ? "ok" : assigned.code;
  };
  assertEquals(await code("none", order), "not_found");
  assertEquals(await code("p", "none"), "not_found");
  assertEquals(await code("q", order), "not_found");
  await database.transaction((tx) => tx.updateTable("payments").set({ refunding_msat: 1 }).execute());
  assertEquals(await code("p", order), "conflict");
  assertEquals([shop.events, await shop.payment(order)], [[], "awaiting"]);
});
