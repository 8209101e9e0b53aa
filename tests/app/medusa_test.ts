import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { addToReport } from "../../src/medusa/report_store.ts";
import { MIRROR_JOB } from "../../src/orders/mirror.ts";
import { TestApi } from "../api/test_api.ts";
import { FakeMedusa } from "../support/fake_medusa.ts";
import { keyPair } from "../support/keys.ts";
import { lnbitsOrder, Shopper } from "../support/shopper.ts";
import { until } from "../support/wire.ts";

const settingsOf = (fake: FakeMedusa, more: Record<string, string> = {}) => ({
  NCC_PORT: "0",
  NCC_WALLET: "demo:",
  NCC_MEDUSA_URL: fake.url,
  NCC_MEDUSA_EMAIL: fake.email,
  NCC_MEDUSA_PASSWORD: fake.password,
  ...more,
});

Deno.test("without a Medusa in the settings nothing is said of one", async () => {
  await using api = await TestApi.open({ settings: { NCC_PORT: "0" } });
  await api.start();
  assertEquals((await api.app.health()).checks.medusa, undefined);
});

Deno.test("health names what is wrong with Medusa, the owners hear of it once, and of its end", async () => {
  await using fake = new FakeMedusa();
  await using api = await TestApi.open({ settings: settingsOf(fake, { NCC_RATES: "fixed:EUR=50000" }) });
  await api.start();
  const check = async () => (await api.app.health()).checks.medusa!;
  const passes = (holds: () => boolean | Promise<boolean>) =>
    until(async () => {
      await api.clock.advance(1_500);
      return await holds();
    });
  const news = async () =>
    (await api.get("/notices")).body.data.map((one: { kind: string }) => one.kind)
      .filter((kind: string) => kind.startsWith("medusa_"));
  const conditions = async () =>
    (await api.get("/conditions?raised=true")).body.data.map((one: { name: string }) => one.name)
      .filter((name: string) => name === "medusa");
  await passes(() => fake.asked.length > 0);
  const host = new URL(fake.url).host;
  // The first sweep has found a shop without products.
  await passes(async () => (await check()).detail.startsWith(`${host}: 0 products`));
  assertEquals((await check()).ok, true);

  fake.unwelcome = true;
  await passes(async () => !(await check()).ok);
  assertMatch((await check()).detail, /wrong_key: GET \/admin\/stores: Medusa doesn't take the key/);
  await passes(async () => (await conditions()).length === 1);
  const strict = await api.ask("GET", "/readyz?strict");
  assertEquals([strict.status, strict.body.ready, strict.body.degraded], [503, true, true]);
  assertEquals((await api.ask("GET", "/readyz")).status, 200);

  // What waits for Medusa goes on as soon as it is back.
  await api.app.database.transaction((tx) =>
    tx.insertInto("jobs").values({
      kind: MIRROR_JOB,
      merchant: api.merchant,
      key: "o",
      payload: JSON.stringify({ order_id: "o" }),
      state: "ready",
      attempts: 0,
      max_attempts: 9,
      run_at: api.clock.now() + 86_400_000,
      created_at: 0,
    }).execute()
  );
  fake.unwelcome = false;
  await passes(async () => (await check()).ok);
  await passes(async () => {
    const job = await api.app.database.kysely.selectFrom("jobs").select("run_at").where(
      "kind",
      "=",
      MIRROR_JOB,
    )
      .executeTakeFirst();
    // It is done, or it is to be now; its own time is a day from now.
    return job === undefined || job.run_at <= api.clock.now();
  });
  await passes(async () => (await conditions()).length === 0);
  await passes(async () => (await news()).includes("medusa_up"));
  assertEquals((await news()).sort(), ["medusa_down", "medusa_up"]);
});

Deno.test("health says what the last sweep and the orders found", async () => {
  await using fake = new FakeMedusa();
  await using api = await TestApi.open({ settings: settingsOf(fake) });
  const { database } = api.app;
  const report = { products: 12, currency: "EUR", conflicts: 2, oversells: "12 of 10 were sold" };
  await database.transaction(async (tx) => {
    await addToReport(tx, api.merchant, report, 0);
    await tx.updateTable("medusa_bridges").set({ sweep_ended_at: 0 }).execute();
  });
  await api.order({ payment: "quoting", fulfilment: "none", mirror: "confirm" });
  const { ok, detail } = (await api.app.health()).checks.medusa!;
  assertEquals(ok, false);
  for (
    const says of [
      `${new URL(fake.url).host}: 12 products (1970-01-01T00:00:00.000Z); oversells: 12 of 10 were sold`,
      // Prices in euro with NCC_RATES=none.
      "no_rate: nobody says what a bitcoin costs in EUR (NCC_RATES)",
      "conflicts: 2 products were changed on both sides",
      "orders_waiting: 1 order waits for its goods",
    ]
  ) assertStringIncludes(detail, says);
  assert(fake.asked.length === 0);
});

Deno.test("Medusa takes part in the orders of its stall alone, as the merchant chose", async () => {
  for (const [stock, mirror] of [["medusa", "confirm"], ["local", "follow"]] as const) {
    await using fake = new FakeMedusa();
    await using api = await TestApi.open({ settings: settingsOf(fake, { NCC_MEDUSA_STOCK: stock }) });
    for (const id of ["tea", "medusas"]) {
      const shipping = [{ id: `free-${id}`, name: "free", cost: 0, regions: ["World"] }];
      assertEquals((await api.post("/stalls", { id, name: id, currency: "sat", shipping })).status, 201);
      const pot = { id: `pot-${id}`, stall_id: id, name: "Pot", price: 100, quantity: 3 };
      assertEquals((await api.post("/products", pot)).status, 201);
    }
    const relay = (await api.start()).replace(/^http/, "ws") + "/relay";
    // It was made while this process ran, as by another one.
    await api.app.database.transaction((tx) =>
      tx.updateTable("stalls").set({ kept_by: "medusa" }).where("id", "=", "medusas").execute()
    );
    await api.clock.advance(5_000);
    const { secretKey } = keyPair("alice");
    await using shopper = new Shopper({ secretKey, merchant: api.merchant, envelope: "nip17", relay });
    await shopper.connect();
    for (const id of ["tea", "medusas"]) {
      assert(await shopper.write(lnbitsOrder(id, `pot-${id}`, 1, `free-${id}`)));
    }
    const order = async (id: string) =>
      await api.app.database.kysely.selectFrom("orders").select("mirror")
        .where("customer_order_id", "=", id).executeTakeFirst();
    await until(async () => {
      await api.clock.advance(500);
      return await order("tea") !== undefined && await order("medusas") !== undefined;
    });
    assertEquals([(await order("tea"))!.mirror, (await order("medusas"))!.mirror], [null, mirror]);
  }
});
