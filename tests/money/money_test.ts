import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { exponentOf, isKnownCurrency, normaliseCurrency } from "../../src/money/currency.ts";
import {
  addDecimal,
  compareDecimal,
  decimalOf,
  formatDecimal,
  parseDecimal,
  timesDecimal,
} from "../../src/money/decimal.ts";
import { addExact, EXACT_ZERO, timesExact } from "../../src/money/exact.ts";
import { ceilToSat, formatSat, satToMsat } from "../../src/money/msat.ts";

Deno.test("ceilToSat() rounds up to whole satoshi and leaves whole ones alone", () => {
  const table: [bigint, bigint][] = [[0n, 0n], [1n, 1n], [999n, 1n], [1000n, 1n], [1001n, 2n], [
    21_840_000n,
    21_840n,
  ], [-1500n, -1n]];
  for (const [msat, sat] of table) assertEquals(ceilToSat(msat), sat);
  assertEquals(ceilToSat({ num: 2000n, den: 3n }), 1n);
  assertEquals(ceilToSat({ num: 3001n, den: 3n }), 2n);
  assertEquals(ceilToSat({ num: 3000n, den: 3n }), 1n);
});

Deno.test("ceilToSat() is never less, and never a whole satoshi more", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 10n ** 24n }),
      fc.bigInt({ min: 1n, max: 10n ** 12n }),
      (num, den) => {
        const msat = satToMsat(ceilToSat({ num, den }));
        assert(msat * den >= num && (msat - 1000n) * den < num);
      },
    ),
  );
});

Deno.test("formatSat() groups thousands and shows parts of a satoshi", () => {
  const table: [bigint, string][] = [
    [0n, "0 sat"],
    [1n, "0.001 sat"],
    [500n, "0.5 sat"],
    [999_000n, "999 sat"],
    [21_840_000n, "21,840 sat"],
    [1_234_567_890n, "1,234,567.89 sat"],
    [-1_500n, "-1.5 sat"],
  ];
  for (const [msat, text] of table) assertEquals(formatSat(msat), text);
});

Deno.test("parseDecimal() reads what people and JSON write, and refuses what is ambiguous", () => {
  const table: [string, string | null][] = [
    ["12.50", "12.5"],
    ["007", "7"],
    [".5", "0.5"],
    ["5.", "5"],
    ["-0.07", "-0.07"],
    ["+3", "3"],
    ["1e-7", "0.0000001"],
    ["2E3", "2000"],
    ["1.5e1", "15"],
    [" 1 ", "1"],
    ["", null],
    [".", null],
    ["-", null],
    ["1,50", null],
    ["1.000,00", null],
    ["1_000", null],
    ["0x10", null],
    ["NaN", null],
    ["Infinity", null],
    ["1e400", null],
    ["1".repeat(41), null],
    ["１", null],
  ];
  for (const [text, expected] of table) {
    const read = parseDecimal(text);
    assertEquals(read && formatDecimal(read), expected, text);
  }
  assertEquals(decimalOf(0.1), { units: 1n, scale: 1 });
  assertEquals(decimalOf(1e-7), { units: 1n, scale: 7 });
  assertEquals(decimalOf(NaN), null);
  assertEquals(decimalOf(null), null);
});

Deno.test("decimals add, multiply and compare exactly", () => {
  const decimal = fc.record({
    units: fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }),
    scale: fc.integer({ min: 0, max: 12 }),
  });
  fc.assert(fc.property(decimal, decimal, fc.bigInt({ min: 0n, max: 10_000n }), (a, b, factor) => {
    const same = (x: typeof a, y: typeof a) => compareDecimal(x, y) === 0;
    assert(same(parseDecimal(formatDecimal(a))!, a));
    assert(same(addDecimal(a, b), addDecimal(b, a)));
    assert(
      same(
        timesDecimal(addDecimal(a, b), factor),
        addDecimal(timesDecimal(a, factor), timesDecimal(b, factor)),
      ),
    );
    assertEquals(compareDecimal(a, b), -compareDecimal(b, a) + 0);
  }));
});

Deno.test("fractions add up to the same whatever the order, and stay small", () => {
  const third = { num: 1n, den: 3n };
  assertEquals(addExact(addExact(third, third), third), { num: 1n, den: 1n });
  assertEquals(timesExact({ num: 1n, den: 10n }, 10n), { num: 1n, den: 1n });
  const tenth = Array.from({ length: 1000 }, () => ({ num: 1n, den: 10n }));
  assertEquals(tenth.reduce(addExact, EXACT_ZERO), { num: 100n, den: 1n });
});

Deno.test("normaliseCurrency() knows Bitcoin's units by all their names", () => {
  const table: [string, string][] = [
    ["SAT", "sat"],
    ["sats", "sat"],
    ["Satoshis", "sat"],
    ["btc", "BTC"],
    ["XBT", "BTC"],
    ["mSats", "msat"],
    [" eur ", "EUR"],
    ["constructor", "CONSTRUCTOR"],
  ];
  for (const [text, expected] of table) assertEquals(normaliseCurrency(text), expected);
});

Deno.test("exponentOf() follows ISO 4217", () => {
  const table: [string, number][] = [["EUR", 2], ["usd", 2], ["JPY", 0], ["KWD", 3], ["CLF", 4], ["BTC", 8], [
    "sats",
    0,
  ], ["msat", 0]];
  for (const [currency, digits] of table) assertEquals(exponentOf(currency), digits, currency);
  assertThrows(() => exponentOf("EURO"), Error, "no currency code");
});

Deno.test("isKnownCurrency() refuses invented codes", () => {
  for (const known of ["EUR", "usd", "SATS", "btc", "KWD"]) assert(isKnownCurrency(known), known);
  for (const unknown of ["", "EURO", "ZZZ", "toString", "€"]) assert(!isKnownCurrency(unknown), unknown);
});
