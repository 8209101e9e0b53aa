import { assert, assertEquals, assertMatch } from "@std/assert";
import { decodeBolt11 } from "../../src/payments/bolt11.ts";
import { Till } from "./scene.ts";

const DAY_MS = 24 * 3_600_000;

function amountOf(bolt11: string): bigint | null {
  const read = decodeBolt11(bolt11);
  if (!read.ok) throw new Error(read.reason);
  return read.invoice.amountMsat;
}

Deno.test("a program asks for an invoice, somebody pays it, and nobody here has anything to do", async () => {
  await using till = await Till.open({ settings: { NCC_OWNERS: "a".repeat(64) } });
  const asked = await till.ask("POST", "", { reference: "cart-1", amount: "15.50", currency: "eur" });
  assertEquals(asked.status, 201, JSON.stringify(asked.body));
  const { body: made } = asked;
  assertEquals(
    [made.state, made.reference, made.amount, made.currency, made.amount_msat, made.received_msat],
    ["open", "cart-1", "15.5", "EUR", "31000000", "0"],
  );
  assertEquals([made.rate.currency, made.rate.per_btc, made.order_id], ["EUR", "50000", made.id]);
  assertEquals(amountOf(made.bolt11), 31_000_000n);
  assertEquals(await till.see(made.id), made);

  await till.pays(made.bolt11);
  const paid = await till.becomes(made.id, "paid");
  assertEquals([paid.bolt11, paid.payment_hash, paid.received_msat], [null, made.payment_hash, "31000000"]);
  assert(Date.parse(paid.paid_at) >= Date.parse(made.created_at));

  const { body: order } = await till.api.get(`/orders/${made.id}`);
  assertEquals(
    [order.customer, order.till, order.customer_order_id, order.payment, order.fulfilment, order.status],
    [null, till.token.id, "cart-1", "paid", "delivered", "completed"],
  );
  assertEquals((await till.api.get("/orders?fulfilment=unfulfilled")).body.data, []);
  assertEquals((await till.api.get("/customers")).body.data, []);
  assertEquals((await till.api.get(`/orders/${made.id}/timeline`)).status, 200);
  await till.clock.advance(60_000);
  const told = (await till.rows("outbox_events")).filter((row) => row.order_id !== null);
  assertEquals([await till.rows("notices"), await till.rows("messages"), told], [[], [], []]);
  const jobs = await till.api.app.database.kysely.selectFrom("jobs").select(["kind", "last_error"])
    .where("key", "like", `${made.id}%`).execute();
  assertEquals(jobs, []);
});

Deno.test("the same reference is the same invoice, whatever else is said, and however often", async () => {
  await using till = await Till.open();
  const first = await till.ask("POST", "", { reference: "cart-1", amount_msat: "21000" });
  const again = await till.ask("POST", "", { reference: "cart-1", amount_msat: "21000", expires_in: 600 });
  const inSats = await till.ask("POST", "", { reference: "cart-1", amount: "21", currency: "sats" });
  assertEquals([first.status, again.status], [201, 200]);
  assertEquals(again.body, first.body);
  // The same in other words is another price by its words, and the same invoice by its amount.
  assertEquals([inSats.status, inSats.body.bolt11], [200, first.body.bolt11]);
  assertEquals([(await till.rows("orders")).length, (await till.rows("invoices")).length], [1, 1]);
  const two = await Promise.all([1, 2, 3].map(() => till.invoice({ reference: "cart-2" })));
  assertEquals(new Set(two.map((one) => one.bolt11)).size, 1);
  const { body: list } = await till.ask("GET", "?reference=cart-2");
  assertEquals(list.data.map((one: { id: string }) => one.id), [two[0].id]);
  const { body: page } = await till.ask("GET", "?limit=1");
  assertEquals([page.data.length, page.has_more], [1, true]);
});

Deno.test("another amount is another invoice of the same order; the old one isn't offered, and counts when it is paid", async () => {
  await using till = await Till.open();
  const first = await till.invoice();
  const second = await till.invoice({ amount_msat: "30000" });
  assertEquals([second.id, second.amount_msat, amountOf(second.bolt11)], [first.id, "30000", 30_000n]);
  const states = (await till.rows("invoices")).map((row) => [row.amount_msat, row.state]);
  assertEquals(states, [[21_000, "void"], [30_000, "open"]]);

  await till.pays(first.bolt11);
  const rest = await till.becomes(first.id, "underpaid");
  assertEquals(rest.received_msat, "21000");
  await till.until(async () => (await till.see(first.id)).bolt11 !== null);
  const { bolt11 } = await till.see(first.id);
  assertEquals(amountOf(bolt11), 9_000n);
  const refused = await till.ask("POST", "", { reference: "cart-1", amount_msat: "40000" });
  assertEquals([refused.status, refused.body.code], [409, "wrong_state"]);

  await till.pays(bolt11);
  const paid = await till.becomes(first.id, "paid");
  assertEquals([paid.received_msat, paid.amount_msat], ["30000", "30000"]);
  const late = await till.ask("POST", "", { reference: "cart-1", amount_msat: "1000" });
  assertEquals([late.status, late.body.code], [409, "wrong_state"]);
  assertEquals((await till.invoice({ amount_msat: "30000" })).state, "paid");
});

Deno.test("amounts that race leave one invoice open, over what the order comes to", async () => {
  await using till = await Till.open();
  const amounts = ["21000", "30000", "40000", "50000"];
  await Promise.all(amounts.map((amount_msat) => till.invoice({ amount_msat })));
  const seen = await till.becomes((await till.invoice({ amount_msat: "60000" })).id, "open");
  assertEquals([seen.amount_msat, amountOf(seen.bolt11)], ["60000", 60_000n]);
  const open = (await till.rows("invoices")).filter((row) =>
    row.state === "open" || row.state === "creating"
  );
  assertEquals(open.map((row) => row.amount_msat), [60_000]);
});

Deno.test("too much is a credit, and stays paid", async () => {
  await using till = await Till.open();
  const made = await till.invoice();
  await till.pays(made.bolt11, { amountMsat: 30_000n });
  const paid = await till.becomes(made.id, "paid");
  assertEquals([paid.received_msat, paid.refunding_msat], ["30000", "0"]);
});

Deno.test("what has expired is paid late for a day; asked for again it has another invoice", async () => {
  await using till = await Till.open();
  const made = await till.invoice({ expires_in: 60 });
  const ended = await till.becomes(made.id, "expired", 10_000);
  assertEquals([ended.bolt11, ended.reason !== null], [null, true]);
  const again = await till.invoice();
  assertEquals([again.id, again.state], [made.id, "open"]);
  assert(again.bolt11 !== made.bolt11);

  // Both are paid: the second payment goes back, and what was asked for is paid all the same.
  await till.pays(made.bolt11, { late: true });
  assertEquals((await till.becomes(made.id, "paid")).received_msat, "21000");
  await till.pays(again.bolt11, { late: true });
  await till.until(async () => (await till.see(made.id)).received_msat === "42000");
  const twice = await till.see(made.id);
  assertEquals([twice.state, twice.refunding_msat], ["paid", "21000"]);
  assertEquals(twice.refunds.map((one: { state: string }) => one.state), ["due"]);
  await till.until(async () => (await till.rows("notices")).length > 0);
  assertEquals((await till.rows("notices")).map((row) => row.kind), ["refund_due"]);

  const late = await till.invoice({ reference: "cart-2", expires_in: 60 });
  await till.becomes(late.id, "expired", 10_000);
  await till.pays(late.bolt11, { late: true });
  await till.becomes(late.id, "paid");
  const tooLate = await till.invoice({ reference: "cart-3", expires_in: 60 });
  await till.becomes(tooLate.id, "expired", 10_000);
  till.clock.jump(DAY_MS + 60_000);
  await till.pays(tooLate.bolt11, { late: true });
  const due = await till.becomes(tooLate.id, "refund_due", 10_000);
  assertEquals([due.received_msat, due.refunding_msat], ["21000", "21000"]);
});

Deno.test("a cancelled invoice isn't offered; what comes for it goes back, and a paid one stays paid", async () => {
  await using till = await Till.open();
  const made = await till.invoice();
  const cancelled = await till.ask("POST", `/${made.id}/cancel`, {});
  assertEquals([cancelled.status, cancelled.body.state, cancelled.body.bolt11], [200, "cancelled", null]);
  assertEquals((await till.ask("POST", `/${made.id}/cancel`, {})).body.state, "cancelled");
  assertEquals((await till.invoice()).state, "cancelled");
  const other = await till.ask("POST", "", { reference: "cart-1", amount_msat: "1000" });
  assertEquals([other.status, other.body.code], [409, "wrong_state"]);
  await till.pays(made.bolt11);
  await till.becomes(made.id, "refund_due");

  const sold = await till.invoice({ reference: "cart-2" });
  await till.pays(sold.bolt11);
  await till.becomes(sold.id, "paid");
  assertEquals((await till.ask("POST", `/${sold.id}/cancel`, {})).body.state, "paid");
  const kinds = async () => (await till.rows("notices")).map((row) => row.kind);
  await till.until(async () => (await kinds()).length > 0);
  assertEquals(await kinds(), ["refund_due"]);
});

Deno.test("without a wallet that answers it is `creating`; it follows as soon as there is one", async () => {
  await using till = await Till.open();
  till.wallet.faults.always("createInvoice", { do: "fail", kind: "unreachable" });
  const before = till.clock.now();
  const asked = await till.ask("POST", "", { reference: "cart-1", amount_msat: "21000" });
  assertEquals([asked.status, asked.body.state, asked.body.bolt11], [201, "creating", null]);
  assertMatch(asked.headers.get("retry-after")!, /^\d+$/);
  assert(till.clock.now() - before >= 8_000 && till.clock.now() - before < 10_000);
  till.wallet.faults.always("createInvoice", null);
  const open = await till.becomes(asked.body.id, "open", 1_000);
  assertEquals(amountOf(open.bolt11), 21_000n);
  // Nobody has been told that it takes longer.
  assertEquals(await till.rows("messages"), []);

  till.wallet.faults.always("createInvoice", { do: "fail", kind: "refused" });
  const failed = await till.ask("POST", "", { reference: "cart-2", amount_msat: "21000" });
  assertEquals([failed.body.state, failed.body.reason !== null], ["failed", true]);
  till.wallet.faults.always("createInvoice", null);
  const again = await till.invoice({ reference: "cart-2" });
  assertEquals([again.id, again.state, again.reason], [failed.body.id, "open", null]);
});

Deno.test("a price without a rate is refused, as one to try again where there may be one", async () => {
  await using none = await Till.open({ settings: { NCC_RATES: "none" }, idle: true });
  const asked = { reference: "cart-1", amount: "1", currency: "EUR" };
  const refused = await none.ask("POST", "", asked);
  assertEquals([refused.status, refused.body.code], [422, "no_rate"]);
  await using live = await Till.open({ settings: { NCC_RATES: "coinbase,kraken" }, idle: true });
  const later = await live.ask("POST", "", asked);
  assertEquals([later.status, later.body.code, later.headers.get("retry-after")], [503, "no_rate", "5"]);
  const kept = await live.api.app.database.kysely.selectFrom("till_currencies").select("currency").execute();
  assertEquals(kept.map((row) => row.currency), ["EUR"]);
  assertEquals(await live.rows("orders"), []);
});

Deno.test("a shop that is closed, or takes no such amount, says so", async () => {
  await using till = await Till.open({
    settings: { NCC_MIN_ORDER: "10", NCC_MAX_ORDER: "1000" },
    idle: true,
  });
  const ask = async (body: Record<string, unknown>) => {
    const { status, body: answer } = await till.ask("POST", "", { reference: "cart-1", ...body });
    return [status, answer.code];
  };
  assertEquals(await ask({ amount_msat: "9000" }), [422, "too_small"]);
  assertEquals(await ask({ amount_msat: "1000001" }), [422, "too_large"]);
  await till.api.post(`/merchants/${till.api.merchant}/pause`, {});
  assertEquals(await ask({ amount_msat: "21000" }), [409, "closed"]);
  assertEquals(await till.rows("orders"), []);
});
