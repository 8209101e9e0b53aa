import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { compareDecimal, type Decimal, parseDecimal } from "../../../src/money/decimal.ts";
import { agree, type Offer } from "../../../src/money/live/agree.ts";
import { ceilToSat } from "../../../src/money/msat.ts";
import { toMsat, withSpread } from "../../../src/money/rates.ts";

const offers = (...prices: string[]): Offer[] =>
  prices.map((price, i) => ({ source: `s${i}`, price: parseDecimal(price)! }));

Deno.test("agree() takes the median of what lies within 2 % of it, from two sources on", () => {
  const cases: [prices: string[], perBtc: string, sources: string[]][] = [
    [["90000", "90010", "90020"], "90010", ["s0", "s1", "s2"]],
    [["90020", "90000", "90010"], "90010", ["s0", "s1", "s2"]],
    [["90000", "90001"], "90000.5", ["s0", "s1"]],
    [["90000.25", "90000.5"], "90000.375", ["s0", "s1"]],
    // One lies by 3 %.
    [["90000", "90010", "92700"], "90005", ["s0", "s1"]],
    [["87300", "90000", "90010"], "90005", ["s1", "s2"]],
    [["90000", "90000", "91800"], "90000", ["s0", "s1", "s2"]],
    [["90000", "90000", "91800.01"], "90000", ["s0", "s1"]],
    [["1", "90000", "90010", "999999"], "90005", ["s1", "s2"]],
  ];
  for (const [prices, perBtc, sources] of cases) {
    assertEquals(agree(offers(...prices)), { ok: true, perBtc, sources }, prices.join(" "));
  }
});

Deno.test("agree() says why there is no rate", () => {
  const cases: [prices: string[], reason: string][] = [
    [[], "no source has a price"],
    [["90000"], "only s0 has a price"],
    [["90000", "94000"], "the sources differ by too much: s0 90000, s1 94000"],
    [["80000", "90000", "100000"], "the sources differ by too much: s0 80000, s1 90000, s2 100000"],
  ];
  for (const [prices, reason] of cases) assertEquals(agree(offers(...prices)), { ok: false, reason });
});

const cents = fc.bigInt({ min: 1n, max: 10n ** 15n });
const decimal = fc.tuple(cents, fc.integer({ min: 0, max: 4 })).map(([units, scale]): Decimal => ({
  units,
  scale,
}));
const named = (prices: Decimal[]): Offer[] => prices.map((price, i) => ({ source: `s${i}`, price }));

Deno.test("what is agreed lies between the lowest and the highest price that it is made of", () => {
  const base = fc.bigInt({ min: 10_000n, max: 10n ** 12n });
  const near = base.chain((units) =>
    fc.array(fc.bigInt({ min: units, max: units + units / 20n }), { minLength: 2, maxLength: 6 })
  ).map((all) => all.map((units): Decimal => ({ units, scale: 2 })));
  const any = fc.array(decimal, { maxLength: 6 });
  let agreed = 0;
  fc.assert(
    fc.property(fc.oneof(near, any), (prices) => {
      const agreement = agree(named(prices));
      if (!agreement.ok) return;
      agreed++;
      const result = parseDecimal(agreement.perBtc)!;
      const used = named(prices).filter(({ source }) => agreement.sources.includes(source)).map(({ price }) =>
        price
      );
      assert(used.length >= 2);
      assert(used.some((price) => compareDecimal(price, result) <= 0));
      assert(used.some((price) => compareDecimal(price, result) >= 0));
    }),
    { numRuns: 2000 },
  );
  assert(agreed > 200, String(agreed));
});

Deno.test("one source that says anything at all never moves the rate by more than 2 %", () => {
  // Honest sources differ by half a percent at most; there are two of them at least.
  const honest = fc.bigInt({ min: 100_000n, max: 10n ** 12n }).chain((low) =>
    fc.array(fc.bigInt({ min: low, max: low + low / 200n }), { minLength: 2, maxLength: 5 })
  );
  fc.assert(
    fc.property(honest, cents, fc.nat(), (prices, lie, at) => {
      const all = [...prices];
      all.splice(at % (all.length + 1), 0, lie);
      const agreement = agree(named(all.map((units): Decimal => ({ units, scale: 2 }))));
      assert(agreement.ok);
      const result = parseDecimal(agreement.perBtc)!;
      const [low, high] = [min(prices), max(prices)];
      assert(
        compareDecimal({ units: result.units * 100n, scale: result.scale }, { units: low * 98n, scale: 2 }) >=
          0,
      );
      assert(
        compareDecimal({ units: result.units * 100n, scale: result.scale }, {
          units: high * 102n,
          scale: 2,
        }) <= 0,
      );
    }),
    { numRuns: 3000 },
  );
});

Deno.test("a price comes to never less than it is exactly, and to less than a sat more, whatever rate and spread", () => {
  const percent = fc.constantFrom("0", "0.5", "1", "2.75", "49.9999");
  fc.assert(
    fc.property(
      cents,
      fc.array(decimal, { minLength: 2, maxLength: 4 }),
      percent,
      (units, prices, spread) => {
        const [first] = prices;
        const agreement = agree(named([first!, first!]));
        assert(agreement.ok);
        const rate = withSpread({ currency: "EUR", ...agreement, at: 0 }, spread);
        const amount = `${units / 100n}.${(units % 100n).toString().padStart(2, "0")}`;
        const { num, den } = toMsat(amount, "EUR", rate);
        const msat = ceilToSat({ num, den }) * 1000n;
        assert(msat * den >= num);
        assert(msat * den < num + 1000n * den);
        // Exactly amount ÷ (price × (1 − spread)).
        const price = parseDecimal(agreement.perBtc)!;
        const cut = parseDecimal(spread)!;
        const hundred = 100n * 10n ** BigInt(cut.scale);
        assertEquals(
          num * price.units * (hundred - cut.units) * 100n,
          units * 100_000_000_000n * hundred * 10n ** BigInt(price.scale) * den,
        );
      },
    ),
    { numRuns: 2000 },
  );
});

Deno.test("withSpread() lowers what a bitcoin counts for, exactly", () => {
  const rate = { currency: "EUR", perBtc: "90000.50", sources: ["a", "b"], at: 1 };
  assertEquals(withSpread(rate, "0"), rate);
  assertEquals(withSpread(rate, "0.0"), rate);
  assertEquals(withSpread(rate, "1.5"), { ...rate, perBtc: "88650.4925" });
  assertEquals(withSpread({ ...rate, perBtc: "100" }, "0.01"), { ...rate, perBtc: "99.99" });
});

function min(all: bigint[]): bigint {
  return all.reduce((a, b) => a < b ? a : b);
}
function max(all: bigint[]): bigint {
  return all.reduce((a, b) => a > b ? a : b);
}
