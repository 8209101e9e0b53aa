import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { lookAtMedusa } from "../../src/app/doctor/medusa.ts";
import { systemClock } from "../../src/clock.ts";
import { systemRandom } from "../../src/random.ts";
import { readSettings } from "../../src/settings_reader.ts";
import { FakeMedusa } from "../support/fake_medusa.ts";
import { silentLog } from "../support/log.ts";

const SHOP = { id: "sc_1", name: "Nostr" };
const WEB = { id: "sc_2", name: "Web" };

/** A Medusa with all that a shop needs. */
function goodShop(): FakeMedusa {
  const fake = new FakeMedusa();
  const currencies = [["eur", true], ["usd", false]].map(([currency_code, is_default]) => ({
    currency_code,
    is_default,
  }));
  fake.on("GET /admin/stores", {
    stores: [{ id: "store_1", name: "Tea & Co", supported_currencies: currencies }],
  });
  shows(fake, { token: fake.storeKey, sales_channels: [SHOP] });
  fake.on("GET /store/products", { products: [], count: 12 });
  fake.on("GET /admin/regions", {
    regions: [region("EU", "eur"), region("US", "usd")],
  });
  const stock_locations = [{ id: "sloc_1" }];
  fake.on("GET /admin/sales-channels", {
    sales_channels: [SHOP, WEB].map((one) => ({ ...one, stock_locations })),
  });
  return fake;
}

function region(name: string, currency_code: string) {
  const countries = [{ iso_2: "de", display_name: "Germany" }];
  return { id: `reg_${name}`, name, currency_code, automatic_taxes: true, countries };
}

function shows(fake: FakeMedusa, ...api_keys: Record<string, unknown>[]): void {
  fake.on("GET /admin/api-keys", { api_keys: api_keys.map((key, i) => ({ id: `apk_${i}`, ...key })) });
}

async function look(fake: FakeMedusa, more: Record<string, string> = {}) {
  const read = readSettings({
    NCC_MEDUSA_URL: fake.url,
    NCC_MEDUSA_EMAIL: fake.email,
    NCC_MEDUSA_PASSWORD: fake.password,
    ...more,
  }, () => "");
  assert(read.ok);
  return await lookAtMedusa({
    settings: read.settings,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  });
}

Deno.test("without a Medusa there is nothing to look at", async () => {
  const read = readSettings({}, () => "");
  assert(read.ok);
  assertEquals(
    await lookAtMedusa({ settings: read.settings, clock: systemClock, random: systemRandom, log: silentLog }),
    [],
  );
});

Deno.test("the doctor tells what a good Medusa has, and changes nothing there", async () => {
  await using fake = goodShop();
  assertEquals(await look(fake), [
    { what: "medusa", state: "ok", detail: `${new URL(fake.url).host}: Tea & Co` },
    { what: "medusa channel", state: "ok", detail: "Nostr: 12 products" },
    { what: "medusa zones", state: "ok", detail: "EUR in EU; 1 shipping option" },
  ]);
  const products = fake.asked.find(({ path }) => path === "/store/products")!;
  assertEquals([products.storeKey, products.query.getAll("sales_channel_id[]")], [fake.storeKey, ["sc_1"]]);
  assert(fake.asked.every(({ method }) => method === "GET"));
});

/** What is otherwise, and what the doctor says of it: of what, how bad, and parts of the detail and of the remedy. */
const ILLS: [
  what: string,
  otherwise: (fake: FakeMedusa) => Record<string, string> | void,
  finding: [what: string, state: string, detail: string, remedy: string],
][] = [
  ["a wrong password", () => ({ NCC_MEDUSA_PASSWORD: "wrong" }), [
    "medusa",
    "problem",
    "the e-mail and the password",
    "medusa user",
  ]],
  ["no Medusa", () => ({ NCC_MEDUSA_URL: "http://127.0.0.1:1" }), [
    "medusa",
    "problem",
    "no connection",
    "NCC_MEDUSA_URL",
  ]],
  ["another program", (fake) => fake.on("GET /admin/stores", { shops: [] }), [
    "medusa",
    "problem",
    "stores",
    "Medusa 2",
  ]],
  ["a fault", (fake) => fake.fail("GET /admin/stores", 500), ["medusa", "problem", "HTTP 500", "log"]],
  ["no publishable key", (fake) => shows(fake), ["medusa channel", "problem", "no publishable", "Make one"]],
  [
    "a revoked one",
    (fake) => shows(fake, { token: "pk_1", revoked_at: "2026-01-01", sales_channels: [SHOP] }),
    ["medusa channel", "problem", "no publishable", "Make one"],
  ],
  [
    "two channels",
    (fake) =>
      shows(fake, { token: fake.storeKey, sales_channels: [SHOP, WEB] }, {
        token: "pk_2",
        sales_channels: [WEB],
      }),
    ["medusa channel", "problem", "several", "Nostr (sc_1), Web (sc_2)"],
  ],
  [
    "an unknown channel",
    () => ({ NCC_MEDUSA_CHANNEL: "Shop" }),
    ["medusa channel", "problem", "sales channel Shop", "Nostr (sc_1)"],
  ],
  [
    "a key that isn't taken",
    (fake) => shows(fake, { token: "pk_1", sales_channels: [SHOP] }),
    ["medusa", "problem", "publishable key is required", "what Medusa says"],
  ],
  ["no products", (fake) => fake.on("GET /store/products", { count: 0 }), [
    "medusa channel",
    "warning",
    "no published",
    "Publish",
  ]],
  ["another currency", () => ({ NCC_MEDUSA_CURRENCY: "gbp" }), [
    "medusa currency",
    "problem",
    "GBP",
    "EUR, USD",
  ]],
  [
    "no currency",
    (fake) => fake.on("GET /admin/stores", { stores: [{ id: "store_1", supported_currencies: [] }] }),
    ["medusa currency", "problem", "no currency", "none yet"],
  ],
  [
    "a currency without a region",
    (fake) => fake.on("GET /admin/regions", { regions: [region("US", "usd")] }),
    ["medusa currency", "problem", "the currency EUR", "US (USD)"],
  ],
  [
    "no shipping",
    (fake) => fake.on("GET /admin/shipping-options", { shipping_options: [] }),
    ["medusa zones", "problem", "no shipping option", "Make one"],
  ],
];

Deno.test("the doctor names what a Medusa lacks, and what to do about it", async () => {
  for (const [what, otherwise, [of, state, detail, remedy]] of ILLS) {
    await using fake = goodShop();
    const bad = (await look(fake, otherwise(fake) ?? {})).filter((one) => one.state !== "ok");
    assertEquals(bad.map((one) => [one.what, one.state]), [[of, state]], what);
    assertStringIncludes(bad[0]!.detail, detail, what);
    assertStringIncludes(bad[0]!.remedy!, remedy, what);
    assert(!JSON.stringify(bad).includes(fake.password), what);
  }
});

Deno.test("a channel may be chosen by its name or its id", async () => {
  for (const wanted of ["Web", "sc_2"]) {
    await using fake = goodShop();
    shows(fake, { token: fake.storeKey, sales_channels: [SHOP, WEB] });
    const channel = (await look(fake, { NCC_MEDUSA_CHANNEL: wanted })).find(({ what }) =>
      what === "medusa channel"
    )!;
    assertEquals([channel.state, channel.detail], ["ok", "Web: 12 products"]);
  }
});

Deno.test("a key alone is told to be slow", async () => {
  await using fake = goodShop();
  const read = readSettings({ NCC_MEDUSA_URL: fake.url, NCC_MEDUSA_KEY: fake.key }, () => "");
  assert(read.ok);
  const patient = { settings: read.settings, clock: systemClock, random: systemRandom, log: silentLog };
  const [door] = await lookAtMedusa(patient);
  assertEquals([door!.state, fake.logins], ["warning", 0]);
  assertStringIncludes(door!.detail, "every call");
});
