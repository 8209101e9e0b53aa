import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { systemClock } from "../../../src/clock.ts";
import { zonesOf } from "../../../src/catalog/resources.ts";
import { selectStall } from "../../../src/catalog/stalls_store.ts";
import { askOf } from "../../../src/medusa/catalogue/ask.ts";
import { leaveOut, takeSides } from "../../../src/medusa/catalogue/catalogue_desk.ts";
import { NO_PRICE, NO_STOCK_LEVEL } from "../../../src/medusa/catalogue/mapping.ts";
import { selectZones } from "../../../src/medusa/catalogue/zones_store.ts";
import { MedusaClient } from "../../../src/medusa/client.ts";
import { Scene } from "../../medusa/catalogue/scene.ts";
import { memoryDatabase } from "../../support/database.ts";
import { silentLog } from "../../support/log.ts";
import { type MedusaServer, startMedusa, withoutMedusa } from "./medusa_server.ts";

/* Medusa's catalogue as a real Medusa shows it. */
const ignore = withoutMedusa("tests/real/medusa/catalogue_test.ts");

let medusa: MedusaServer;
let client: MedusaClient;
let database: Awaited<ReturnType<typeof memoryDatabase>>;
let scene: Scene;

Deno.test.beforeAll(async () => {
  if (ignore) return;
  medusa = await startMedusa();
  client = MedusaClient.create({ url: medusa.url, key: medusa.shop.secretKey }, {
    clock: systemClock,
    log: silentLog,
  });
  database = await memoryDatabase();
  scene = await Scene.open(database);
  scene.ask = askOf(client);
  scene.choice = { channel: medusa.shop.channel, currency: null };
});

Deno.test.afterAll(async () => {
  client?.close();
  await database?.close();
  await medusa?.[Symbol.asyncDispose]();
});

test("the first sweep makes a stall of a channel: its regions, taxes and shipping options are zones", async () => {
  const report = await scene.sweep();
  assertEquals([report.problem, report.no_channel, report.no_currency, report.currency], [
    null,
    null,
    null,
    "EUR",
  ]);
  const stall = (await selectStall(database.kysely, scene.merchant, `${medusa.shop.channel}-eur`))!;
  const { standard, express, west } = medusa.shop.shippingOptions;
  assertEquals(
    zonesOf(stall).map(({ id, cost }) => [id, cost]).sort(),
    [
      [`${standard}-at`, "5.04"],
      [`${standard}-de`, "5"],
      [`${express}-at`, "11.88"],
      [`${express}-de`, "11.78"],
      // With its tax, wherever it goes.
      [`${west}-fr`, "6"],
      [`${west}-nl`, "6"],
    ].sort(),
  );
  const zones = await selectZones(database.kysely, scene.merchant);
  assertEquals(zones.find(({ zone_id }) => zone_id === `${standard}-de`)!.amount, "4.2");
  assertEquals(zones.find(({ zone_id }) => zone_id === `${west}-fr`)!.amount, "5");
});

test("products are what customers of the channel see, priced by their country's taxes", async () => {
  const mug = (await of("MUG"))!;
  const extra = (cost: number) =>
    mug.shipping.filter((one) => one.cost === cost).map(({ id }) => id.slice(-2)).sort();
  // 10 EUR with 19 %, with 20 %; and 15 EUR in the west.
  assertEquals([mug.type, mug.price, mug.quantity, extra(0.1), extra(3.1)], [
    "simple",
    11.9,
    10,
    ["at", "at"],
    ["fr", "nl"],
  ]);
  const shirt = (await of("SHIRT-M-BLACK"))!;
  assertEquals([shirt.type, shirt.parent_id, shirt.quantity], ["variation", medusa.shop.products.shirt, 3]);
  assertEquals(shirt.specs.map(([, value]) => value).sort(), ["Black", "M"]);
  assertEquals((await scene.product(medusa.shop.products.shirt!))!.type, "variable");
  // By a price list: 15 instead of 20.
  assertEquals((await of("SALE"))!.price, 17.85);
  // Not counted, and sold beyond the stock.
  assertEquals([(await of("EBOOK"))!.quantity, (await of("POSTER"))!.quantity], [null, null]);
  // One bulb, and two of ten.
  assertEquals([(await of("LAMP-1"))!.quantity, (await of("LAMP-2"))!.quantity], [10, 5]);
  assertEquals((await known("DOLLARS"))!.trouble, NO_PRICE);
  assertEquals([(await known("UNSTOCKED"))!.trouble, (await of("UNSTOCKED"))!.quantity], [NO_STOCK_LEVEL, 0]);
  assertEquals([await known("DRAFT"), await known("ELSEWHERE")], [undefined, undefined]);
});

test("a second sweep finds nothing to do, and asks no cart", async () => {
  const carts = await count("cart");
  await scene.publications();
  const { sweep } = await scene.sweep();
  assertEquals([sweep!.made, sweep!.changed, sweep!.removed, sweep!.restocked], [0, 0, 0, 0]);
  assertEquals(await scene.publications(), []);
  assertEquals(await count("cart"), carts);
});

test("price, stock and name follow, by a hint and by a sweep", async () => {
  const { shop } = medusa;
  const [{ id: price } = { id: "" }] = await medusa.sql<{ id: string }>(
    `select p.id from price p join product_variant_price_set s on s.price_set_id = p.price_set_id
     where s.variant_id = '${shop.variants.MUG}' and p.currency_code = 'eur' and p.rules_count = 0`,
  );
  await medusa.call("POST", `/admin/products/${shop.products.mug}/variants/${shop.variants.MUG}`, {
    prices: [{ id: price, currency_code: "eur", amount: 20 }],
  });
  await medusa.call("POST", `/admin/products/${shop.products.mug}`, { title: "Big mug" });
  await scene.hint(shop.products.mug!);
  const mug = (await of("MUG"))!;
  // Medusa puts these prices in the place of all that it had, also of the west's.
  assertEquals([mug.name, mug.price], ["Big mug", 23.8]);
  await setStock("MUG", 4);
  await setStock("BULB", 3);
  const { sweep } = await scene.sweep();
  assertEquals(sweep!.restocked, 3);
  assertEquals(
    [(await of("MUG"))!.quantity, (await of("LAMP-1"))!.quantity, (await of("LAMP-2"))!.quantity],
    [4, 3, 1],
  );
});

test("what both sides change waits for the merchant, and what is left out stays out", async () => {
  const { shop } = medusa;
  const poster = shop.variants.POSTER!;
  await scene.edit(poster, { name: "My poster", description: "mine" });
  await medusa.call("POST", `/admin/products/${shop.products.poster}`, { title: "Their poster" });
  assertEquals((await scene.sweep()).conflicts, 1);
  assertEquals((await of("POSTER"))!.name, "My poster");
  const at = { merchant: scene.merchant, id: poster, now: scene.clock.now() };
  assert((await database.transaction((tx) => takeSides(tx, at, { name: "theirs" }))).ok);
  assert((await database.transaction((tx) => leaveOut(tx, { ...at, id: shop.variants.SALE! }, true))).ok);
  const { conflicts, sweep } = await scene.sweep();
  assertEquals([conflicts, sweep!.left_out, await of("SALE")], [0, 1, undefined]);
  const now = (await of("POSTER"))!;
  assertEquals([now.name, now.description], ["Their poster", "mine"]);
});

test("unpublished, taken from the channel, deleted: it goes; and back again it comes", async () => {
  const { shop } = medusa;
  await medusa.call("POST", `/admin/products/${shop.products.mug}`, { status: "draft" });
  await scene.hint(shop.products.mug!);
  assertEquals(await of("MUG"), undefined);
  await medusa.call("POST", `/admin/sales-channels/${shop.channel}/products`, {
    remove: [shop.products.shirt],
  });
  await medusa.call("DELETE", `/admin/products/${shop.products.lamp}`);
  const { sweep } = await scene.sweep();
  assertEquals([sweep!.doubted, await of("SHIRT-S-WHITE"), await of("LAMP-1")], [0, undefined, undefined]);
  await medusa.call("POST", `/admin/products/${shop.products.mug}`, { status: "published" });
  await medusa.call("POST", `/admin/sales-channels/${shop.channel}/products`, { add: [shop.products.shirt] });
  await scene.sweep();
  assertEquals([(await of("MUG"))!.quantity, (await of("SHIRT-M-BLACK"))!.quantity], [4, 3]);
});

test("another tax is another price, and other zones", async () => {
  const { tax_regions } = await medusa.call<
    { tax_regions: { country_code: string; tax_rates: { id: string }[] }[] }
  >(
    "GET",
    "/admin/tax-regions?limit=100",
  );
  const austria = tax_regions.find(({ country_code }) => country_code === "at")!;
  await medusa.call("POST", `/admin/tax-rates/${austria.tax_rates[0]!.id}`, { rate: 19 });
  await scene.sweep();
  const { standard } = medusa.shop.shippingOptions;
  const zones = await selectZones(database.kysely, scene.merchant);
  assertEquals(
    zones.filter(({ shipping_option }) => shipping_option === standard).map(({ zone_id, countries }) => [
      zone_id,
      JSON.parse(countries),
    ]),
    [[standard, ["at", "de"]]],
  );
  assert((await of("POSTER"))!.shipping.every(({ id }) => !id.startsWith(standard)));
});

test("a channel that there isn't, and a currency without a region, are told with what there is", async () => {
  const { choice } = scene;
  scene.choice = { channel: "Web", currency: null };
  assertStringIncludes(
    (await scene.sweep()).no_channel!,
    "no publishable API key of Medusa's shows a sales channel Web. Set NCC_MEDUSA_CHANNEL to one of: ",
  );
  scene.choice = { ...choice, currency: "GBP" };
  assertStringIncludes((await scene.sweep()).no_currency!, "Medusa's store doesn't have the currency GBP");
  scene.choice = choice;
  assertEquals((await scene.sweep()).no_currency, null);
});

function of(sku: string) {
  return scene.product(medusa.shop.variants[sku]!);
}

function known(sku: string) {
  return scene.known(medusa.shop.variants[sku]!);
}

async function count(table: string): Promise<number> {
  const [row] = await medusa.sql<{ n: number }>(`select count(*)::int as n from ${table}`);
  return row!.n;
}

async function setStock(sku: string, stocked_quantity: number): Promise<void> {
  const { shop } = medusa;
  await medusa.call(
    "POST",
    `/admin/inventory-items/${shop.inventoryItems[sku]}/location-levels/${shop.location}`,
    {
      stocked_quantity,
    },
  );
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: `Medusa's catalogue: ${name}`,
    ignore,
    fn,
    sanitizeOps: false,
    sanitizeResources: false,
  });
}
