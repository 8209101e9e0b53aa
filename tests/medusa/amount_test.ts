import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { z } from "zod";
import { amount, amountToSend, withAmounts } from "../../src/medusa/amount.ts";
import { compareDecimal, type Decimal, formatDecimal, parseDecimal } from "../../src/money/decimal.ts";

const text = (value: unknown) => {
  const read = amount.safeParse(value);
  return read.success ? formatDecimal(read.data) : null;
};

Deno.test("an amount is read as it was written, and nothing else is one", () => {
  for (
    const [value, expected] of [
      [10.5, "10.5"],
      ["10.50", "10.5"],
      [0, "0"],
      [-3.07, "-3.07"],
      [0.1, "0.1"],
      [1e21, "1000000000000000000000"],
      [1e-7, "0.0000001"],
      ["12345678901234567890.123456789", "12345678901234567890.123456789"],
      ["10,50", null],
      ["", null],
      ["ten", null],
      [Infinity, null],
      [null, null],
      [undefined, null],
      [{ value: "1" }, null],
    ] as const
  ) assertEquals(text(value), expected, String(value));
});

Deno.test("of an amount that is there twice the exact one counts", () => {
  const item = withAmounts({
    id: z.string(),
    unit_price: amount,
    total: amount.nullish(),
    quantity: z.number(),
  }, [
    "unit_price",
    "total",
  ]);
  const long = "12345678901234567.89";
  const read = item.parse({
    id: "i",
    unit_price: Number(long),
    raw_unit_price: { value: long, precision: 20 },
    total: 4.5,
    quantity: 2,
    raw_quantity: { value: "2", precision: 20 },
  });
  assertEquals([read.id, formatDecimal(read.unit_price), formatDecimal(read.total!), read.quantity], [
    "i",
    long,
    "4.5",
    2,
  ]);
  // Without one, or with one that isn't understood, it is what is left.
  assertEquals(
    formatDecimal(item.parse({ id: "i", unit_price: 1.5, raw_unit_price: null, quantity: 1 }).unit_price),
    "1.5",
  );
  assertEquals(item.safeParse({ id: "i", quantity: 1 }).success, false);
  assertEquals(item.safeParse("no object").success, false);
  const odd = item.safeParse({ id: "i", unit_price: 1, raw_unit_price: { value: "?" }, quantity: 1 });
  assertEquals(odd.error?.issues.map(({ path }) => path), [["unit_price"]]);
});

Deno.test("what is sent is the same amount, and a number wherever that is exact", () => {
  const decimals = fc.record({
    units: fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }),
    scale: fc.nat(12),
  });
  fc.assert(fc.property(decimals, (exact: Decimal) => {
    const sent = amountToSend(exact);
    const back = amount.parse(JSON.parse(JSON.stringify(sent)));
    assertEquals(compareDecimal(back, exact), 0);
  }));
  fc.assert(fc.property(fc.integer({ min: 0, max: 10_000_000 }), fc.nat(4), (units, scale) => {
    assert(typeof amountToSend({ units: BigInt(units), scale }) === "number");
  }));
  assertEquals(amountToSend(parseDecimal("10.50")!), 10.5);
  assertEquals(amountToSend(parseDecimal("12345678901234567.89")!), "12345678901234567.89");
});
