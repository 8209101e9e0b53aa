import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatDecimal } from "../../src/money/decimal.ts";
import { atItsRate, priced, straightened } from "../../src/till/price.ts";

const terms = (perBtc: string | null) => ({
  rate: () => perBtc === null ? null : { currency: "EUR", perBtc, sources: ["test"], at: 0 },
});

Deno.test("one price has one form; what is none has none", () => {
  const forms: [amount: string, currency: string, form: string | null][] = [
    ["10.50", "eur", "10.5 EUR"],
    ["0010.5", " EUR ", "10.5 EUR"],
    ["21", "sats", "21 sat"],
    ["21000", "msat", "21000 msat"],
    ["0.00000021", "btc", "0.00000021 BTC"],
    ["0", "EUR", null],
    ["0.00", "sat", null],
    ["-1", "EUR", null],
    ["1,5", "EUR", null],
    ["", "EUR", null],
    ["1", "XXQ", null],
    ["1", "", null],
  ];
  for (const [amount, currency, form] of forms) {
    const asked = straightened({ amount, currency });
    assertEquals(asked && `${asked.amount} ${asked.currency}`, form, `${amount} ${currency}`);
  }
});

Deno.test("a price is rounded up once, to whole sats, and Bitcoin's units need no rate", () => {
  const msat = (amount: string, currency: string, perBtc: string | null = null) => {
    const price = priced({ amount, currency }, terms(perBtc));
    return price.ok ? price.totalMsat : price.code;
  };
  assertEquals(msat("21000", "msat"), 21_000n);
  assertEquals(msat("21001", "msat"), 22_000n);
  assertEquals(msat("1", "msat"), 1_000n);
  assertEquals(msat("0.00000021", "BTC"), 21_000n);
  assertEquals(msat("15.5", "EUR", "50000"), 31_000_000n);
  assertEquals(msat("0.01", "EUR", "97531.7"), 11_000n);
  assertEquals(msat("1", "EUR"), "no_rate");
  assertEquals(msat("1.00000001", "BTC"), "too_large");
});

Deno.test("parts of a price at its rate come to the price or a little more, never to less", () => {
  const cents = fc.bigInt({ min: 1n, max: 10_000_000n });
  const rate = fc.bigInt({ min: 1_000_000n, max: 30_000_000n });
  fc.assert(fc.property(fc.array(cents, { minLength: 1, maxLength: 12 }), rate, (parts, units) => {
    const perBtc = formatDecimal({ units, scale: 2 });
    const frozen = { currency: "EUR", per_btc: perBtc, sources: [], at: "" };
    const at = (cents: bigint) =>
      atItsRate({ amount: formatDecimal({ units: cents, scale: 2 }), currency: "EUR" }, frozen);
    const whole = at(parts.reduce((sum, part) => sum + part, 0n));
    const sum = parts.reduce((all, part) => all + at(part), 0n);
    assert(sum >= whole && sum - whole < BigInt(parts.length) * 1_000n, `${sum} ${whole}`);
  }));
});
