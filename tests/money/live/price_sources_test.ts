import { assertEquals, assertThrows } from "@std/assert";
import { parseExactJson, valueAt } from "../../../src/money/exact_json.ts";
import { readPrice } from "../../../src/money/live/agree.ts";
import { priceSource, priceSources, questionsTo } from "../../../src/money/live/price_source.ts";

/** Answers as the sources' documentation shows them; not recorded: this machine reaches none of them. */
const ANSWERS: [source: string, path: string, answer: string, eur: string][] = [
  [
    "coinbase",
    "/v2/exchange-rates?currency=BTC",
    '{"data":{"currency":"BTC","rates":{"AED":"367432.955","EUR":"86452.3151000000000001","00":"1"}}}',
    "86452.3151000000000001",
  ],
  [
    "kraken",
    "/0/public/Ticker?pair=XBTEUR",
    '{"error":[],"result":{"XXBTZEUR":{"a":["86460.00000","1","1.000"],"b":["86459.90000","2","2.000"],' +
    '"c":["86460.00000","0.00010000"],"v":["1","2"],"p":["1","2"],"t":[1,2],"l":["1","2"],"h":["1","2"],"o":"3"}}}',
    "86459.90000",
  ],
  [
    "bitstamp",
    "/api/v2/ticker/btceur/",
    '{"timestamp":"1763740800","open":"86000","high":"87000","low":"85000","last":"86450","volume":"120.5",' +
    '"vwap":"86300","bid":"86449","ask":"86455","side":"1","open_24":"86100","percent_change_24":"0.41"}',
    "86449",
  ],
  ["mempool", "/api/v1/prices", '{"time":1763740805,"USD":99650,"EUR":86455,"GBP":75900}', "86455"],
  [
    "coingecko",
    "/api/v3/simple/price?ids=bitcoin&vs_currencies=eur",
    '{"bitcoin":{"eur":86453.10}}',
    "86453.10",
  ],
  [
    "yadio",
    "/exrates/BTC",
    '{"BTC":{"AED":366000.1,"EUR":86451.123456789012345},"base":"BTC","timestamp":1763740800000}',
    "86451.123456789012345",
  ],
];

Deno.test("each source is asked in its own way, and its price is read digit by digit", () => {
  assertEquals(ANSWERS.map(([name]) => name), priceSources.map(({ name }) => name));
  for (const [name, path, answer, eur] of ANSWERS) {
    const source = priceSource(name);
    assertEquals(questionsTo(source, ["EUR"]), [{ path, currencies: ["EUR"] }], name);
    assertEquals(source.price(parseExactJson(answer), "EUR"), eur, name);
    assertEquals(new URL(source.host).protocol, "https:");
  }
});

Deno.test("what a source doesn't have is no price", () => {
  const missing: Record<string, string> = {
    coinbase: '{"data":{"currency":"BTC","rates":{"AED":"1"}}}',
    kraken: '{"error":["EQuery:Unknown asset pair"]}',
    bitstamp: '{"status":"error"}',
    mempool: '{"time":1,"EUR":-1}',
    coingecko: '{"bitcoin":{}}',
    yadio: '{"BTC":{"USD":1}}',
  };
  for (const source of priceSources) {
    const answer = parseExactJson(missing[source.name]!);
    assertEquals(
      [source.price(answer, "EUR"), source.fault?.(answer) ?? null],
      [undefined, null],
      source.name,
    );
    for (const odd of ["[]", "{}", '{"data":null,"result":[],"BTC":"x","bitcoin":1}']) {
      assertEquals(readPrice(source.price(parseExactJson(odd), "EUR")), null, `${source.name} ${odd}`);
    }
    // Nothing is read from a prototype.
    assertEquals(source.price(parseExactJson("{}"), "constructor"), undefined);
  }
  assertEquals(
    priceSource("kraken").fault!(parseExactJson('{"error":["EGeneral:Too busy"]}')),
    "EGeneral:Too busy",
  );
  assertThrows(() => priceSource("mtgox"), Error, "mtgox");
});

Deno.test("pairs that an exchange doesn't trade aren't asked for", () => {
  assertEquals(questionsTo(priceSource("kraken"), ["CHF", "CZK"]).map(({ path }) => path), [
    "/0/public/Ticker?pair=XBTCHF",
  ]);
  assertEquals(questionsTo(priceSource("bitstamp"), ["CHF"]), []);
  assertEquals(questionsTo(priceSource("yadio"), ["CHF", "CZK"]).length, 1);
  assertEquals(questionsTo(priceSource("coingecko"), ["CHF", "CZK"])[0]!.path.split("=").at(-1), "chf,czk");
  assertEquals(questionsTo(priceSource("yadio"), []), []);
});

Deno.test("readPrice() takes plain positive digits, with four decimals at most, and nothing else", () => {
  const good: [string, bigint, number][] = [
    ["90000", 900_000_000n, 4],
    ["90000.1", 900_001_000n, 4],
    ["0.5", 5_000n, 4],
    ["86452.31519999999", 864_523_151n, 4],
    ["999999999999999", 9_999_999_999_999_990_000n, 4],
  ];
  for (const [text, units] of good) {
    const { units: read, scale } = readPrice(text)!;
    assertEquals(read * 10n ** BigInt(4 - scale), units, text);
  }
  const bad: unknown[] = [
    "NaN",
    "Infinity",
    "-90000",
    "+90000",
    "9e4",
    "9E+4",
    "0",
    "0.0000",
    "0.00001",
    "",
    " 90000",
    "90,000",
    "90.000,00",
    "0x15f90",
    "1".repeat(16),
    `1.${"1".repeat(41)}`,
    "090000",
    ".5",
    "5.",
    90_000,
    null,
    undefined,
    true,
    ["90000"],
    { price: "90000" },
  ];
  for (const value of bad) assertEquals(readPrice(value), null, String(value));
});

Deno.test("parseExactJson() keeps numbers as they were written, and has nothing for what is no JSON", () => {
  const read = parseExactJson('{"a":[1.10,-0,12345678901234567890.5,1e400],"b":"7","c":true,"d":null}');
  assertEquals(read, { a: ["1.10", "-0", "12345678901234567890.5", "1e400"], b: "7", c: true, d: null });
  for (const bad of ["", "{", "NaN", '{"a":NaN}', "[".repeat(200_000)]) {
    assertEquals(parseExactJson(bad), undefined, bad.slice(0, 10));
  }
  assertEquals(valueAt(read, "a", 0), "1.10");
  assertEquals(valueAt(read, "a", 9), undefined);
  assertEquals(valueAt(read, "toString"), undefined);
  assertEquals(valueAt(null, "a"), undefined);
});
