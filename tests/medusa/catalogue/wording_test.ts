import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { line, longText } from "../../../src/catalog/fields.ts";
import { toCurrency } from "../../../src/medusa/catalogue/rounding.ts";
import { clean, cut, singleLine } from "../../../src/medusa/catalogue/wording.ts";
import { decimalOf } from "../../../src/money/decimal.ts";

Deno.test("whatever a text is, the catalogue takes what is made of it", () => {
  const text = fc.string({
    unit: fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code)),
    maxLength: 60,
  });
  fc.assert(
    fc.property(text, fc.integer({ min: 2, max: 40 }), (text, most) => {
      assert(longText(most).safeParse(cut(clean(text), most)).success);
      const name = cut(singleLine(text), most);
      assert(name === "" || line(most).safeParse(name).success, JSON.stringify(name));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a text that fits stays as it is, and a longer one ends at a word", () => {
  assertEquals(cut("a cup of tea", 12), "a cup of tea");
  assertEquals(cut("a cup of tea", 11), "a cup of…");
  assertEquals(cut("incomprehensibilities", 10), "incompreh…");
  assertEquals(cut("🫖🫖🫖", 4), "🫖…");
  assertEquals(clean("one\r\ntwo\u0000\u0007\tthree "), "one\ntwo  \tthree");
  assertEquals(singleLine(" one\n two\t "), "one two");
});

Deno.test("an amount that Medusa computed is rounded to its currency, commercially", () => {
  const table: [amount: number | string, currency: string, expected: string][] = [
    [12.495, "eur", "12.5"],
    ["12.494999999999999", "eur", "12.5"],
    [12.4949, "eur", "12.49"],
    [10, "eur", "10"],
    ["0.005", "USD", "0.01"],
    [-1.005, "EUR", "-1.01"],
    [1234.5, "jpy", "1235"],
    [1.2345, "kwd", "1.235"],
    [1e-7, "eur", "0"],
  ];
  for (const [amount, currency, expected] of table) {
    assertEquals(toCurrency(decimalOf(amount)!, currency), expected, `${amount} ${currency}`);
  }
});
