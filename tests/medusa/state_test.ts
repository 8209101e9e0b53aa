import { assertEquals, assertStringIncludes } from "@std/assert";
import type { ClientStatus, MedusaFault } from "../../src/medusa/client_status.ts";
import { type MedusaReport, readReport } from "../../src/medusa/report.ts";
import { type MedusaFacts, medusaStates, medusaUp, summaryOf } from "../../src/medusa/state.ts";

const well: ClientStatus = { goodAt: 1_000, fault: null, odd: [], p50Ms: 20 };
const fault = (kind: MedusaFault["kind"], message = "it said so"): MedusaFault => ({
  kind,
  message,
  at: 2_000,
});
const odd = (kind: MedusaFault["kind"]) => ({ ...fault(kind), route: "GET /admin/orders" });

interface Known {
  client?: Partial<ClientStatus>;
  report?: MedusaReport;
  ordersWaiting?: number;
  unquoted?: string;
}

/** What is known, the states that follow (`!`: trouble), whether it can be sold through it, and a part of what is said. */
const CASES: [known: Known, states: string[], up: boolean | null, says?: string][] = [
  [{}, [], true],
  [{ client: { goodAt: null } }, [], null],
  [{ client: { fault: fault("unreachable") } }, ["!down"], false, "it said so"],
  [{ client: { fault: fault("no_answer") } }, ["!down"], false],
  [{ client: { fault: fault("busy") } }, ["!down"], false, "1970-01-01T00:00:02"],
  [{ client: { fault: fault("unauthorized") } }, ["!wrong_key"], false],
  [{ client: { odd: [odd("unauthorized")] } }, ["!wrong_key"], false],
  [{ client: { odd: [odd("bad_answer")] } }, ["!unknown_shape"], false, "upgraded"],
  [{ client: { p50Ms: 2_000 } }, [], true],
  [{ client: { p50Ms: 2_600 } }, ["!slow"], true, "2.6 s"],
  [{ report: { no_channel: "there are two: a, b" } }, ["!no_channel"], false, "a, b"],
  [{ report: { no_currency: "no region has it" } }, ["!no_currency"], false],
  [{ report: { problem: "nothing can be sent anywhere" } }, ["!not_set_up"], false, "sent anywhere"],
  [{ report: { oversells: "12 of 10 were sold" } }, ["!oversells"], true, "12 of 10"],
  [{ report: { no_channel: null, no_currency: "", oversells: null } }, [], true],
  [{ unquoted: "EUR" }, ["!no_rate"], true, "EUR"],
  [{ report: { without_price: 1 } }, ["without_price"], true, "1 product has no price"],
  [{ report: { without_price: 2 } }, ["without_price"], true, "2 products have no price"],
  [{ report: { without_stock_level: 3 } }, ["without_stock_level"], true, "3 products"],
  [{ report: { conflicts: 4 } }, ["conflicts"], true, "4 products"],
  [{ report: { without_price: 0, conflicts: 0, products: 5 } }, [], true],
  [{ ordersWaiting: 1 }, ["orders_waiting"], true, "1 order waits"],
  [
    {
      client: { fault: fault("unreachable"), p50Ms: 9_000 },
      report: { conflicts: 1 },
      ordersWaiting: 7,
      unquoted: "EUR",
    },
    ["!down", "!slow", "!no_rate", "conflicts", "orders_waiting"],
    false,
    "7 orders wait",
  ],
];

Deno.test("what is known of Medusa leads to named states, the worst first", () => {
  for (const [known, expected, up, says = ""] of CASES) {
    const facts: MedusaFacts = {
      client: { ...well, ...known.client },
      report: known.report ?? {},
      ordersWaiting: known.ordersWaiting ?? 0,
      unquoted: known.unquoted ?? null,
    };
    const states = medusaStates(facts);
    const what = JSON.stringify(known);
    assertEquals(states.map(({ name, ok }) => `${ok ? "" : "!"}${name}`), expected, what);
    assertEquals(medusaUp(facts.client, states), up, what);
    const { ok, detail } = summaryOf(states, "the shop");
    assertEquals(ok, !expected.some((name) => name.startsWith("!")), what);
    assertStringIncludes(detail, says);
    assertEquals(detail.startsWith("the shop"), true);
  }
});

Deno.test("a report that can't be read is none, and what isn't known in it is kept", () => {
  assertEquals(readReport(null), {});
  assertEquals(readReport("not JSON"), {});
  assertEquals(readReport('{"products":"many"}'), {});
  assertEquals(readReport('{"products":3,"more":[1]}'), { products: 3, more: [1] });
});
