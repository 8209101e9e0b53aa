import { assertEquals, assertExists, assertStringIncludes } from "@std/assert";
import { generateSecretKey } from "nostr-tools/pure";
import { Shopper } from "../support/shopper.ts";
import { TestApi } from "./test_api.ts";

const PATIENCE_MS = 10_000;

Deno.test("who tries the demo wallet sees a sale: the invoice is paid through the API, once", async () => {
  await using api = await TestApi.open({ settings: { NCC_PORT: "0", NCC_WALLET: "demo:" }, live: true });
  const url = await api.start();
  await api.post("/stalls", { id: "tea", name: "Tea", currency: "sat" });
  await api.post("/products", { id: "cup", stall_id: "tea", name: "Cup", price: 100, quantity: 2 });
  await using alice = new Shopper({
    secretKey: generateSecretKey(),
    merchant: api.merchant,
    envelope: "nip04",
    relay: `${url.replace(/^http/, "ws")}/relay`,
  });
  await alice.connect();
  const zone = (await api.get("/stalls/tea")).body.shipping[0].id;
  const items = [{ product_id: "cup", quantity: 1 }];
  await alice.write({ id: "order-1", type: 0, items, shipping_id: zone, address: "Somewhere" });
  const request = await alice.hears((message) => message.type === 1, PATIENCE_MS);
  const invoice = request?.payment_options?.[0]?.link;
  assertExists(invoice);

  const settle = (text: string) => api.post("/demo/settle", { invoice: text });
  const paid = await settle(`lightning:${invoice}`);
  assertEquals([paid.status, paid.body.amount_msat], [200, "100000"]);
  assertExists(await alice.hears((message) => message.type === 2 && message.paid === true, PATIENCE_MS));
  const { body: order } = await api.get(`/orders/${paid.body.order_id}`);
  assertEquals([order.payment, order.received_msat], ["paid", "100000"]);

  const again = await settle(paid.body.payment_hash);
  assertEquals([again.status, again.body.code], [409, "wrong_state"]);
  assertEquals((await settle("f".repeat(64))).status, 404);
  const rubbish = await settle("lnbc1rubbish");
  assertEquals([rubbish.status, rubbish.body.errors[0].pointer], [422, "/invoice"]);
});

Deno.test("without a demo wallet there is nothing to settle", async () => {
  for (
    const settings of [{}, {
      NCC_WALLET: `nostr+walletconnect://${"b".repeat(64)}?relay=ws://127.0.0.1:9&secret=${"a".repeat(64)}`,
    }]
  ) {
    await using api = await TestApi.open({ settings });
    const { status, body } = await api.post("/demo/settle", { invoice: "f".repeat(64) });
    assertEquals([status, body.code], [404, "no_demo_wallet"]);
    assertStringIncludes(body.detail, "NCC_WALLET=demo:");
  }
});
