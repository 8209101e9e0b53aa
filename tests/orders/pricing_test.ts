import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { quote, type QuoteInput, type QuoteRefusal } from "../../src/orders/pricing.ts";
import type {
  CatalogueSlice,
  OrderRequest,
  PricedProduct,
  PricedStall,
  Quote,
} from "../../src/orders/types.ts";

const AT = Date.UTC(2026, 0, 2, 3, 4, 5);
const PER_BTC: Record<string, string> = { EUR: "90000", USD: "100000.5", JPY: "15000000" };
const rateFor: QuoteInput["rateFor"] = (currency) =>
  PER_BTC[currency] === undefined
    ? null
    : { currency, perBtc: PER_BTC[currency], sources: ["a", "b"], at: AT };

const europe = { id: "eu", name: "Europe", cost: "5", regions: ["EU"] };
const world = { id: "ww", name: "World", cost: "12.50", regions: [] };

function stall(id: string, currency = "EUR", zones: PricedStall["zones"] = [europe]): PricedStall {
  return { id, name: `Stall ${id}`, currency, zones };
}

function product(id: string, more: Partial<PricedProduct> = {}): PricedProduct {
  return {
    id,
    stallId: "s",
    name: `Product ${id}`,
    type: "simple",
    price: "12",
    currency: "EUR",
    digital: false,
    active: true,
    deleted: false,
    shipping: [],
    available: 10,
    ...more,
  };
}

function request(items: [string, number][], more: Partial<OrderRequest> = {}): OrderRequest {
  return {
    customerOrderId: "o",
    items: items.map(([productId, quantity]) => ({ productId, quantity })),
    shippingId: null,
    stallId: null,
    name: null,
    address: "1 High St",
    message: null,
    contact: {},
    traits: { stallKey: "none" },
    ...more,
  };
}

interface Case {
  items?: [string, number][];
  ask?: Partial<OrderRequest>;
  products?: PricedProduct[];
  stalls?: PricedStall[];
  limits?: QuoteInput["limits"];
}

function price(
  { items = [["p", 1]], ask = {}, products = [product("p")], stalls = [stall("s")], limits }: Case,
) {
  const catalogue: CatalogueSlice = { products, stalls };
  return quote({ request: request(items, ask), catalogue, rateFor, ...(limits ? { limits } : {}) });
}

function quoted(input: Case): Quote {
  const result = price(input);
  assert(result.ok, result.ok ? "" : result.reason);
  return result.quote;
}

function refused(input: Case): [QuoteRefusal, string] {
  const result = price(input);
  assert(!result.ok, "expected a refusal");
  return [result.code, result.reason];
}

Deno.test("NIP-15: price × quantity + the zone's base cost + the product's extra for the zone × quantity", () => {
  const products = [
    product("p", { shipping: [{ id: "eu", cost: "1.5" }, { id: "ww", cost: "9" }] }),
    product("q", { price: "0.10" }),
  ];
  // 2 × 12 + 3 × 0.10 + 5 + 2 × 1.5 = 32.30 EUR at 90,000 EUR a bitcoin = 35,888.88… sat
  const { totalMsat, rate, rates, summary, shippingId, stallId } = quoted({
    items: [["p", 2], ["q", 3]],
    products,
  });
  assertEquals(totalMsat, 35_889_000n);
  assertEquals(rate, {
    currency: "EUR",
    per_btc: "90000",
    sources: ["a", "b"],
    at: "2026-01-02T03:04:05.000Z",
  });
  assertEquals(rates.length, 1);
  assertEquals([stallId, shippingId], ["s", "eu"]);
  assertEquals(
    summary,
    "2 × Product p 24 EUR + 3 × Product q 0.3 EUR + shipping (Europe) 8 EUR = 35,889 sat (1 BTC = 90000 EUR).",
  );
});

Deno.test("sat prices need no rate and stay exact", () => {
  const products = [product("p", { price: "1000", currency: "sat" })];
  const stalls = [stall("s", "SAT", [{ ...europe, cost: "250" }])];
  const { totalMsat, rate, summary } = quoted({ items: [["p", 3]], products, stalls });
  assertEquals([totalMsat, rate], [3_250_000n, null]);
  assertEquals(summary, "3 × Product p 3,000 sat + shipping (Europe) 250 sat = 3,250 sat.");
});

Deno.test("a product may be priced in another currency than its stall; both rates are frozen", () => {
  const { totalMsat, rate, rates } = quoted({ products: [product("p", { price: "100", currency: "usd" })] });
  // 100 / 100,000.5 BTC + 5 / 90,000 BTC = 99,999.500002… + 5,555.55… sat
  assertEquals(totalMsat, 105_556_000n);
  assertEquals([rate?.currency, rates.map((each) => each.currency)], ["EUR", ["EUR", "USD"]]);
});

Deno.test("duplicate lines count once with their sum", () => {
  const merged = quoted({ items: [["p", 1], ["p", 2]] });
  assertEquals(merged.lines.map((line) => [line.productId, line.quantity]), [["p", 3]]);
  assertEquals(merged, quoted({ items: [["p", 3]] }));
});

Deno.test("the zone: named, or the only one; otherwise the choice is listed", () => {
  const stalls = [stall("s", "EUR", [europe, world])];
  assertEquals(quoted({ stalls, ask: { shippingId: "ww" } }).shippingId, "ww");
  assertEquals(quoted({}).shippingId, "eu");
  assertEquals(refused({ stalls }), [
    "zone_missing",
    'Please choose where it goes. We ship to: "Europe" (eu), "World" (ww).',
  ]);
  assertEquals(refused({ ask: { shippingId: "mars" } }), [
    "zone_unknown",
    'We don\'t know the shipping zone mars. We ship to: "Europe" (eu).',
  ]);
  assertEquals(refused({ stalls: [stall("s", "EUR", [])] })[0], "no_zones");
});

Deno.test("digital goods cost no shipping and need neither zone nor address; mixed with others the others ship", () => {
  const digital = product("d", { digital: true, shipping: [{ id: "eu", cost: "7" }] });
  const stalls = [stall("s", "EUR", [europe, world])];
  const alone = quoted({ items: [["d", 2]], products: [digital], stalls, ask: { address: null } });
  assertEquals([alone.digital, alone.addressMissing, alone.shippingId], [true, false, null]);
  assertEquals(alone.totalMsat, 26_667_000n); // 24 EUR
  const named = quoted({ items: [["d", 2]], products: [digital], stalls, ask: { shippingId: "ww" } });
  assertEquals([named.shippingId, named.totalMsat], ["ww", alone.totalMsat]);
  assertEquals(quoted({ items: [["d", 2]], products: [digital], ask: { shippingId: "x" } }).shippingId, null);
  const both = quoted({ items: [["d", 1], ["p", 1]], products: [digital, product("p")] });
  assertEquals([both.digital, both.totalMsat], [false, 32_223_000n]); // 12 + 12 + 5 EUR
});

Deno.test("a physical order without an address is priced, and says that it lacks one", () => {
  assertEquals(quoted({}).addressMissing, false);
  for (const address of [null, "", "  \n"]) assertEquals(quoted({ ask: { address } }).addressMissing, true);
});

Deno.test("what can't be sold is refused by name", () => {
  const cases: [Case, QuoteRefusal, string][] = [
    [{ items: [] }, "no_items", "no items"],
    [{ items: Array.from({ length: 101 }, (_, i) => [`p${i}`, 1]) }, "too_many_lines", "more than 100 lines"],
    [{ items: [["p", 0]] }, "quantity", "of p must be"],
    [{ items: [["p", 1.5]] }, "quantity", "whole number"],
    [{ items: [["p", 9999], ["p", 2]] }, "quantity", "from 1 to 10000"],
    [{ items: [["x", 1], ["p", 1]] }, "unknown_product", "We have no product x."],
    [{ products: [product("p", { deleted: true })] }, "not_for_sale", '"Product p" (p)'],
    [{ products: [product("p", { active: false })] }, "not_for_sale", "Not for sale any more"],
    [{ stalls: [] }, "not_for_sale", "Not for sale any more"],
    [{ products: [product("p", { type: "variable" })] }, "choose_variation", "variations of"],
    [{ ask: { stallId: "other" } }, "wrong_stall", "stall other"],
    [{ products: [product("p", { currency: "GBP" })] }, "no_rate", "no exchange rate for GBP"],
    [{ products: [product("p", { price: "-1" })] }, "bad_price", "not set right"],
    [{ products: [product("p", { price: "twelve" })] }, "bad_price", "not set right"],
  ];
  for (const [input, code, part] of cases) {
    const [is, reason] = refused(input);
    assertEquals(is, code);
    assert(reason.includes(part), reason);
  }
  assertEquals(quoted({ products: [product("p", { type: "variation" })] }).lines[0]!.productId, "p");
});

Deno.test("totals below 1 sat and outside the limits are refused", () => {
  const free = [product("p", { price: "0", digital: true })];
  assertEquals(refused({ products: free })[0], "too_small");
  const dust = [product("p", { price: "1", currency: "msat", digital: true })];
  assertEquals(quoted({ products: dust }).totalMsat, 1000n);
  assertEquals(refused({ products: dust, limits: { minTotalMsat: 5000n } }), [
    "too_small",
    "The total is 1 sat; the least we can take is 5 sat.",
  ]);
  assertEquals(refused({ products: dust, limits: { maxTotalMsat: 999n } })[0], "too_large");
  assertEquals(
    refused({ products: [product("p", { price: "1.00000001", currency: "BTC", digital: true })] })[0],
    "too_large",
  );
});

Deno.test("several stalls go together only with one currency and a zone of the same id and cost", () => {
  const products = [product("p"), product("q", { stallId: "t" })];
  const items: [string, number][] = [["p", 1], ["q", 1]];
  const [code, reason] = refused({ items, products, stalls: [stall("s"), stall("t", "USD")] });
  assertEquals([code, reason], [
    "mixed_stalls",
    "Please order from one stall at a time: p (stall s), q (stall t).",
  ]);
  const dearer = stall("t", "EUR", [{ ...europe, cost: "6" }]);
  assertEquals(refused({ items, products, stalls: [stall("s"), dearer] })[0], "mixed_stalls");
  const together = quoted({
    items,
    products,
    stalls: [stall("s"), stall("t", "eur", [world, { ...europe, cost: "5.0" }])],
  });
  assertEquals([together.stallId, together.shippingId, together.totalMsat], ["s", "eu", 32_223_000n]);
  const named = quoted({ items, products, stalls: [stall("s"), stall("t")], ask: { stallId: "t" } });
  assertEquals(named.stallId, "t");
});

/** A price as cents of something, so that the test's own arithmetic needs no parser. */
const cents = fc.integer({ min: 0, max: 2_000_000 });
const text = (n: number) => `${Math.floor(n / 100)}.${String(n % 100).padStart(2, "0")}`;
const currency = fc.constantFrom("EUR", "USD", "JPY", "sat");
const anyShop = fc.record({
  stallCurrency: currency,
  zone: cents,
  lines: fc.array(
    fc.record({
      price: cents,
      currency,
      extra: fc.option(cents),
      digital: fc.boolean(),
      quantity: fc.integer({ min: 1, max: 50 }),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  seed: fc.array(fc.nat(), { minLength: 20, maxLength: 20 }),
});

Deno.test("the total is the exact sum rounded up to a sat, whatever the order and the splitting of lines", () => {
  fc.assert(
    fc.property(anyShop, ({ stallCurrency, zone, lines, seed }) => {
      const products = lines.map((line, i) =>
        product(`p${i}`, {
          price: text(line.price),
          currency: line.currency,
          digital: line.digital,
          shipping: line.extra === null ? [] : [{ id: "eu", cost: text(line.extra) }],
        })
      );
      const stalls = [stall("s", stallCurrency, [{ ...europe, cost: text(zone) }])];
      const items = lines.map((line, i): [string, number] => [`p${i}`, line.quantity]);
      const limits = { maxTotalMsat: 10n ** 18n };
      const result = price({ items, products, stalls, limits });

      const exact = exactMsat(stallCurrency, zone, lines);
      if (exact.num === 0n) return assertEquals(result.ok, false);
      assert(result.ok, result.ok ? "" : result.reason);
      const { totalMsat } = result.quote;
      assertEquals(totalMsat % 1000n, 0n);
      assert(totalMsat * exact.den >= exact.num, "rounded down");
      assert((totalMsat - 1000n) * exact.den < exact.num, "rounded by a sat or more");

      const shuffled = items.flatMap(([id, n]): [string, number][] =>
        n > 1 ? [[id, 1], [id, n - 1]] : [[id, n]]
      )
        .map((item, i) => ({ item, key: seed[i % seed.length]! })).sort((a, b) => a.key - b.key).map((
          { item },
        ) => item);
      assertEquals(price({ items: shuffled, products: products.toReversed(), stalls, limits }), result);
    }),
    { numRuns: 2000 },
  );
});

/** The same sum once more, by hand: everything over one denominator. */
function exactMsat(
  stallCurrency: string,
  zone: number,
  lines: { price: number; currency: string; extra: number | null; digital: boolean; quantity: number }[],
): { num: bigint; den: bigint } {
  // 1 BTC in tenths of the currency; cents / 100 / (tenths / 10) BTC = cents / tenths / 10 × 10^11 msat.
  const tenths: Record<string, bigint> = {
    EUR: 900_000n,
    USD: 1_000_005n,
    JPY: 150_000_000n,
    sat: 1_000_000_000n,
  };
  const den = Object.values(tenths).reduce((a, b) => a * b, 1n);
  const msat = (amount: number, code: string) => BigInt(amount) * 10_000_000_000n * (den / tenths[code]!);
  const physical = lines.some((line) => !line.digital);
  let num = physical ? msat(zone, stallCurrency) : 0n;
  for (const { price, currency, extra, digital, quantity } of lines) {
    num += msat(price, currency) * BigInt(quantity);
    if (extra !== null && !digital) num += msat(extra, stallCurrency) * BigInt(quantity);
  }
  return { num, den };
}
