import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { recordPayment } from "../../src/payments/payments_store.ts";
import { systemRandom } from "../../src/random.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { silentLog } from "../support/log.ts";
import { TestApi } from "./test_api.ts";

const CUSTOMER = "b".repeat(64);
const demo = () => new DemoWallet({ clock: new FakeClock(), random: systemRandom, log: silentLog });

/** A refund of 21 sat for a paid order that is cancelled. */
async function due(api: TestApi): Promise<{ id: string; orderId: string }> {
  const orderId = await api.order();
  const refunded = await api.post(`/orders/${orderId}/refund`, { reason: "Sold out" });
  assertEquals([refunded.status, refunded.body.state], [200, "due"], JSON.stringify(refunded.body));
  return { id: refunded.body.id, orderId };
}

async function destine(api: TestApi, id: string, hash: string): Promise<void> {
  await api.app.database.transaction((tx) =>
    tx.updateTable("refunds").set({ destination: "lnbcrt1", payment_hash: hash }).where("id", "=", id)
      .execute()
  );
}

Deno.test("everything back: the order is cancelled, the refund is listed by order, state and merchant", async () => {
  await using api = await TestApi.open();
  const { id, orderId } = await due(api);
  const { body: order } = await api.get(`/orders/${orderId}`);
  assertEquals([order.payment, order.fulfilment, order.reason], ["refund_due", "none", "Sold out."]);
  const { body: one } = await api.get(`/refunds/${id}`);
  assertEquals(
    [one.order_id, one.amount_msat, one.customer, one.destination, one.approved_by],
    [orderId, "21000", CUSTOMER, null, null],
  );
  const found = async (query: string) =>
    (await api.get(`/refunds?${query}`)).body.data.map((r: { id: string }) => r.id);
  await due(api);
  assertEquals(await found(`order_id=${orderId}`), [id]);
  assertEquals((await found("state=due")).length, 2);
  assertEquals(await found("state=sent"), []);
  assertEquals(await found(`merchant=${"c".repeat(64)}`), []);
  const first = await api.get("/refunds?limit=1");
  const second = await api.get(`/refunds?limit=1&cursor=${encodeURIComponent(first.body.next_cursor)}`);
  assertEquals([first.body.has_more, second.body.has_more], [true, false]);
  assert(first.body.data[0].id !== second.body.data[0].id);
  assertEquals((await api.get("/refunds?state=payed")).status, 422);
  assertEquals((await api.get("/refunds/none")).status, 404);
});

Deno.test("the same request with an Idempotency-Key opens one refund; a part leaves the order as it is", async () => {
  await using api = await TestApi.open();
  const orderId = await api.order();
  const headers = { "idempotency-key": "one" };
  const body = { amount_msat: "5000", reason: "A chip" };
  const both = [
    await api.post(`/orders/${orderId}/refund`, body, { headers }),
    await api.post(`/orders/${orderId}/refund`, body, { headers }),
  ];
  assertEquals(both[0]!.body.id, both[1]!.body.id);
  assertEquals((await api.get("/refunds")).body.data.length, 1);
  assertEquals((await api.get(`/orders/${orderId}`)).body.payment, "paid");
  const more = await api.post(`/orders/${orderId}/refund`, { amount_msat: "16001", reason: "More" });
  assertEquals([more.status, more.body.code], [409, "wrong_state"]);
  for (
    const wrong of [{ reason: "x", amount_msat: "0" }, { reason: "x", amount_msat: 5 }, { amount_msat: "5" }]
  ) {
    assertEquals((await api.post(`/orders/${orderId}/refund`, wrong)).status, 422);
  }
  assertEquals((await api.post("/orders/none/refund", { reason: "x" })).status, 404);
});

Deno.test("approved are exactly the invoice that was seen, and only with a wallet to pay with", async () => {
  await using poor = await TestApi.open();
  const without = await due(poor);
  await destine(poor, without.id, "a".repeat(64));
  const refused = await poor.post(`/refunds/${without.id}/approve`);
  assertEquals(refused.status, 409);
  assertStringIncludes(refused.body.detail, "NCC_WALLET_SPEND");

  await using api = await TestApi.open({ spend: demo() });
  const { id } = await due(api);
  assertStringIncludes((await api.post(`/refunds/${id}/approve`)).body.detail, "no destination yet");
  await destine(api, id, "a".repeat(64));
  const other = await api.post(`/refunds/${id}/approve`, { payment_hash: "c".repeat(64) });
  assertEquals(other.status, 409);
  assertStringIncludes(other.body.detail, "another destination");
  const elsewhere = await api.post(`/refunds/${id}/approve`, { destination: "mallory@example.com" });
  assertEquals(elsewhere.status, 409);
  assertStringIncludes(elsewhere.body.detail, "another destination");
});

Deno.test("by hand and cancelled: who did it and why is kept, and only once", async () => {
  await using api = await TestApi.open();
  const { id, orderId } = await due(api);
  assertEquals((await api.post(`/refunds/${id}/by_hand`)).status, 422);
  const done = await api.post(`/refunds/${id}/by_hand`, { note: "Cash" });
  assertEquals([done.body.state, done.body.note], ["by_hand", "Cash"]);
  assert(done.body.approved_by !== null && done.body.ended_at !== null);
  assertEquals((await api.get(`/orders/${orderId}`)).body.payment, "refunded");
  const again = await api.post(`/refunds/${id}/cancel`, { reason: "No" });
  assertEquals(again.status, 409);
  assertStringIncludes(again.body.detail, "paid by hand already");

  const other = await due(api);
  const cancelled = await api.post(`/refunds/${other.id}/cancel`, { reason: "A new cup instead" });
  assertEquals([cancelled.body.state, cancelled.body.note], ["cancelled", "A new cup instead"]);
  assertEquals((await api.post(`/refunds/${other.id}/retry`, { confirm: "not paid" })).status, 409);
  assertEquals((await api.post(`/refunds/${other.id}/retry`)).status, 422);
});

Deno.test("a payment that matches no order goes back to whom the merchant names, or by hand", async () => {
  await using api = await TestApi.open();
  const paymentId = crypto.randomUUID();
  await api.app.database.transaction((tx) =>
    recordPayment(tx, {
      id: paymentId,
      merchant: api.merchant,
      wallet: "demo",
      paymentHash: "d".repeat(64),
      orderId: null,
      invoiceId: null,
      amountMsat: 50_000n,
      settledAt: 1,
      now: 1,
    })
  );
  const path = `/payments/${paymentId}/refund`;
  assertEquals((await api.post(path, { reason: "x", customer: "mallory" })).status, 422);
  const part = await api.post(path, { reason: "Nobody's", amount_msat: "20000" });
  assertEquals([part.status, part.body.customer, part.body.payment_id], [200, null, paymentId]);
  const rest = await api.post(path, { reason: "Nobody's", customer: api.merchant });
  assertEquals([rest.body.amount_msat, rest.body.customer], ["30000", api.merchant]);
  const jobs = (await api.get("/jobs")).body.data.filter((job: { kind: string }) =>
    job.kind === "refund.tell"
  );
  assertEquals(jobs.length, 1);
  assertEquals((await api.post(path, { reason: "x" })).status, 409);
  for (const { id } of [part.body, rest.body]) await api.post(`/refunds/${id}/by_hand`, { note: "Cash" });
  assertEquals((await api.get("/payments")).body.data[0].state, "refunded");
});

Deno.test("a merchant's spending wallet is kept sealed and never shown", async () => {
  await using api = await TestApi.open();
  const url = `nostr+walletconnect://${"b".repeat(64)}?relay=ws%3A%2F%2F127.0.0.1%3A9&secret=${
    "a".repeat(64)
  }`;
  const made = await api.post("/merchants", { name: "Second", wallet_spend: url });
  assertEquals(made.status, 201);
  assert(!JSON.stringify(made.body).includes("a".repeat(64)));
  const secrets = await api.app.database.kysely.selectFrom("secrets").selectAll().execute();
  const spend = secrets.find((secret) => secret.name === "wallet_spend")!;
  assert(spend.sealed.startsWith("v1.") && !spend.sealed.includes("a".repeat(64)));
  assertEquals(api.app.merchants.get(made.body.pubkey)!.spend!.kind, "nwc");
  assertEquals(api.app.merchants.get(made.body.pubkey)!.wallet, null);
  const wrong = await api.post("/merchants", { name: "Third", wallet_spend: "canary://x" });
  assertEquals([wrong.status, wrong.body.errors[0].pointer], [422, "/wallet_spend"]);
});
