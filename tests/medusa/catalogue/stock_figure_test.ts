import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { MedusaOrderState } from "../../../src/db/tables.ts";
import { onHand, type OwnUnits } from "../../../src/medusa/catalogue/stock_figure.ts";

const READ = 1_000_000;
const NOW = READ + 500;
const MINUTE = 60_000;

function units(change: Partial<OwnUnits> = {}): OwnUnits {
  return {
    quantity: 2,
    here: "held",
    there: "placed",
    calling: false,
    calledAt: READ - 1000,
    stockAt: READ - 900,
    ...change,
  };
}

Deno.test("what is on hand here follows from what Medusa could sell and what our orders have taken where", () => {
  const table: [what: string, available: number | null, orders: OwnUnits[], expected: number | null][] = [
    ["no orders", 5, [], 5],
    ["nothing is counted", null, [units()], null],
    ["an unpaid order holds two in Medusa, and two here", 3, [units()], 5],
    ["a paid one has them off both counts", 3, [units({ here: "committed" })], 3],
    ["an unpaid one that Medusa doesn't know yet is held here alone", 5, [units({ there: "wanted" })], 5],
    ["sold here, and not known there", 5, [units({ here: "committed", there: "wanted" })], 3],
    ["Medusa refused it", 1, [units({ there: "refused" })], 1],
    ["cancelled on both sides", 5, [units({ here: "released", there: "cancelled" })], 5],
    ["more sold here than there is there", 1, [units({ here: "committed", there: "wanted" })], 0],
    ["more than our ledger counts", 2_000_000_000, [], 1_000_000_000],
    ["several", 4, [units(), units({ here: "committed", there: "wanted", quantity: 1 })], 5],
    ["its answer is missing for so long", 3, [units({ calling: true, calledAt: NOW - 11 * MINUTE })], 5],
    ["being cancelled for so long", 3, [
      units({ here: "released", there: "cancelling", calledAt: NOW - 11 * MINUTE }),
    ], 3],
  ];
  for (const [what, available, orders, expected] of table) {
    assertEquals(onHand(available, orders, READ, NOW), { onHand: expected }, what);
  }
});

Deno.test("a figure that a call of ours may have changed meanwhile isn't used", () => {
  const table: [what: string, order: OwnUnits][] = [
    ["the stock changed after the reading began", units({ stockAt: READ })],
    ["and long after", units({ stockAt: READ + MINUTE, here: "committed" })],
    ["a call's answer is missing", units({ there: "wanted", calling: true, stockAt: null })],
    ["it is being cancelled", units({ here: "released", there: "cancelling" })],
  ];
  for (const [what, order] of table) {
    assertEquals(onHand(5, [units(), order], READ, NOW), null, what);
    assertEquals(onHand(null, [order], READ, NOW), null, what);
  }
});

/** One shop's goods: Medusa sells on the web, and we on Nostr, each order taking the steps that it has there. */
Deno.test("whatever orders did before the reading, what can be had here is what Medusa could sell less what it doesn't know", () => {
  const state = fc.constantFrom<[OwnUnits["here"], MedusaOrderState]>(
    ["held", "wanted"],
    ["held", "placed"],
    ["committed", "placed"],
    ["committed", "wanted"],
    ["released", "cancelled"],
  );
  const order = fc.record({ quantity: fc.integer({ min: 1, max: 5 }), state });
  fc.assert(
    fc.property(fc.array(order, { maxLength: 6 }), fc.integer({ min: 0, max: 50 }), (orders, spare) => {
      const sum = (of: typeof orders) => of.reduce((total, { quantity }) => total + quantity, 0);
      const of = (here: string, there: string) =>
        orders.filter(({ state: [a, b] }) => a === here && b === there);
      // What is in the shop: all that was ordered can be had, and `spare` more.
      const stocked = spare + sum(orders.filter(({ state: [here] }) => here !== "released"));
      const available = stocked - sum(orders.filter(({ state: [, there] }) => there === "placed"));
      const own = orders.map(({ quantity, state: [here, there] }) => units({ quantity, here, there }));
      const figure = onHand(available, own, READ, NOW);
      const held = sum([...of("held", "wanted"), ...of("held", "placed")]);
      assertEquals(figure!.onHand! - held, spare);
    }),
  );
});
