import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ceilToSat } from "../../src/money/msat.ts";
import { fixedRates, parseFixedRates, type Rate, toMsat } from "../../src/money/rates.ts";
import { FakeClock } from "../support/fake_clock.ts";

const eur: Rate = { currency: "EUR", perBtc: "90000", sources: ["fixed"], at: 0 };

Deno.test("fixedRates() gives what was set, now, and nothing for other currencies", async () => {
  const clock = new FakeClock();
  const rates = fixedRates("fixed:EUR=90000, usd=100000.50", clock);
  assertEquals(await rates.rate("eur"), {
    currency: "EUR",
    perBtc: "90000",
    sources: ["fixed"],
    at: clock.now(),
  });
  assertEquals((await rates.rate("USD"))?.perBtc, "100000.50");
  assertEquals(await rates.rate("CHF"), null);
});

Deno.test("parseFixedRates() says which entry is wrong and what it expects", () => {
  for (const bad of ["", "EUR", "EUR=", "EUR=0", "EUR=-1", "EUR=1=2", "sat=1", "EURO=1", "EUR=1,USD=x"]) {
    const read = parseFixedRates(bad);
    assert(!read.ok, bad);
    assertStringIncludes(read.reason, "EUR=90000");
  }
  assertThrows(() => fixedRates("EUR=x", new FakeClock()), Error, "EUR=x");
});

Deno.test("toMsat() is exact in Bitcoin's units and by rate", () => {
  assertEquals(toMsat("21", "sats", null), { num: 21_000n, den: 1n });
  assertEquals(toMsat("0.5", "msat", null), { num: 1n, den: 2n });
  assertEquals(toMsat("0.00000001", "BTC", null), { num: 1000n, den: 1n });
  // 19.90 EUR at 90,000: 22,111.1… sat, which no float carries.
  assertEquals(toMsat("19.90", "EUR", eur), { num: 199_000_000n, den: 9n });
  assertEquals(ceilToSat(toMsat("19.90", "EUR", eur)), 22_112n);
});

Deno.test("toMsat() throws where the caller should have refused", () => {
  assertThrows(() => toMsat("1,5", "EUR", eur), Error, "no decimal");
  assertThrows(() => toMsat("1", "USD", eur), Error, "no rate for USD");
  assertThrows(() => toMsat("1", "EUR", null), Error, "no rate for EUR");
  assertThrows(() => toMsat("1", "EUR", { ...eur, perBtc: "0" }), Error, "no positive number");
});

Deno.test("toMsat() turned back by the rate is the amount", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 10n ** 12n }),
      fc.bigInt({ min: 1n, max: 10n ** 10n }),
      (cents, rateCents) => {
        const text = (units: bigint) => `${units / 100n}.${(units % 100n).toString().padStart(2, "0")}`;
        const { num, den } = toMsat(text(cents), "EUR", { ...eur, perBtc: text(rateCents) });
        assertEquals(num * rateCents, cents * 100_000_000_000n * den);
      },
    ),
  );
});
