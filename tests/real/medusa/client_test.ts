import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { lookAtMedusa } from "../../../src/app/doctor/medusa.ts";
import { systemClock } from "../../../src/clock.ts";
import { amount, withAmounts } from "../../../src/medusa/amount.ts";
import { MedusaClient } from "../../../src/medusa/client.ts";
import { MedusaError, type MedusaErrorKind } from "../../../src/medusa/medusa_error.ts";
import { formatDecimal } from "../../../src/money/decimal.ts";
import { systemRandom } from "../../../src/random.ts";
import { readSettings } from "../../../src/settings_reader.ts";
import { silentLog } from "../../support/log.ts";
import { ADMIN } from "./medusa_api.ts";
import { type MedusaServer, startMedusa, withoutMedusa } from "./medusa_server.ts";

/*
 * That a real Medusa answers our client as the fake one of the unit tests does. `deno run -A tests/real/medusa/get_medusa.ts` gets it.
 */
const ignore = withoutMedusa("tests/real/medusa/client_test.ts");
const anything = z.unknown();

let medusa: MedusaServer;

Deno.test.beforeAll(async () => {
  if (!ignore) medusa = await startMedusa();
});

Deno.test.afterAll(async () => {
  await medusa?.[Symbol.asyncDispose]();
});

test("the doctor finds all that a shop needs in a real Medusa, as a user and by a key", async () => {
  const { origin: url, host } = new URL(medusa.url);
  const user = { NCC_MEDUSA_EMAIL: ADMIN.email, NCC_MEDUSA_PASSWORD: ADMIN.password };
  // A new Medusa has a default channel with a key of its own; this one's goods are in another.
  const usual = await look({ NCC_MEDUSA_URL: url, ...user });
  assertEquals(usual.map(({ what, state }) => [what, state]), [["medusa", "ok"], [
    "medusa zones",
    "problem",
  ]]);
  assertStringIncludes(usual[1]!.detail, "of the sales channel Default Sales Channel");
  const chosen = { NCC_MEDUSA_URL: url, NCC_MEDUSA_CHANNEL: "Nostr" };
  const [door, ...shop] = await look({ ...chosen, ...user });
  assertEquals([door!.state, door!.detail], ["ok", `${host}: Medusa Store`]);
  assertEquals(shop.map(({ what, state }) => [what, state]), [["medusa channel", "ok"], [
    "medusa zones",
    "ok",
  ]]);
  const { products } = await medusa.store<{ products: unknown[] }>(
    "GET",
    "/store/products?limit=1000&fields=id",
  );
  assertEquals(shop[0]!.detail, `Nostr: ${products.length} products`);
  const byKey = await look({ ...chosen, NCC_MEDUSA_KEY: medusa.shop.secretKey });
  assertEquals([byKey[0]!.state, byKey.slice(1)], ["warning", shop]);
  const wrong = await look({ ...chosen, ...user, NCC_MEDUSA_PASSWORD: "wrong" });
  assertEquals(wrong.map(({ state, detail }) => [state, detail]), [
    ["problem", "Medusa doesn't take the e-mail and the password"],
  ]);
});

test("each answer of a real Medusa has its meaning", async () => {
  using user = client({ email: ADMIN.email, password: ADMIN.password });
  const draft = (quantity: number) => ({
    region_id: medusa.shop.regions.central,
    sales_channel_id: medusa.shop.channel,
    email: "somebody@ncc.invalid",
    items: [{ variant_id: medusa.shop.variants.MUG, quantity }],
  });
  const cases: [
    what: string,
    ask: () => Promise<unknown>,
    kind: MedusaErrorKind,
    type: string | null,
    status: number,
  ][] = [
    ["nothing there", () => user.ask("GET", "/admin/orders/order_0"), "not_found", "not_found", 404],
    [
      "too much",
      () => user.ask("POST", "/admin/draft-orders", draft(1_000_000)),
      "refused",
      "not_allowed",
      400,
    ],
    [
      "an unknown field",
      () => user.ask("POST", "/admin/draft-orders", { nonsense: 1 }),
      "refused",
      "invalid_data",
      400,
    ],
    ["an unknown route", () => user.ask("GET", "/admin/no-such-thing"), "bad_answer", null, 404],
    [
      "a wrong publishable key",
      () => user.ask("GET", "/store/products", undefined, "pk_wrong"),
      "refused",
      "not_allowed",
      400,
    ],
  ];
  for (const [what, ask, kind, type, status] of cases) {
    const error = await failure(ask());
    assertEquals([error.kind, error.type, error.status], [kind, type, status], what);
    assert(!error.message.includes("somebody@"), error.message);
  }
  using nobody = client({ key: "sk_0123456789abcdef0123456789abcdef" });
  assertEquals((await failure(nobody.ask("GET", "/admin/stores"))).kind, "unauthorized");
  assertEquals(nobody.client.status().fault?.kind, "unauthorized");
  using fallback = client({ email: ADMIN.email, password: "wrong", key: medusa.shop.secretKey });
  await fallback.ask("GET", "/admin/stores");
});

test("an order's amounts are read exactly", async () => {
  using user = client({ email: ADMIN.email, password: ADMIN.password });
  const schema = z.object({
    draft_order: withAmounts({
      id: z.string(),
      total: amount,
      items: z.array(withAmounts({ unit_price: amount, quantity: z.int() }, ["unit_price"])),
    }, ["total"]),
  });
  const { draft_order: order } = await user.client.post("/admin/draft-orders", {
    schema,
    priority: "order",
    body: {
      region_id: medusa.shop.regions.central,
      sales_channel_id: medusa.shop.channel,
      email: "amounts@ncc.invalid",
      shipping_address: { country_code: "de" },
      items: [{ variant_id: medusa.shop.variants.MUG, quantity: 3 }],
    },
  });
  // 3 × 10 with 19 %.
  assertEquals(formatDecimal(order.total), "35.7");
  assertEquals(order.items.map(({ unit_price, quantity }) => [formatDecimal(unit_price), quantity]), [[
    "10",
    3,
  ]]);
});

test("a Medusa that was away is logged into again, and is what it was", async () => {
  using user = client({ email: ADMIN.email, password: ADMIN.password });
  await user.ask("GET", "/admin/stores");
  await medusa.kill();
  const away = await failure(user.ask("POST", "/admin/draft-orders", {}));
  assertEquals([away.kind, away.mayHaveHappened], ["unreachable", false]);
  assertEquals(user.client.status().fault?.kind, "unreachable");
  await medusa.start();
  await user.ask("GET", "/admin/stores");
  assertEquals(user.client.status().fault, null);
  // It ends a process that was there before it, and starts another.
}, { sanitizeOps: false, sanitizeResources: false });

function test(name: string, fn: () => Promise<void>, o: Partial<Deno.TestDefinition> = {}): void {
  Deno.test(`Medusa: ${name}`, { ...o, ignore }, fn);
}

async function look(environment: Record<string, string>) {
  const read = readSettings(environment, () => "");
  assert(read.ok);
  return await lookAtMedusa({
    settings: read.settings,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  });
}

function client(who: { email?: string; password?: string; key?: string }) {
  const client = MedusaClient.create({ url: medusa.url, ...who }, { clock: systemClock, log: silentLog });
  return {
    client,
    ask: (method: "GET" | "POST", path: string, body?: unknown, storeKey?: string) =>
      client.request({ method, path, body, storeKey, schema: anything, priority: "order" }),
    [Symbol.dispose]: () => client.close(),
  };
}

async function failure(asking: Promise<unknown>): Promise<MedusaError> {
  const error = await asking.then(() => new Error("it went well"), (error) => error);
  assert(error instanceof MedusaError, String(error));
  return error;
}
