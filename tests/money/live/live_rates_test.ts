import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { keptRates } from "../../../src/money/live/rates_store.ts";
import { ratesText } from "../../../src/money/live/rates_look.ts";
import { PriceServer } from "./price_server.ts";
import { RatesScene } from "./rates_scene.ts";

const MINUTE = 60_000;
const ALL = ["coinbase", "kraken", "bitstamp", "mempool", "coingecko", "yadio"];

Deno.test("a shop that sells for sats asks nobody, however long it runs", async () => {
  await using scene = await RatesScene.open({ inUse: ["sat", "BTC", "msat"] });
  await scene.passes(3 * 60 * MINUTE);
  assertEquals(scene.rates.rate("sat"), null);
  assertEquals(scene.server.asked, []);
  assertEquals(scene.rates.look().currencies, []);
  assertEquals(scene.log.lines, []);
});

Deno.test("all sources of a round are asked at the same time, and the rate is kept with its sources and time", async () => {
  const server = new PriceServer();
  ["90000.10", "90020", "90010", "90005", "90015.25", "90012"].forEach((price, i) =>
    server.prices.set(ALL[i]!, { EUR: price })
  );
  server.together = 6;
  await using scene = await RatesScene.open({ sources: ALL, server });
  const rate = { currency: "EUR", perBtc: "90011", sources: ALL, at: scene.clock.now() };
  assertEquals(scene.rates.rate("eur"), rate);
  assertEquals(server.asked.length, 6);
  assertEquals([...server.agents], ["ncc/test"]);
  assertEquals(await keptRates(scene.database.kysely), [rate]);
  assertEquals(scene.told, 1);
});

Deno.test("whatever a source does instead of answering, the others' rate stands, and it is told about by name", async () => {
  const faults: [fault: string, play: (server: PriceServer) => void, error: string | null][] = [
    ["lies by 3 %", (server) => server.prices.set("kraken", { EUR: "92700" }), null],
    ["is silent", (server) => server.faults.set("kraken", "silent"), "no answer in time"],
    ["is away", (server) => server.faults.set("kraken", "away"), "no connection"],
    ["HTTP 500", (server) => server.faults.set("kraken", { status: 500 }), "HTTP 500"],
    ["HTTP 429", (server) => server.faults.set("kraken", { status: 429, retryAfter: "30" }), "HTTP 429"],
    ["no JSON", (server) => server.faults.set("kraken", "html"), "its answer is no JSON"],
    [
      "JSON of NaN",
      (server) => server.faults.set("kraken", { body: '{"result":NaN}' }),
      "its answer is no JSON",
    ],
    ["a number alone", (server) => server.faults.set("kraken", { body: "90000" }), "its answer is no JSON"],
    ["without end", (server) => server.faults.set("kraken", "endless"), "it answers without end"],
    ["sends us elsewhere", (server) => server.faults.set("kraken", "elsewhere"), "HTTP 302"],
    [
      "has an error",
      (server) => server.faults.set("kraken", { body: '{"error":["EService:Unavailable"]}' }),
      "it says EService:Unavailable",
    ],
    ...["NaN", "-90000", "9e4", "0", "", "1".repeat(30), "ninety", "90.000,00"].map((price) =>
      [
        `says ${price}`,
        (server: PriceServer) => server.prices.set("kraken", { EUR: price }),
        "its price in EUR is none",
      ] as [string, (server: PriceServer) => void, string]
    ),
  ];
  for (const [fault, play, error] of faults) {
    const server = new PriceServer();
    play(server);
    await using scene = await RatesScene.open({ server });
    assertEquals(scene.rates.rate("EUR")?.sources, ["coinbase", "bitstamp"], fault);
    assertEquals(scene.price(), "90000", fault);
    const kraken = scene.rates.look().sources.find(({ name }) => name === "kraken")!;
    assertEquals(kraken.error, error, fault);
    const warned = scene.log.lines.filter(({ event }) => event === "rates.source_fails");
    assertEquals(
      warned.map(({ fields }) => fields),
      error === null ? [] : [{ source: "kraken", error }],
      fault,
    );
    assertEquals(server.asked.some((one) => one.includes("stolen")), false);
  }
});

Deno.test("JSON's own numbers with an exponent or a sign are no price either", async () => {
  for (const price of ["9e4", "-90000", "9.0E4", "0.0", "123456789012345678901"]) {
    const server = new PriceServer();
    server.prices.set("mempool", { EUR: price });
    await using scene = await RatesScene.open({ sources: ["coinbase", "yadio", "mempool"], server });
    assertEquals(scene.rates.rate("EUR")?.sources, ["coinbase", "yadio"], price);
  }
});

Deno.test("a rate is refreshed every minute, and good for five minutes and not a moment longer", async () => {
  await using scene = await RatesScene.open();
  const at = scene.clock.now();
  scene.server.says("EUR", "91000");
  await scene.passes(59_000);
  assertEquals([scene.price(), scene.server.count("kraken")], ["90000", 1]);
  await scene.passes(2_000);
  assertEquals([scene.price(), scene.server.count("kraken")], ["91000", 2]);
  assert(scene.rates.rate("EUR")!.at >= at + MINUTE);
  // From now on only one source answers.
  for (const name of ["kraken", "bitstamp"]) scene.server.faults.set(name, { status: 503 });
  const last = scene.rates.rate("EUR")!.at;
  await scene.passes(last + 5 * MINUTE - scene.clock.now());
  assertEquals(scene.rates.rate("EUR")?.at, last);
  await scene.clock.advance(1);
  assertEquals(scene.rates.rate("EUR"), null);
  await scene.rests();
  const look = scene.rates.look();
  assertEquals(look.currencies.map(({ state, why }) => [state, why]), [[
    "stale",
    "only coinbase has a price",
  ]]);
  assertStringIncludes(
    ratesText(look, look.currencies),
    "no rate for EUR: only coinbase has a price, the last was 91000",
  );
  assertStringIncludes(ratesText(look, look.currencies), "kraken: HTTP 503; bitstamp: HTTP 503");
  // One comes back: that makes two.
  const told = scene.told;
  scene.server.faults.delete("kraken");
  await scene.passes(MINUTE);
  assertEquals(scene.rates.rate("EUR")?.sources, ["coinbase", "kraken"]);
  assertEquals(scene.told, told + 1);
});

Deno.test("sources that differ too much give no new rate", async () => {
  const server = new PriceServer();
  server.prices.set("kraken", { EUR: "95000" });
  await using scene = await RatesScene.open({ sources: ["coinbase", "kraken"], server });
  assertEquals(scene.price(), null);
  assertEquals(
    scene.rates.look().currencies[0]!.why,
    "the sources differ by too much: coinbase 90000, kraken 95000",
  );
  server.prices.set("kraken", { EUR: "90100" });
  await scene.passes(20_000);
  assertEquals(scene.price(), "90050");
});

Deno.test("a source that fails is asked ever more rarely, and often again as long as there is no rate", async () => {
  const server = new PriceServer();
  server.faults.set("bitstamp", { status: 500 });
  await using scene = await RatesScene.open({ server });
  await scene.passes(30 * MINUTE);
  assert(server.count("coinbase") >= 29, String(server.count("coinbase")));
  // 15 s, 30 s, 1, 2, 4, 5, 5, … minutes.
  const rare = server.count("bitstamp");
  assert(rare >= 8 && rare <= 11, String(rare));
  assertEquals(scene.log.lines.filter(({ event }) => event === "rates.source_fails").length, 1);
  for (const name of ["coinbase", "kraken"]) server.faults.set(name, { status: 500 });
  await scene.passes(30 * MINUTE);
  const often = server.count("bitstamp") - rare;
  assert(often >= 20 && often <= 32, String(often));
  server.faults.clear();
  await scene.passes(65_000);
  assertEquals(scene.rates.rate("EUR")?.sources.length, 3);
  assertEquals(scene.log.lines.filter(({ event }) => event === "rates.source_answers").length, 3);
});

Deno.test("a source that asks for a pause gets it, but not for ever", async () => {
  const server = new PriceServer();
  server.faults.set("bitstamp", { status: 429, retryAfter: "200" });
  server.faults.set("kraken", { status: 503, retryAfter: "999999" });
  await using scene = await RatesScene.open({ server });
  await scene.passes(190_000);
  assertEquals([server.count("bitstamp"), server.count("kraken")], [1, 1]);
  await scene.passes(20_000);
  assertEquals([server.count("bitstamp"), server.count("kraken")], [2, 1]);
  await scene.passes(10 * MINUTE);
  assertEquals(server.count("kraken"), 2);
});

Deno.test("over a restart a rate keeps its value and its age", async () => {
  await using scene = await RatesScene.open();
  const before = scene.rates.rate("EUR")!;
  for (const name of ALL) scene.server.faults.set(name, { status: 500 });
  await scene.restarts(4 * MINUTE);
  assertEquals(scene.rates.rate("EUR"), before);
  await scene.restarts(MINUTE - 1);
  assertEquals(scene.rates.rate("EUR"), before);
  await scene.restarts(2);
  assertEquals(scene.rates.rate("EUR"), null);
  const [look] = scene.rates.look().currencies;
  assertEquals([look!.state, look!.last], ["stale", before]);
  scene.server.faults.clear();
  await scene.restarts();
  assertEquals(scene.rates.rate("EUR")?.at, scene.clock.now());
});

Deno.test("a rate of the future isn't trusted: the clock was set while nobody ran", async () => {
  await using scene = await RatesScene.open();
  for (const name of ALL) scene.server.faults.set(name, { status: 500 });
  scene.clock.set(-60 * MINUTE);
  await scene.restarts();
  assertEquals(scene.rates.rate("EUR"), null);
});

Deno.test("a clock that is set makes no old rate young, and a new one comes by itself", async () => {
  await using scene = await RatesScene.open();
  const { server, clock } = scene;
  for (const name of ALL) server.faults.set(name, { status: 500 });
  // Back: the even clock says how old it is.
  clock.set(-60 * MINUTE);
  await scene.passes(4 * MINUTE);
  assertEquals(scene.price(), "90000");
  await scene.passes(MINUTE + 1);
  assertEquals(scene.price(), null);
  server.faults.clear();
  await scene.passes(MINUTE + 10_000);
  assertEquals(scene.rates.rate("EUR")!.at <= clock.now(), true);
  // Ahead, as after the machine's own sleep, in which the even clock stood still.
  const asked = server.count("kraken");
  clock.set(60 * MINUTE);
  assertEquals(scene.price(), null);
  await scene.passes(5_000);
  await scene.rests();
  await scene.passes(15_000);
  assertEquals([scene.price(), server.count("kraken") > asked], ["90000", true]);
  assertEquals((await keptRates(scene.database.kysely))[0]!.at, scene.rates.rate("EUR")!.at);
});

Deno.test("a currency that an order needs is asked for at once, and one of the catalogue within a minute", async () => {
  await using scene = await RatesScene.open({ inUse: [] });
  scene.server.says("USD", "100000");
  assertEquals(scene.server.asked, []);
  assertEquals(scene.price("USD"), null);
  assertEquals(scene.rates.mayCome("USD"), true);
  for (const end = Date.now() + 30_000; scene.told === 0 && Date.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assertEquals([scene.price("USD"), scene.price("EUR"), scene.told], ["100000", null, 1]);
  await scene.rests();
  scene.inUse.add("GBP");
  scene.server.says("GBP", "76000");
  await scene.passes(MINUTE);
  assertEquals(scene.price("GBP"), "76000");
  // Nobody asked for dollars any more, and no price is in them.
  await scene.passes(16 * MINUTE);
  assertEquals(
    scene.rates.look().currencies.map(({ currency }) => currency),
    ["GBP"],
  );
  assertEquals(scene.price("USD"), null);
});

Deno.test("a currency that fewer than two sources have is never waited for", async () => {
  const server = new PriceServer();
  for (const name of ["coinbase", "yadio"]) server.prices.get(name)!.CZK = "2200000";
  await using scene = await RatesScene.open({ inUse: ["CZK", "EUR"], server });
  assertEquals([scene.rates.mayCome("CZK"), scene.rates.mayCome("EUR"), scene.rates.mayCome("sat")], [
    false,
    true,
    false,
  ]);
  assertEquals(scene.rates.mayCome("XYZ"), false);
  const [czk] = scene.rates.look().currencies;
  assertEquals([czk!.state, czk!.why], ["unoffered", "only coinbase of the sources in NCC_RATES has CZK"]);
  await using more = await RatesScene.open({
    sources: ["coinbase", "yadio"],
    inUse: ["CZK"],
    server: new PriceServer(),
  });
  assertEquals(more.rates.mayCome("CZK"), false);
  more.server.says("CZK", "2200000");
  await more.passes(MINUTE + 5_000);
  assertEquals([more.price("CZK"), more.rates.mayCome("CZK")], ["2200000", true]);
});

Deno.test("the spread is taken off what is quoted, and not off what is kept", async () => {
  await using scene = await RatesScene.open({ spread: "1.5" });
  assertEquals(scene.price(), "88650");
  assertEquals((await keptRates(scene.database.kysely)).map(({ perBtc }) => perBtc), ["90000"]);
  await scene.restarts();
  assertEquals(scene.price(), "88650");
});

Deno.test("it stops at once while a source is silent, and starts without the world being there", async () => {
  const server = new PriceServer();
  for (const name of ALL) server.faults.set(name, "silent");
  await using scene = await RatesScene.open({ server, start: false });
  await scene.rates.start();
  for (const end = Date.now() + 10_000; !(server.silent && server.asked.length === 3) && Date.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assertEquals(scene.rates.look().currencies.map(({ state }) => state), ["unknown"]);
  await scene.stops();
  assertEquals(scene.price(), null);
  assertEquals(scene.log.lines, []);
});
