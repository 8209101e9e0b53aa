import { assert, assertEquals } from "@std/assert";
import { callHeaders } from "../../src/till/signature.ts";
import { recordingLog } from "../support/log.ts";
import { BASE, TestApi } from "./test_api.ts";

const SECRET = "a secret that has thirty-two letters";
const MEDUSA = {
  NCC_MEDUSA_URL: "https://medusa.example",
  NCC_MEDUSA_KEY: "sk_0123456789",
  NCC_MEDUSA_WEBHOOK_SECRET: SECRET,
};
const PLACED = { event: "order.placed", id: "order_1", order_id: "order_1", product_ids: ["prod_1"] };

interface Said {
  body?: unknown;
  raw?: string;
  id?: string;
  /** ms from now. */
  off?: number;
  secret?: string;
  headers?: Record<string, string>;
}

/** A shop with a Medusa; `call` is what our plugin there does. */
async function scene(settings: Record<string, string> = MEDUSA) {
  const { log, lines } = recordingLog();
  const api = await TestApi.open({ log, settings });
  let calls = 0;
  return {
    api,
    lines,
    async call(o: Said = {}): Promise<number> {
      const body = o.raw ?? JSON.stringify(o.body ?? PLACED);
      const signed = callHeaders(o.secret ?? SECRET, {
        id: o.id ?? `msg_${calls++}`,
        at: api.clock.now() + (o.off ?? 0),
        body,
      });
      const request = new Request(`${BASE}/hooks/medusa`, {
        method: "POST",
        headers: { ...signed, ...o.headers },
        body,
      });
      const answer = await api.app.fetch(request);
      await answer.body?.cancel();
      return answer.status;
    },
    /** What is to be read again. */
    async hinted(): Promise<string[]> {
      const rows = await api.app.database.kysely.selectFrom("jobs").select(["kind", "payload"])
        .where("kind", "like", "medusa.%").orderBy("id").execute();
      return rows.map(({ kind, payload }) => {
        const { product } = JSON.parse(payload) as { product?: string };
        return product === undefined ? kind : `${kind} ${product}`;
      });
    },
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

Deno.test("the plugin's call has what it names read again, and is answered without a word", async () => {
  await using it = await scene();
  assertEquals(await it.call(), 204);
  assertEquals(await it.hinted(), ["medusa.product prod_1"]);
  assertEquals(await it.call({ body: { event: "region.updated", id: "reg_1" } }), 204);
  assertEquals((await it.hinted()).length, 2);
});

Deno.test("an order of ours that is named is looked at, one of Medusa's own isn't", async () => {
  await using it = await scene();
  const { database } = it.api.app;
  const id = await it.api.order();
  const now = it.api.clock.now();
  await database.transaction((tx) =>
    tx.insertInto("medusa_orders").values({
      order_id: id,
      merchant: it.api.merchant,
      email: "x@ncc.invalid",
      attempt: 1,
      content_hash: "",
      state: "held",
      medusa_order: "order_1",
      settled: 1,
      created_at: now,
      updated_at: now,
    }).execute()
  );
  await it.call({ body: { ...PLACED, id: "order_2", order_id: "order_2", product_ids: [] } });
  const mirrored = () =>
    database.kysely.selectFrom("jobs").select("payload").where("kind", "=", "order.mirror").execute();
  assertEquals(await mirrored(), []);
  await it.call({ body: { event: "shipment.created", id: "ful_1", order_id: "order_1" } });
  assertEquals((await mirrored()).map(({ payload }) => JSON.parse(payload).order_id), [id]);
});

Deno.test("what isn't signed with the secret, or for another body, is refused", async () => {
  await using it = await scene();
  const other = callHeaders(SECRET, { id: "msg_x", at: it.api.clock.now(), body: "{}" });
  for (
    const forged of [
      { secret: `${SECRET}.` },
      { headers: { "webhook-signature": "" } },
      { headers: { "webhook-signature": "v1," } },
      { headers: { "webhook-signature": other["webhook-signature"]! } },
      { headers: { "webhook-id": "msg_y" } },
      { headers: { "webhook-timestamp": "now" } },
      { headers: { "webhook-timestamp": String(Math.floor(it.api.clock.now() / 1000) + 1) } },
    ]
  ) {
    assertEquals(await it.call(forged), 401, JSON.stringify(forged));
    // Each counts for a good many of those that an address has.
    it.api.clock.jump(60_000);
  }
  assertEquals(await it.hinted(), []);
  assertEquals(it.lines.filter(({ event }) => event === "medusa_hook.refused").length, 7);
});

Deno.test("a signature is good for five minutes before and after", async () => {
  await using it = await scene();
  const minutes = async (off: number) => await it.call({ off: off * 60_000 });
  assertEquals([await minutes(-4.9), await minutes(4.9)], [204, 204]);
  assertEquals([await minutes(-5.1), await minutes(5.1)], [401, 401]);
});

Deno.test("the same call is taken once, as long as it could come again", async () => {
  await using it = await scene();
  const firsts = () =>
    it.lines.filter(({ event }) => event === "medusa_hook.called").map(({ fields }) => fields.first);
  for (let n = 0; n < 2; n++) assertEquals(await it.call({ id: "msg_same" }), 204);
  assertEquals(firsts(), [true, false]);
  const kept = await it.api.app.database.kysely.selectFrom("replays").selectAll().execute();
  assertEquals(kept.map((one) => [one.id, one.expires_at]), [["msg_same", it.api.clock.now() + 10 * 60_000]]);
});

Deno.test("a call that fails can come again", async () => {
  await using it = await scene();
  const { database } = it.api.app;
  await database.transaction((tx) => tx.schema.alterTable("jobs").renameTo("away").execute());
  assertEquals(await it.call({ id: "msg_same" }), 500);
  await database.transaction((tx) => tx.schema.alterTable("away").renameTo("jobs").execute());
  assertEquals(await it.call({ id: "msg_same" }), 204);
  assertEquals(await it.hinted(), ["medusa.product prod_1"]);
});

Deno.test("events that don't matter here change nothing, bodies that aren't the plugin's are refused", async () => {
  await using it = await scene();
  assertEquals(await it.call({ body: { event: "customer.created", id: "cus_1" } }), 204);
  for (const raw of ["", "{", "[]", '{"event":"order.placed"}', `${JSON.stringify(PLACED)}x`]) {
    assertEquals(await it.call({ raw }), 422, raw);
  }
  assertEquals(await it.call({ body: { ...PLACED, total: 10 } }), 422);
  assertEquals(await it.hinted(), []);
});

Deno.test("a body that is too large isn't read to its end", async () => {
  await using it = await scene();
  assertEquals(await it.call({ raw: " ".repeat(64 * 1024 + 1) }), 413);
});

Deno.test("without a Medusa, or a secret for its calls, there is nothing to call", async () => {
  const { NCC_MEDUSA_WEBHOOK_SECRET: _, ...silent } = MEDUSA;
  for (const settings of [{}, silent]) {
    await using it = await scene(settings);
    assertEquals(await it.call(), 404);
  }
});

Deno.test("more than can be looked at one by one is looked at all together", async () => {
  await using it = await scene();
  for (let n = 0; n < 601; n++) {
    const product = `prod_${n}`;
    assertEquals(
      await it.call({ body: { event: "product.updated", id: product, product_ids: [product] } }),
      204,
    );
  }
  const hinted = await it.hinted();
  assertEquals([hinted.length, hinted[0]], [601, "medusa.product prod_0"]);
  assert(!hinted.at(-1)!.startsWith("medusa.product"), hinted.at(-1));
});

Deno.test("an address that guesses is soon not listened to", async () => {
  await using it = await scene();
  const statuses = [];
  for (let n = 0; n < 22; n++) {
    statuses.push(await it.call({ secret: "another secret of thirty-two letters" }));
  }
  assertEquals(statuses.indexOf(429), 20, statuses.join());
  it.api.clock.jump(60_000);
  assertEquals(await it.call(), 204);
});

Deno.test("the secret stands in no log line", async () => {
  await using it = await scene();
  await it.call();
  await it.call({ secret: "another secret of thirty-two letters" });
  assert(!JSON.stringify(it.lines).includes(SECRET));
});
