import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { npubEncode, nsecEncode } from "nostr-tools/nip19";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { systemRandom } from "../../src/random.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { silentLog } from "../support/log.ts";
import { type Answer, TestApi } from "./test_api.ts";

const pointers = ({ body }: Answer) => body.errors.map((one: { pointer: string }) => one.pointer);
const put = (api: TestApi, path: string, body: unknown) => api.ask("PUT", `/api/v1${path}`, { body });
const nwc = `nostr+walletconnect://${"b".repeat(64)}?relay=ws%3A%2F%2F127.0.0.1%3A9&secret=${"a".repeat(64)}`;

Deno.test("a stall is made with NIP-15's names, one free zone and a UUID, and is published by itself", async () => {
  await using api = await TestApi.open();
  const made = await api.post("/stalls", { name: "Tea", currency: "EUR" });
  assertEquals(made.status, 201);
  assertEquals(made.body.shipping.map((zone: { cost: number }) => zone.cost), [0]);
  assertEquals(made.body.merchant, api.merchant);
  assert(/^[0-9a-f-]{36}$/.test(made.body.id));
  const jobs = await api.get("/jobs");
  assert(
    jobs.body.data.some((job: { kind: string; payload: { d: string } }) =>
      job.kind === "catalog.publish" && job.payload.d === made.body.id
    ),
  );
  assertEquals(
    (await put(api, `/stalls/${made.body.id}`, { name: "Teas", currency: "EUR" })).body.name,
    "Teas",
  );
  assertEquals((await api.ask("DELETE", `/api/v1/stalls/${made.body.id}`)).body, {
    id: made.body.id,
    deleted: true,
  });
  assertEquals((await api.get(`/stalls/${made.body.id}`)).status, 404);
});

Deno.test("PUT without quantity leaves the stock alone; stock takes exactly one of add and set", async () => {
  await using api = await TestApi.open();
  await api.post("/stalls", { id: "tea", name: "Tea", currency: "sat" });
  const cup = { id: "cup", stall_id: "tea", name: "Cup", price: 100 };
  await api.post("/products", { ...cup, quantity: 3 });
  const renamed = await put(api, "/products/cup", { ...cup, name: "Mug" });
  assertEquals([renamed.body.name, renamed.body.quantity], ["Mug", 3]);
  const stock = (body: unknown) => api.post("/products/cup/stock", body);
  assertEquals((await stock({ add: 2 })).body.quantity, 5);
  assertEquals((await stock({ set: null })).body.quantity, null);
  assertEquals((await stock({ set: 0 })).body.available, 0);
  for (const wrong of [{}, { add: 1, set: 2 }, { add: 1.5 }, { set: -1 }, { add: null }]) {
    const refused = await stock(wrong);
    assertEquals(refused.status, 422, JSON.stringify(wrong));
    const clear = "set" in wrong && !("add" in wrong);
    if (!clear) assertStringIncludes(refused.body.errors[0].detail, "exactly one");
  }
});

Deno.test("lists come in pages that neither repeat nor skip while rows are added", async () => {
  await using api = await TestApi.open();
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.unshift(await api.order({ created_at: api.clock.now() + (i < 3 ? 0 : i) }));
  const seen: string[] = [];
  let cursor = "";
  for (let i = 0; i < 3; i++) {
    const { body } = await api.get(`/orders?limit=2${cursor}`);
    seen.push(...body.data.map((one: { id: string }) => one.id));
    assertEquals([body.has_more, body.next_cursor !== null], [i < 2, i < 2]);
    cursor = `&cursor=${encodeURIComponent(body.next_cursor)}`;
    await api.order({ created_at: api.clock.now() + 100 });
  }
  assertEquals(seen.slice(0, 2), ids.slice(0, 2));
  assertEquals(new Set(seen), new Set(ids));
  for (const path of ["/orders", "/stalls", "/products", "/payments", "/messages", "/jobs"]) {
    for (
      const rubbish of ["x", "W10", btoa("[1]"), btoa('["a","b"]'), btoa('[1.5,"a","b"]'), btoa("[1,null,2]")]
    ) {
      const refused = await api.get(`${path}?cursor=${rubbish}`);
      if (path === "/messages" || path === "/jobs") continue;
      assertEquals([refused.status, pointers(refused)], [422, ["/cursor"]], `${path} ${rubbish}`);
    }
    assertEquals((await api.get(`${path}?cursor=${btoa('["a"]')}`)).status, 422, path);
  }
});

Deno.test("an id that several merchants use must be asked for with ?merchant=", async () => {
  await using api = await TestApi.open();
  const second = (await api.post("/merchants", { name: "Second" })).body.pubkey;
  const stall = { id: "tea", name: "Tea", currency: "sat" };
  const whose = await api.post("/stalls", stall);
  assertEquals([whose.status, whose.body.code, pointers(whose)], [422, "merchant_needed", ["/merchant"]]);
  assertEquals((await api.post("/stalls", { ...stall, merchant: "c".repeat(64) })).status, 404);
  for (const merchant of [api.merchant, second]) {
    assertEquals((await api.post("/stalls", { ...stall, merchant })).status, 201);
    const cup = { id: "cup", stall_id: "tea", name: "Cup", price: 1, quantity: 1, merchant };
    assertEquals((await api.post("/products", cup)).status, 201);
  }
  const unclear: [method: string, path: string, body?: unknown][] = [
    ["GET", "/stalls/tea"],
    ["PUT", "/stalls/tea", { name: "Tea", currency: "sat" }],
    ["DELETE", "/stalls/tea"],
    ["GET", "/products/cup"],
    ["PUT", "/products/cup", { stall_id: "tea", name: "Cup", price: 1 }],
    ["POST", "/products/cup/stock", { add: 1 }],
    ["DELETE", "/products/cup"],
  ];
  for (const [method, path, body] of unclear) {
    const refused = await api.ask(method, `/api/v1${path}`, { body });
    assertEquals(refused.status, 409, `${method} ${path}`);
    assertStringIncludes(refused.body.detail, "?merchant=");
  }
  const of = `?merchant=${second}`;
  assertEquals((await api.post(`/products/cup/stock${of}`, { add: 1 })).body.quantity, 2);
  assertEquals((await api.get(`/products/cup?merchant=${api.merchant}`)).body.quantity, 1);
  assertEquals((await api.get(`/stalls${of}`)).body.data.length, 1);
  assertEquals((await api.get("/stalls")).body.data.length, 2);
  assertEquals((await api.get("/stalls/tea?merchant=x")).status, 422);
  assertEquals((await api.ask("DELETE", `/api/v1/stalls/tea${of}`)).status, 200);
  assertEquals((await api.get("/stalls/tea")).status, 200);
});

Deno.test("another merchant comes with a key and a wallet of its own; neither is ever shown", async () => {
  await using api = await TestApi.open();
  const key = generateSecretKey();
  const made = await api.post("/merchants", {
    name: "Second",
    secret_key: nsecEncode(key),
    wallet: nwc,
    profile: { about: "Cups" },
  });
  assertEquals([made.status, made.body.pubkey], [201, getPublicKey(key)]);
  const text = JSON.stringify((await api.get("/merchants")).body);
  for (const secret of ["nsec1", "a".repeat(64)]) assert(!text.includes(secret));
  assert(made.body.wallet.includes("bbbbbbbb"));
  const again = await api.post("/merchants", { name: "Again", secret_key: nsecEncode(key) });
  assertEquals([again.status, again.body.code], [409, "conflict"]);
  const sealed = await api.app.database.kysely.selectFrom("secrets").select("sealed").execute();
  assert(sealed.length === 2 && sealed.every((one) => one.sealed.startsWith("v1.")));
});

Deno.test("a merchant's key or wallet that can't be used is refused by its field, without quoting it", async () => {
  await using api = await TestApi.open();
  const npub = npubEncode(api.merchant);
  for (
    const [field, value, part] of [
      ["secret_key", "canary", "no key"],
      ["secret_key", npub, "public key"],
      ["wallet", "canary://x", "wallet"],
      ["wallet", "lnd+https://canary", "macaroon"],
      ["wallet", "nostr+walletconnect://canary", ""],
    ] as const
  ) {
    const refused = await api.post("/merchants", { name: "Second", [field]: value });
    assertEquals([refused.status, pointers(refused)], [422, [`/${field}`]], value);
    assertStringIncludes(refused.body.detail, part);
    assert(!JSON.stringify(refused.body).includes("canary"), value);
  }
  assertEquals((await api.get("/merchants")).body.data.length, 1);
});

Deno.test("the demo wallet is refused where strangers could order, also for merchants that come later", async () => {
  for (
    const settings of [{ NCC_PUBLIC_URL: "https://shop.example" }, { NCC_RELAYS: "wss://relay.example" }]
  ) {
    await using api = await TestApi.open({ settings });
    for (const wallet of ["demo:", "DEMO:"]) {
      const refused = await api.post("/merchants", { name: "Second", wallet });
      assertEquals([refused.status, pointers(refused)], [422, ["/wallet"]]);
      assertStringIncludes(refused.body.detail, "no real money");
    }
  }
  await using api = await TestApi.open({ settings: { NCC_RELAYS: "ws://127.0.0.1:9" } });
  assertEquals((await api.post("/merchants", { name: "Second", wallet: "demo:" })).status, 201);
});

Deno.test("a merchant is paused with a message and resumed", async () => {
  await using api = await TestApi.open();
  const path = `/merchants/${api.merchant}`;
  const paused = await api.post(`${path}/pause`, { message: "Back on Monday" });
  assertEquals([paused.body.state, paused.body.pause_message], ["paused", "Back on Monday"]);
  assertEquals(api.app.merchants.get(api.merchant)!.closed, "Back on Monday");
  const resumed = await api.post(`${path}/resume`);
  assertEquals([resumed.body.state, resumed.body.pause_message], ["active", null]);
  assertEquals(
    (await api.ask("PATCH", `/api/v1${path}`, { body: { name: "Tea house" } })).body.name,
    "Tea house",
  );
  assertEquals((await api.post(`/merchants/${"c".repeat(64)}/pause`)).status, 404);
  assertEquals((await api.get("/merchants/short")).status, 422);
});

Deno.test("ten messages at once: each answer is the message that was asked for", async () => {
  await using api = await TestApi.open();
  const customer = getPublicKey(generateSecretKey());
  const all = await Promise.all(
    Array.from(
      { length: 10 },
      (_, i) => api.post("/messages", { customer: npubEncode(customer), body: `Text ${i}` }),
    ),
  );
  assertEquals(all.map((one) => one.status), Array(10).fill(201));
  assertEquals(all.map((one) => one.body.body), Array.from({ length: 10 }, (_, i) => `Text ${i}`));
  assertEquals(new Set(all.map((one) => one.body.id)).size, 10);
  const { body } = await api.get(`/messages?customer=${customer}&type=chat`);
  assertEquals(body.data.length, 10);
  assertEquals(body.data.every((one: { direction: string }) => one.direction === "out"), true);
  const wrong = await api.post("/messages", { customer: "somebody", body: "Hi" });
  assertEquals([wrong.status, pointers(wrong)], [422, ["/customer"]]);
});

Deno.test("the relays of a merchant are the built-in one and the configured ones", async () => {
  await using api = await TestApi.open({ settings: { NCC_RELAYS: "ws://127.0.0.1:9" } });
  const { body } = await api.get("/relays");
  assertEquals(body.data.map((one: { url: string; built_in: boolean }) => [one.url, one.built_in]), [
    ["ws://127.0.0.1:8787/relay", true],
    ["ws://127.0.0.1:9", false],
  ]);
  assertEquals([body.next_cursor, body.has_more], [null, false]);
  assertEquals((await api.get(`/relays?merchant=${"c".repeat(64)}`)).body.data, []);
});

Deno.test("a dead job gets another round; one that isn't dead, or isn't there, doesn't", async () => {
  await using api = await TestApi.open();
  const now = api.clock.now();
  const job = (state: "dead" | "ready", key: string) =>
    api.app.database.transaction((tx) =>
      tx.insertInto("jobs").values({
        kind: "test",
        key,
        payload: "{}",
        state,
        run_at: now,
        attempts: 10,
        max_attempts: 10,
        last_error: "no luck",
        created_at: now,
      }).returning("id").executeTakeFirstOrThrow()
    );
  const dead = await job("dead", "a");
  const ready = await job("ready", "b");
  assertEquals((await api.get("/jobs?state=dead")).body.data.map((one: { id: string }) => one.id), [
    String(dead.id),
  ]);
  assertEquals((await api.post(`/jobs/${dead.id}/retry`)).body, { id: String(dead.id), state: "ready" });
  assertEquals((await api.post(`/jobs/${dead.id}/retry`)).status, 409);
  assertEquals((await api.post(`/jobs/${ready.id}/retry`)).status, 409);
  assertEquals((await api.post("/jobs/999999/retry")).status, 404);
  assertEquals((await api.post("/jobs/x/retry")).status, 422);
});

Deno.test("payments are listed with what matched no order", async () => {
  const wallet = new DemoWallet({ clock: new FakeClock(), random: systemRandom, log: silentLog });
  await using api = await TestApi.open({ wallet });
  const order = await api.order();
  const now = api.clock.now();
  await api.app.database.transaction(async (tx) => {
    for (const [id, order_id] of [["p1", order], ["p2", null]] as const) {
      await tx.insertInto("payments").values({
        id,
        merchant: api.merchant,
        wallet: "demo",
        payment_hash: id.padEnd(64, "0").replace("p", "a"),
        order_id,
        invoice_id: null,
        amount_msat: 21_000n,
        state: order_id === null ? "unmatched" : "matched",
        settled_at: now,
        created_at: now,
      }).execute();
    }
  });
  const ids = async (path: string) => (await api.get(path)).body.data.map((one: { id: string }) => one.id);
  assertEquals(await ids("/payments"), ["p2", "p1"]);
  assertEquals(await ids("/payments/unmatched"), ["p2"]);
  assertEquals(await ids(`/payments?order_id=${order}`), ["p1"]);
  assertEquals((await api.get("/payments")).body.data[0].amount_msat, "21000");
});
