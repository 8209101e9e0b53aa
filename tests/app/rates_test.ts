import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { lookAtRates } from "../../src/app/doctor/rates.ts";
import { judgeSetting } from "../../src/app/settings_check.ts";
import { systemClock } from "../../src/clock.ts";
import { systemRandom } from "../../src/random.ts";
import { readSettings } from "../../src/settings_reader.ts";
import { TestApi } from "../api/test_api.ts";
import { PriceServer } from "../money/live/price_server.ts";
import { freshUrl } from "../support/fresh_database.ts";
import { silentLog } from "../support/log.ts";
import { keyPair } from "../support/keys.ts";
import { lnbitsOrder, Shopper } from "../support/shopper.ts";
import { until } from "../support/wire.ts";

const EXCHANGES = ["coinbase", "kraken", "bitstamp"];

async function sellInEuro(api: TestApi): Promise<void> {
  const zone = { id: "free", name: "free", cost: 0, regions: ["World"] };
  const stall = { id: "tea", name: "Tea", currency: "EUR", shipping: [zone] };
  assertEquals((await api.post("/stalls", stall)).status, 201);
  const pot = { id: "pot", stall_id: "tea", name: "Pot", price: "5.00", quantity: 3 };
  assertEquals((await api.post("/products", pot)).status, 201);
}

Deno.test("an order in euro waits while no source answers, the merchant hears of it once, and it is quoted when two do", async () => {
  await using server = new PriceServer();
  for (const name of EXCHANGES) server.faults.set(name, { status: 500 });
  await using api = await TestApi.open({
    settings: { NCC_PORT: "0", NCC_RATES: EXCHANGES.join(","), NCC_RATE_SPREAD: "1", NCC_WALLET: "demo:" },
    rateHost: server.hostOf,
  });
  await sellInEuro(api);
  const relay = (await api.start()).replace(/^http/, "ws") + "/relay";
  await using shopper = new Shopper({
    secretKey: keyPair("alice").secretKey,
    merchant: api.merchant,
    envelope: "nip17",
    relay,
  });
  await shopper.connect();
  const passes = (holds: () => boolean | Promise<boolean>) =>
    until(async () => {
      await api.clock.advance(1_500);
      return await holds();
    });
  const order = async () => (await api.get("/orders")).body.data[0];
  const rates = async () => (await api.ask("GET", "/readyz")).body.checks.rates;
  const news = async () =>
    (await api.get("/notices")).body.data.map((one: { kind: string }) => one.kind).filter((kind: string) =>
      kind.startsWith("rates_")
    );

  assert(await shopper.write(lnbitsOrder("o-1", "pot", 1, "free")));
  await passes(async () => (await order())?.payment === "quoting");
  await passes(() => shopper.messages.size === 1);
  const [told] = shopper.messages.values();
  assertEquals([told!.type, told!.payment_options], [1, []]);
  assertStringIncludes(told!.message!, "Your order waits for it");
  const conditions = async () => (await api.get("/conditions?raised=true")).body.data;
  await passes(async () => (await conditions()).some((one: { name: string }) => one.name === "rates"));
  const check = await rates();
  assertEquals(check.ok, false);
  assertMatch(
    check.detail,
    /no rate for EUR: no source has a price; coinbase: HTTP 500; kraken: HTTP 500; bitstamp: HTTP 500/,
  );
  await passes(async () => (await news()).length > 0);

  server.faults.delete("kraken");
  server.faults.delete("bitstamp");
  await passes(async () => (await rates()).ok);
  const there = api.clock.now();
  await passes(() => shopper.messages.values().some((one) => one.payment_options?.length === 1));
  // Who waits doesn't wait for the next look.
  assert(api.clock.now() - there < 20_000, `${api.clock.now() - there} ms`);
  const { payment, rate, total_msat } = await order();
  assertEquals([payment, rate.currency, rate.per_btc, rate.sources, total_msat], [
    "awaiting",
    "EUR",
    "89100",
    ["kraken", "bitstamp"],
    // 5 ÷ 89,100 BTC is 5,611.67… sat.
    "5612000",
  ]);
  assertEquals((await rates()).ok, true);
  assertStringIncludes((await rates()).detail, "89100 EUR (kraken, bitstamp; ");
  await passes(async () => (await news()).includes("rates_up"));
  assertEquals((await news()).sort(), ["rates_down", "rates_up"]);
  assertEquals((await conditions()).filter((one: { name: string }) => one.name === "rates"), []);
});

Deno.test("by default, and with prices in sats, nobody is asked and nothing is out of order", async () => {
  await using server = new PriceServer();
  const defaults = readSettings({}, () => "");
  assert(defaults.ok);
  const { NCC_RATES } = defaults.settings;
  assertEquals(NCC_RATES, "coinbase,kraken,bitstamp");
  await using api = await TestApi.open({ settings: { NCC_PORT: "0", NCC_RATES }, rateHost: server.hostOf });
  assertEquals((await api.post("/stalls", { id: "tea", name: "Tea", currency: "sat" })).status, 201);
  await api.start();
  await api.clock.advance(70_000);
  assertEquals(server.asked, []);
  assertEquals((await api.ask("GET", "/readyz")).body.checks.rates, undefined);
});

Deno.test("NCC_RATES and NCC_RATE_SPREAD are refused with what is meant instead", () => {
  const problem = (environment: Record<string, string>) => {
    const read = readSettings(environment, () => "", judgeSetting);
    return read.ok ? null : read.problems.map(({ key, reason }) => `${key} ${reason}`).join("; ");
  };
  for (
    const good of [
      "coinbase,kraken",
      " coinbase , yadio ",
      "coinbase,kraken,bitstamp,mempool,coingecko,yadio",
      "none",
      "fixed:EUR=90000,USD=100000.5",
    ]
  ) assertEquals(problem({ NCC_RATES: good }), null, good);
  const bad: [value: string, says: string][] = [
    ["coinbase,krakn", "Did you mean kraken?"],
    ["coinbase,krakn", "There are: coinbase, kraken, bitstamp, mempool, coingecko, yadio"],
    ["coinbase,mtgox", 'contains "mtgox", which is no source of rates'],
    ["kraken", "must name at least two sources"],
    ["kraken,kraken", "must name at least two sources"],
    ["coinbase,none", "no source of rates"],
    ["fixed:EUR=0", "positive number"],
    ["fixed:XYZ=5", "expected a currency"],
    ["fixed:EUR=1e5", "must be names of sources"],
    ["https://example.com", "must be names of sources"],
  ];
  for (const [value, says] of bad) assertStringIncludes(problem({ NCC_RATES: value }) ?? "taken", says);
  for (const spread of ["0", "1", "1.5", "49.9999"]) assertEquals(problem({ NCC_RATE_SPREAD: spread }), null);
  for (const spread of ["-1", "50", "100", "1,5", "1.23456", "1%", "1e1"]) {
    assertStringIncludes(problem({ NCC_RATE_SPREAD: spread }) ?? "taken", "number of percent");
  }
});

Deno.test("the doctor asks the sources that the catalogue needs, and says who has what", async () => {
  await using server = new PriceServer({ EUR: "90000", CHF: "85000" });
  const dir = await Deno.makeTempDir({ prefix: "ncc-rates-" });
  await using fresh = await freshUrl("");
  const settings = { NCC_DATA_DIR: dir, NCC_DATABASE_URL: fresh.url };
  const look = async (more: Record<string, string>) => {
    const read = readSettings({ ...settings, ...more }, () => "");
    assert(read.ok);
    const patient = { settings: read.settings, clock: systemClock, random: systemRandom, log: silentLog };
    const { state, detail } = await lookAtRates(patient, server.hostOf);
    return [state, detail];
  };
  const none = ["ok", "coinbase, kraken, bitstamp: not needed, no price is in another currency"];
  assertEquals(await look({}), none);
  {
    await using api = await TestApi.open({ settings });
    assertEquals((await api.post("/stalls", { id: "sats", name: "Sats", currency: "sat" })).status, 201);
    assertEquals(await look({}), none);
    assertEquals(await look({ NCC_RATES: "none" }), ["ok", "none, and none needed: all prices are in sats"]);
    assertEquals(server.asked, []);
    await sellInEuro(api);
  }
  assertEquals(await look({}), ["ok", "90000 EUR (coinbase, kraken, bitstamp)"]);
  server.faults.set("coinbase", { status: 500 });
  assertEquals(await look({ NCC_RATE_SPREAD: "1" }), [
    "warning",
    "89100 EUR (kraken, bitstamp); coinbase: HTTP 500",
  ]);
  server.faults.set("kraken", "html");
  assertEquals(await look({}), [
    "problem",
    "no rate for EUR: only bitstamp has a price; coinbase: HTTP 500; kraken: its answer is no JSON",
  ]);
  assertEquals(await look({ NCC_RATES: "none" }), ["problem", "none for EUR, which prices are in"]);
  assertEquals(await look({ NCC_RATES: "fixed:USD=1" }), ["problem", "none for EUR, which prices are in"]);
  assertEquals(await look({ NCC_RATES: "fixed:EUR=1" }), ["warning", "fixed: they don't follow the market"]);
  await Deno.remove(dir, { recursive: true });
});
