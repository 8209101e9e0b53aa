import { assertEquals } from "@std/assert";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { recordUnmatched } from "../../src/payments/unmatched.ts";
import { systemRandom } from "../../src/random.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { silentLog } from "../support/log.ts";
import { TestApi } from "./test_api.ts";

async function opened(): Promise<TestApi> {
  return await TestApi.open({
    wallet: new DemoWallet({ clock: new FakeClock(), random: systemRandom, log: silentLog }),
  });
}

/** 21 sat that match no order. */
async function arrived(api: TestApi, id: string, merchant = api.merchant): Promise<void> {
  const now = api.clock.now();
  const payment = { id, merchant, wallet: "demo", invoiceId: null, amountMsat: 21_000n, settledAt: now, now };
  const paymentHash = id.padEnd(64, "0").replace("p", "a");
  await api.app.database.transaction((tx) => recordUnmatched(tx, { ...payment, paymentHash }, ""));
}

Deno.test("an unmatched payment is assigned to an order, which is paid by it; a second time is refused", async () => {
  await using api = await opened();
  const order = await api.order({ payment: "awaiting", fulfilment: "none", received_msat: 0 });
  await arrived(api, "p1");
  const assigned = await api.post("/payments/p1/assign", { order_id: order });
  assertEquals([assigned.status, assigned.body.order_id, assigned.body.state], [200, order, "matched"]);
  assertEquals((await api.get("/payments/unmatched")).body.data, []);
  const { body } = await api.get(`/orders/${order}`);
  assertEquals([body.payment, body.received_msat], ["paid", "21000"]);
  const { body: timeline } = await api.get(`/orders/${order}/timeline`);
  assertEquals(timeline.data.map((one: { text: string }) => one.text), [
    "The merchant assigned a payment of 21 sat that had matched no order.",
    "21 sat received. Paid.",
  ]);
  const again = await api.post("/payments/p1/assign", { order_id: order });
  assertEquals([again.status, again.body.code], [409, "wrong_state"]);
  assertEquals((await api.get(`/orders/${order}`)).body.received_msat, "21000");
  assertEquals(await auditOf(api), [
    ["/api/v1/payments/p1/assign", 200],
    ["/api/v1/payments/p1/assign", 409],
  ]);
});

Deno.test("assigning follows the order's life: a part, too much, a second payment, a late one, one after cancelling", async () => {
  await using api = await opened();
  const cases = [
    [{ payment: "awaiting", total_msat: 50_000, received_msat: 0 }, "awaiting"],
    [{ payment: "awaiting", total_msat: 10_000, received_msat: 0 }, "overpaid"],
    [{ payment: "paid", fulfilment: "unfulfilled" }, "refund_due"],
    [{ payment: "expired", received_msat: 0 }, "paid"],
    [{ payment: "cancelled", received_msat: 0 }, "refund_due"],
  ] as const;
  for (const [n, [change, after]] of cases.entries()) {
    const order = await api.order({ fulfilment: "none", ...change });
    await arrived(api, `p${n}`);
    assertEquals((await api.post(`/payments/p${n}/assign`, { order_id: order })).status, 200);
    assertEquals((await api.get(`/orders/${order}`)).body.payment, after, JSON.stringify(change));
  }
});

Deno.test("what can't be assigned is refused: unknown, another merchant's, not well formed", async () => {
  await using api = await opened();
  const order = await api.order({ payment: "awaiting", fulfilment: "none", received_msat: 0 });
  const theirs = await api.order({ merchant: "c".repeat(64), payment: "awaiting", fulfilment: "none" });
  await arrived(api, "p1");
  const status = async (id: string, body: unknown) => (await api.post(`/payments/${id}/assign`, body)).status;
  assertEquals(await status("none", { order_id: order }), 404);
  assertEquals(await status("p1", { order_id: "none" }), 404);
  assertEquals(await status("p1", { order_id: theirs }), 404);
  assertEquals(await status("p1", {}), 422);
  assertEquals(await status("p1", { order_id: order, amount: 1 }), 422);
  assertEquals((await api.get("/payments/unmatched")).body.data.length, 1);
});

Deno.test("what was paid is accepted as enough; what nobody paid isn't", async () => {
  await using api = await opened();
  const part = await api.order({ payment: "awaiting", fulfilment: "none", received_msat: 5_000 });
  const accepted = await api.post(`/orders/${part}/accept`);
  assertEquals([accepted.status, accepted.body.payment, accepted.body.received_msat], [200, "paid", "5000"]);
  const none = await api.order({ payment: "awaiting", fulfilment: "none", received_msat: 0 });
  const refused = await api.post(`/orders/${none}/accept`);
  assertEquals([refused.status, refused.body.code], [409, "wrong_state"]);
  assertEquals((await api.post("/orders/none/accept")).status, 404);
});

async function auditOf(api: TestApi): Promise<[string, number][]> {
  const rows = await api.app.database.kysely.selectFrom("audit").select(["path", "status"]).orderBy("seq")
    .execute();
  return rows.map((row) => [row.path, row.status]);
}
