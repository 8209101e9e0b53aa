import { assertEquals } from "@std/assert";
import { parseDecimal } from "../../../src/money/decimal.ts";
import { taxGroups } from "../../../src/medusa/catalogue/tax_groups.ts";
import {
  type RouteCost,
  routesOf,
  stallInputOf,
  zoneInputOf,
  zonesOf,
} from "../../../src/medusa/catalogue/zones.ts";
import { stallInput } from "../../../src/catalog/stall_input.ts";
import { anOption, aPreference, aRegion, aTax } from "./samples.ts";

function groupsOf(...o: Parameters<typeof taxGroups>) {
  return taxGroups(...o).map(({ countries, trouble }) => [countries.join(), trouble]);
}

const benelux = aRegion({ countries: ["nl", "BE", "lu", "de"].map((iso_2) => ({ iso_2 })) });
const rates = [aTax("nl", 21), aTax("be", 21), aTax("lu", 17)];

Deno.test("countries where all is taxed alike are together, and those that nobody taxes, too", () => {
  assertEquals(groupsOf(benelux, rates, []), [["be,nl", null], ["de", null], ["lu", null]]);
  const reduced = (country: string, product: string) => {
    const books = { rate: 6, is_default: false, rules: [{ reference: "product", reference_id: product }] };
    return aTax(country, 21, { tax_rates: [{ rate: 21, is_default: true }, books] });
  };
  const apart = [["be", null], ["de", null], ["lu", null], ["nl", null]];
  assertEquals(groupsOf(benelux, [rates[0]!, reduced("be", "prod_1"), rates[2]!], []), apart);
  assertEquals(groupsOf(benelux, [reduced("nl", "prod_2"), reduced("be", "prod_1"), rates[2]!], []), apart);
});

Deno.test("where Medusa adds no tax, or prices hold theirs, the whole region is one group", () => {
  const all = [["be,de,lu,nl", null]];
  assertEquals(groupsOf({ ...benelux, automatic_taxes: false }, rates, []), all);
  assertEquals(groupsOf(benelux, rates, [aPreference("currency_code", "eur", true)]), all);
  const region = (inclusive: boolean) => aPreference("region_id", "reg_1", inclusive);
  // A region's preference is for prices of its own: others follow the currency's.
  assertEquals(groupsOf(benelux, rates, [region(true)]).length, 3);
  assertEquals(
    groupsOf(benelux, rates, [aPreference("currency_code", "eur", true), region(false)]).length,
    3,
  );
  assertEquals(groupsOf(benelux, rates, [aPreference("currency_code", "eur", true), region(true)]), all);
});

Deno.test("what another provider taxes is asked for each country, and taxes by province are no country's", () => {
  const other = ["nl", "be"].map((country) => aTax(country, 21, { provider_id: "tp_avalara" }));
  assertEquals(groupsOf(benelux, other, []), [["be", null], ["de,lu", null], ["nl", null]]);
  const us = aRegion({ countries: [{ iso_2: "us" }, { iso_2: "de" }] });
  const california = aTax("us", 7, { province_code: "us-ca", parent_id: "txreg_us" });
  assertEquals(groupsOf(us, [aTax("us", 0), california], []), [
    ["de", null],
    ["us", "taxes there depend on the province"],
  ]);
});

function cost(net: string, gross: string): RouteCost {
  return { net: parseDecimal(net)!, gross: parseDecimal(gross)! };
}

Deno.test("each option is a zone for each group of countries that it goes to", () => {
  const region = aRegion();
  const groups = taxGroups(region, [aTax("de", 19), aTax("fr", 20)], []);
  const troubled = groups.map((group) => ({ ...group, trouble: "nobody knows" }));
  const options = [
    anOption("so_1", ["de", "fr", "us"]),
    anOption("so_2", ["DE"], { name: "Express" }),
    anOption("so_3", ["us"]),
  ];
  const routes = routesOf({ groups, options });
  assertEquals(routes.map(({ option, countries }) => [option.id, countries.join()]), [
    ["so_1", "de"],
    ["so_1", "fr"],
    ["so_2", "de"],
  ]);
  const costs = [cost("5", "5.95"), cost("4.2016806", "5.00000"), { trouble: "it has no price in eur" }];
  const zones = zonesOf({ regions: [region], currency: "eur" }, routes, costs);
  assertEquals(zones.map(({ id, name, amount, cost, trouble }) => [id, name, amount, cost, trouble]), [
    ["so_1-de", "Standard: Germany", "5", "5.95", null],
    ["so_1-fr", "Standard: France", "4.2016806", "5", null],
    // The option's only zone needs no country in its id.
    ["so_2", "Express: Germany", "0", "0", "it has no price in eur"],
  ]);
  const unknown = zonesOf(
    { regions: [region], currency: "eur" },
    routesOf({ groups: troubled, options }),
    costs,
  );
  assertEquals(new Set(unknown.map(({ trouble }) => trouble)), new Set(["nobody knows"]));
  assertEquals(zoneInputOf(zones[0]!), {
    id: "so_1-de",
    name: "Standard: Germany",
    cost: "5.95",
    regions: ["Germany"],
  });
});

Deno.test("many countries are told by their region, or by how many they are", () => {
  const countries = ["at", "be", "de", "fr"].map((iso_2) => ({ iso_2, display_name: iso_2.toUpperCase() }));
  const region = aRegion({ countries, automatic_taxes: false });
  const groups = taxGroups(region, [], []);
  const routes = routesOf({
    groups,
    options: [anOption("so_1", ["at", "be", "de", "fr"]), anOption("so_2", ["de", "at"])],
  });
  const zones = zonesOf({ regions: [region], currency: "eur" }, routes, [cost("1", "1"), cost("2", "2")]);
  assertEquals(zones.map(({ name }) => name), ["Standard: Europe", "Standard: AT, DE"]);
  const most = aRegion({ countries: [...countries, { iso_2: "us" }], automatic_taxes: false });
  const some = zonesOf(
    { regions: [most], currency: "eur" },
    routesOf({
      groups: taxGroups(most, [], []),
      options: [anOption("so_1", ["at", "be", "de", "fr"])],
    }),
    [cost("1", "1")],
  );
  assertEquals(some.map(({ name }) => name), ["Standard: AT, BE and 2 more"]);
});

Deno.test("a stall takes what Medusa's names make of it", () => {
  const surroundings = {
    store: "Shop\nof “tea” " + "x".repeat(300),
    channel: { id: "sc_1", name: "Nostr" },
    storeKey: "pk",
    only: true,
    currency: "eur",
    regions: [],
    groups: [],
    options: [],
  };
  const input = stallInputOf(surroundings, [{
    id: "so_1",
    name: "Germany",
    cost: "5",
    regions: ["Germany"],
  }]);
  assertEquals(stallInput.parse(input).id, "sc_1-eur");
  assertEquals(input.name.length <= 200 && input.name.startsWith("Shop of “tea”"), true);
  assertEquals(stallInputOf({ ...surroundings, store: " " }, []).name, "Nostr");
});
