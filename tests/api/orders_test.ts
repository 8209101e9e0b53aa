import { assertEquals, assertStringIncludes } from "@std/assert";
import type { FulfilmentState, PaymentState } from "../../src/db/tables.ts";
import { TestApi } from "./test_api.ts";

type State = `${PaymentState} ${FulfilmentState}`;

/** Which actions a state allows; everything else is 409. */
const allowed: Record<string, State[]> = {
  ship: ["paid unfulfilled", "overpaid unfulfilled", "refund_due unfulfilled", "paid shipped"],
  deliver: ["paid unfulfilled", "overpaid unfulfilled", "refund_due unfulfilled", "paid shipped"],
  cancel: [
    "quoting none",
    "awaiting none",
    "held none",
    "paid unfulfilled",
    "overpaid unfulfilled",
    "refund_due unfulfilled",
    "paid shipped",
    "paid delivered",
  ],
  resend: [
    "awaiting none",
    "paid unfulfilled",
    "overpaid unfulfilled",
    "refund_due unfulfilled",
    "paid shipped",
    "paid delivered",
    "expired none",
    "cancelled none",
    "rejected none",
    "failed none",
    "refund_due none",
    "refunded none",
  ],
};
const states: State[] = [
  "quoting none",
  "awaiting none",
  "held none",
  "paid unfulfilled",
  "overpaid unfulfilled",
  "refund_due unfulfilled",
  "paid shipped",
  "paid delivered",
  "expired none",
  "cancelled none",
  "rejected none",
  "failed none",
  "refund_due none",
  "refunded none",
];
const bodies: Record<string, unknown> = {
  ship: { carrier: "DHL", tracking: "7" },
  cancel: { reason: "Sold out" },
};

Deno.test("ship, deliver, cancel and resend are carried out where the state allows it, else 409 with the reason", async () => {
  await using api = await TestApi.open();
  for (const [verb, where] of Object.entries(allowed)) {
    for (const state of states) {
      const [payment, fulfilment] = state.split(" ") as [PaymentState, FulfilmentState];
      const id = await api.order({ payment, fulfilment });
      const answer = await api.post(`/orders/${id}/${verb}`, bodies[verb]);
      const what = `${verb} ${state}: ${JSON.stringify(answer.body)}`;
      assertEquals(answer.status, where.includes(state) ? 200 : 409, what);
      if (answer.status === 409) assertEquals(answer.body.code, "wrong_state", what);
    }
  }
});

Deno.test("a shipped order shows its tracking, and tells its customer", async () => {
  await using api = await TestApi.open();
  const id = await api.order();
  const { body } = await api.post(`/orders/${id}/ship`, bodies.ship);
  assertEquals([body.fulfilment, body.shipped, body.status], ["shipped", true, "processing"]);
  assertEquals(body.tracking, { carrier: "DHL", tracking: "7" });
  const { body: timeline } = await api.get(`/orders/${id}/timeline`);
  assertEquals(timeline.data.map((one: { event: string }) => one.event), ["shipped"]);
  const { body: jobs } = await api.get("/jobs");
  assertEquals(jobs.data[0].kind, "reply.send");
});

Deno.test("what an action says of itself is checked", async () => {
  await using api = await TestApi.open();
  const id = await api.order();
  assertEquals((await api.post(`/orders/${id}/cancel`)).status, 422);
  assertEquals((await api.post(`/orders/${id}/cancel`, { reason: " " })).status, 422);
  assertEquals((await api.post(`/orders/${id}/ship`, { carier: "DHL" })).status, 422);
  assertEquals((await api.post(`/orders/${id}/ship`, { carrier: "x".repeat(201) })).status, 422);
  assertEquals((await api.post("/orders/none/ship")).status, 404);
  const cancelled = await api.post(`/orders/${id}/cancel`, { reason: "Sold out" });
  assertEquals(cancelled.body.payment, "refund_due");
  assertStringIncludes(cancelled.body.reason, "Sold out");
});

Deno.test("orders are found by customer and state", async () => {
  await using api = await TestApi.open();
  await api.order({ payment: "awaiting", fulfilment: "none" });
  await api.order({ customer: "c".repeat(64) });
  const found = async (query: string) => (await api.get(`/orders?${query}`)).body.data.length;
  assertEquals(await found("payment=awaiting"), 1);
  assertEquals(await found("fulfilment=unfulfilled"), 1);
  assertEquals(await found(`customer=${"c".repeat(64)}`), 1);
  assertEquals(await found(`customer=${"c".repeat(64)}&payment=awaiting`), 0);
  assertEquals((await api.get("/orders?payment=payed")).status, 422);
});
