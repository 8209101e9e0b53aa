import { assert, assertEquals } from "@std/assert";
import { scopes } from "../../src/api/scopes.ts";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { recordUnmatched } from "../../src/payments/unmatched.ts";
import { systemRandom } from "../../src/random.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { keyPair } from "../support/keys.ts";
import { silentLog } from "../support/log.ts";
import { type Answer, TestApi } from "./test_api.ts";
import { Scene } from "../medusa/catalogue/scene.ts";
import { operations, tokenFor } from "./walking.ts";

const CUSTOMER = keyPair("customer").pubkey;
const SPARE = "lnbits+http://127.0.0.1:9/?key=0123456789abcdef";
const everything = scopes.filter((scope) => scope !== "operator");

/** One of each kind for the first merchant, and a second merchant. */
async function shop() {
  const demo = new DemoWallet({ clock: new FakeClock(), random: systemRandom, log: silentLog });
  const api = await TestApi.open({
    wallet: demo,
    settings: { NCC_MEDUSA_URL: "http://127.0.0.1:9", NCC_MEDUSA_KEY: "sk_canary" },
  });
  const { database } = api.app;
  const merchant = api.merchant;
  const now = api.clock.now();
  const other = (await api.post("/merchants", { name: "Other", wallet: "demo:" })).body.pubkey as string;
  const made = async (path: string, body: unknown) => {
    const answer = await api.post(path, body);
    assertEquals(answer.status, path.includes("refund") ? 200 : 201, JSON.stringify(answer.body));
    return answer.body.id as string;
  };
  const stall = await made("/stalls", { id: "canary-stall", merchant, name: "canary", currency: "sat" });
  const product = await made("/products", {
    id: "canary-product",
    merchant,
    stall_id: stall,
    name: "canary",
    price: 21,
    quantity: 3,
  });
  const order = await api.order({ customer: CUSTOMER });
  const refund = await made(`/orders/${await api.order({ customer: CUSTOMER })}/refund`, {
    reason: "canary",
  });
  const hash = "fe".repeat(32);
  await database.transaction(async (tx) => {
    await recordUnmatched(tx, {
      id: "canary-payment",
      merchant,
      wallet: "demo",
      invoiceId: null,
      paymentHash: hash,
      amountMsat: 21_000n,
      settledAt: now,
      now,
    }, "");
    await tx.insertInto("invoices").values({
      id: "canary-invoice",
      merchant,
      order_id: order,
      attempt: 1,
      type: "ln",
      wallet: "demo",
      state: "open",
      amount_msat: 21_000,
      payment_hash: "ab".repeat(32),
      created_at: now,
      updated_at: now,
    }).execute();
    await tx.insertInto("messages").values({
      merchant,
      customer: CUSTOMER,
      direction: "in",
      type: "chat",
      envelope: "nip17",
      order_id: order,
      body: "canary",
      event_id: "e1".repeat(32),
      at: now,
    }).execute();
    await tx.insertInto("notices").values({
      merchant,
      kind: "order_paid",
      fact: "canary",
      order_id: order,
      text: "canary",
      state: "told",
      at: now,
    }).execute();
    await tx.insertInto("conditions").values({ merchant, name: "wallet", raised_at: now, detail: "canary" })
      .execute();
  });
  const spare = await api.post("/wallets", { merchant, name: "spare", url: SPARE });
  assertEquals(spare.status, 201);
  const own = await tokenFor(api, everything, merchant);
  const medusa = await Scene.open(database, merchant);
  medusa.medusa.put({ id: "p_canary", title: "canary", variants: [{ id: "v_canary" }] });
  await medusa.sweep();
  const token = own.split("_")[1]!;
  const asked = { reference: "canary-reference", amount_msat: "21000", merchant };
  const invoice = await api.clock.until(api.post("/invoices", asked, { authorization: own }));
  assertEquals(invoice.status, 201, JSON.stringify(invoice.body));
  const foreign = await tokenFor(api, everything, other);
  const ids: Record<string, string> = {
    orders: order,
    invoices: invoice.body.id,
    refunds: refund,
    payments: "canary-payment",
    products: product,
    stalls: stall,
    tokens: token,
    jobs: "1",
    merchants: merchant,
    customers: CUSTOMER,
    wallets: "spare",
    "medusa/products": "v_canary",
    "medusa/zones": "so_1-fr",
  };
  /** Bodies that the operation takes, so that nothing but the merchant stands against it. */
  const bodies: Record<string, unknown> = {
    createStall: { name: "New", currency: "sat" },
    replaceStall: { name: "New", currency: "sat" },
    createProduct: { stall_id: stall, name: "New", price: 1, quantity: 1 },
    replaceProduct: { stall_id: stall, name: "New", price: 1, quantity: 1 },
    changeStock: { set: 1 },
    changeMerchant: { name: "New" },
    createMerchant: { name: "New" },
    moveMerchant: { emergency: false },
    createInvoice: { reference: "New", amount_msat: "21000" },
    refundInvoice: { reference: "New" },
    cancelOrder: { reason: "New" },
    assignPayment: { order_id: order },
    sendMessage: { customer: CUSTOMER, body: "New" },
    refundByHand: { note: "New" },
    cancelRefund: { reason: "New" },
    retryRefund: { confirm: "not paid" },
    refundOrder: { reason: "New" },
    refundPayment: { reason: "New" },
    settleDemoInvoice: { invoice: "ab".repeat(32) },
    createToken: { name: "New", scopes: ["orders:read"] },
    changeMedusaProduct: { left_out: true },
    changeMedusaZone: { left_out: true },
  };
  return {
    api,
    merchant,
    other,
    own,
    foreign,
    ids,
    bodies,
    secrets: [merchant, order, refund, CUSTOMER, token],
  };
}

/** All that a merchant has, as it stands. */
async function stateOf(api: TestApi, merchant: string): Promise<string> {
  const tables = [
    "orders",
    "payments",
    "refunds",
    "stalls",
    "products",
    "messages",
    "notices",
    "conditions",
    "invoices",
    "tokens",
    "medusa_products",
    "medusa_zones",
  ] as const;
  const rows = [];
  for (const table of tables) {
    rows.push(
      await api.app.database.kysely.selectFrom(table).selectAll().where("merchant", "=", merchant).execute(),
    );
  }
  rows.push(
    await api.app.database.kysely.selectFrom("merchants").selectAll().where("pubkey", "=", merchant)
      .execute(),
  );
  // When a token was used is no secret of its own.
  return JSON.stringify(rows, (key, value) => key === "last_used_at" ? null : value);
}

/** A refusal without what differs each time and without the id that was asked for. */
function bare({ status, body }: Answer, id: string): string {
  return `${status} ${JSON.stringify({ ...body, request_id: "" }).replaceAll(id, "ID")}`;
}

Deno.test("every operation with another merchant's token: nothing is seen, nothing is changed, nothing is there", async () => {
  const { api, merchant, other, foreign, ids, bodies, secrets } = await shop();
  await using _ = api;
  const before = await stateOf(api, merchant);
  for (const { id, method, path, scope, takesBody } of await operations(api)) {
    if (scope === null) continue;
    const body = takesBody ? bodies[id] ?? {} : undefined;
    // What waits for a wallet waits by the clock.
    const ask = (at: string, sent: unknown = body) =>
      api.clock.until(
        api.ask(method, at, { authorization: foreign, ...(sent !== undefined && { body: sent }) }),
      );
    const kind = /^\/api\/v1\/(\w+(?:\/\w+)?)\/\{/.exec(path)?.[1];
    const real = kind === undefined ? path : path.replace(/\{\w+\}/, ids[kind] ?? "");
    assert(kind === undefined || ids[kind] !== undefined, `${id}: this test has no resource for ${kind}`);
    const answer = await ask(real);
    const where = `${id}: ${answer.status} ${JSON.stringify(answer.body)}`;
    assert(answer.status < 500 && answer.status !== 401, where);
    // Nothing but whose it is stands against it.
    if (answer.status === 422) assertEquals(answer.body.detail, `there is no stall ${ids.stalls}`, where);
    if (scope === "operator") assertEquals(answer.body.code, "scope_missing", where);
    else if (kind === "jobs" || answer.status === 403) {
      assertEquals(answer.body.code, "bound_to_merchant", where);
    } else if (kind === "customers" && answer.status === 200) {
      assertEquals(answer.body.merchant, other, where);
    } else if (kind !== undefined) {
      assertEquals(answer.status, 404, where);
      // It isn't told apart from what doesn't exist.
      const unknown = kind === "merchants" || kind === "customers" ? keyPair("nobody").pubkey : "unknown";
      const none = await ask(path.replace(/\{\w+\}/, unknown));
      assertEquals(bare(answer, ids[kind]!), bare(none, unknown), where);
    } else if (id === "settleDemoInvoice") assertEquals(answer.status, 404, where);
    else {
      const text = JSON.stringify(answer.body);
      for (const secret of [...secrets, "canary"]) {
        const echoed = JSON.stringify(body ?? {}).includes(secret);
        assert(echoed || !text.includes(secret), `${where} shows ${secret}`);
      }
    }
    // Naming the other one helps nothing.
    if (answer.status === 403) continue;
    const named = await ask(`${real}?merchant=${merchant}`);
    assert([403, 404, 422].includes(named.status), `${id}?merchant: ${named.status}`);
    if (body === undefined) continue;
    const inBody = await ask(real, { ...body, merchant });
    assert([403, 404, 422].includes(inBody.status), `${id} with merchant: ${inBody.status}`);
  }
  assertEquals(await stateOf(api, merchant), before);
});

Deno.test("every operation with the merchant's own token: it works, but for the operator's", async () => {
  const all = await (async () => {
    await using api = await TestApi.open();
    return await operations(api);
  })();
  const { api, own, ids, bodies } = await shop();
  await using _ = api;
  // What ends a thing comes after what looks at it.
  const order = (id: string) =>
    id === "revokeToken" ? 2 : /^(delete|remove|cancel|refund|forget)/.test(id) ? 1 : 0;
  for (const { id, method, path, scope, takesBody } of all.sort((a, b) => order(a.id) - order(b.id))) {
    if (scope === null) continue;
    const kind = /^\/api\/v1\/(\w+(?:\/\w+)?)\/\{/.exec(path)?.[1];
    const real = kind === undefined ? path : path.replace(/\{\w+\}/, ids[kind] ?? "");
    const body = takesBody ? bodies[id] ?? {} : undefined;
    const answer = await api.clock.until(
      api.ask(method, real, { authorization: own, ...(body !== undefined && { body }) }),
    );
    const where = `${id}: ${answer.status} ${JSON.stringify(answer.body)}`;
    if (scope === "operator") assertEquals(answer.body.code, "scope_missing", where);
    else if (scope.startsWith("jobs:") || scope === "metrics:read") {
      assertEquals(answer.body.code, "bound_to_merchant", where);
    } else {
      // A product goes with its stall.
      const gone = id === "deleteProduct" && answer.status === 404;
      assert([200, 201, 409].includes(answer.status) || gone, where);
    }
  }
});
