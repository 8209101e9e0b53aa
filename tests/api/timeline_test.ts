import { assert, assertEquals } from "@std/assert";
import { TestApi } from "./test_api.ts";

const customer = "b".repeat(64);

/** A message to the customer of an order, as it stands in the outbox. */
async function message(api: TestApi, o: { order: string; id: string; at: number; words?: string }) {
  const { order, id, at, words } = o;
  await api.app.database.transaction(async (tx) => {
    const { merchant } = api;
    await tx.insertInto("outbox_events").values({
      event_id: id,
      merchant,
      purpose: `reply:${id}:recipient`,
      order_id: order,
      event: "{}",
      created_at: at,
      recipient: customer,
    }).execute();
    const both = { event_id: id, merchant, attempts: 1, next_at: at + 5_000, updated_at: at };
    await tx.insertInto("outbox").values([
      { ...both, relay: "wss://a.example", state: "delivered", answer: "", reads: 1 },
      { ...both, relay: "wss://b.example", state: "pending", answer: words ?? "error: full", reads: 0 },
    ]).execute();
    await tx.insertInto("messages").values({
      merchant,
      customer,
      direction: "out",
      type: "payment_request",
      envelope: "nip04",
      order_id: order,
      body: "{}",
      event_id: id,
      at,
    }).execute();
  });
}

Deno.test("the timeline has what happened and each relay's answer, in order, for people and for machines", async () => {
  await using api = await TestApi.open();
  const order = await api.order();
  const at = Date.UTC(2026, 0, 1);
  await message(api, { order, id: "1".repeat(64), at: at + 2_000 });
  await api.app.database.kysely.insertInto("order_timeline").values([
    { order_id: order, at: at + 1_000, event: "requested", text: "Ordered." },
    { order_id: order, at: at + 3_000, event: "paid", text: "Paid." },
  ]).execute();
  const { status, body } = await api.get(`/orders/${order}/timeline`);
  assertEquals([status, body.next_cursor, body.has_more], [200, null, false]);
  assertEquals(body.data, [
    { at: "2026-01-01T00:00:01.000Z", event: "requested", text: "Ordered." },
    {
      at: "2026-01-01T00:00:02.000Z",
      event: "delivery",
      text:
        "Payment request delivered to 1 of 2 relays: accepted by wss://a.example (the customer reads it); " +
        "wss://b.example hasn't taken it (error: full), tried again at 2026-01-01 00:00:07 UTC.",
      delivery: {
        state: "delivered",
        relays: [
          {
            relay: "wss://a.example",
            state: "delivered",
            customer_reads: true,
            attempts: 1,
            answer: "",
            next_try_at: null,
          },
          {
            relay: "wss://b.example",
            state: "pending",
            customer_reads: false,
            attempts: 1,
            answer: "error: full",
            next_try_at: "2026-01-01T00:00:07.000Z",
          },
        ],
      },
    },
    { at: "2026-01-01T00:00:03.000Z", event: "paid", text: "Paid." },
  ]);
});

Deno.test("a timeline has a bound, and says so", async () => {
  await using api = await TestApi.open();
  const order = await api.order();
  const lines = [...Array(500)].map((_, i) => ({
    order_id: order,
    at: i,
    event: "noted",
    text: `line ${i}`,
  }));
  await api.app.database.kysely.insertInto("order_timeline").values(lines).execute();
  const { body } = await api.get(`/orders/${order}/timeline`);
  assertEquals(body.data.length, 201);
  assertEquals(body.data[0].event, "cut");
  assert(body.data[0].text.includes("the oldest are left out"));
  assertEquals([body.data[1].text, body.data.at(-1).text], ["line 300", "line 499"]);
});
