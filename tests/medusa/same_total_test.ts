import { assertEquals } from "@std/assert";
import { ceilToSat } from "../../src/money/msat.ts";
import { toMsat } from "../../src/money/rates.ts";
import { sameTotal } from "../../src/medusa/orders/same_total.ts";

const rate = { currency: "EUR", perBtc: "50000", sources: ["fixed"], at: 0 };
const quoted = (amount: string) => ceilToSat(toMsat(amount, "EUR", rate)) * 1000n;

// Quoted, asked for by Medusa, units: whether both are the same price.
const cases: [string, string, number, boolean][] = [
  ["15.40", "15.4", 1, true],
  // 10.50 net at 19 %, which our catalogue has as 12.50, three times.
  ["37.50", "37.485", 3, true],
  ["12.50", "12.495", 1, true],
  ["28.80", "28.798", 2, true],
  ["15.40", "15.42", 1, false],
  ["15.40", "14.9", 1, false],
  ["30.00", "37.2", 2, false],
  ["15.40", "nothing", 1, false],
];
for (const [here, there, units, same] of cases) {
  Deno.test(`sameTotal() ${here} quoted, ${there} in Medusa for ${units}: ${same}`, () => {
    assertEquals(sameTotal(quoted(here), { total: there, currency: "EUR" }, { rate, units }), same);
  });
}
