import { assertEquals } from "@std/assert";
import { countryName, countryOf } from "../../src/medusa/orders/country.ts";

const EU = ["de", "at", "fr", "nl"];

const cases: [string, string[], string | null][] = [
  ["", ["de"], "de"],
  ["Somewhere in France", ["de"], "de"],
  ["Alice\nStreet 1\n10115 Berlin\nGermany", EU, "de"],
  ["Alice, Street 1, 1010 Wien, Österreich", EU, "at"],
  ["Alice\n1 rue X\nPARIS\nFRANCE.", EU, "fr"],
  ["Alice\nKade 3\nAmsterdam, the Netherlands", EU, "nl"],
  ["Alice\nKade 3\nAmsterdam NL", EU, "nl"],
  ["Germany\nStreet of France 5\n75001 Paris\nFrance", EU, "fr"],
  ["Alice\nStreet 1\n10115 Berlin", EU, null],
  ["Alice\nRue de France 1\n10115 Berlin\nSpain", EU, null],
  ["", EU, null],
];
for (const [address, possible, country] of cases) {
  Deno.test(`countryOf() ${JSON.stringify(address)} of ${possible}: ${country}`, () => {
    assertEquals(countryOf(address, possible), country);
  });
}

Deno.test("countryName() is for people", () => {
  assertEquals(["de", "fr"].map(countryName), ["Germany", "France"]);
});
