import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Database } from "../../src/db/database.ts";
import {
  adjust,
  commit,
  hold,
  levels,
  type Line,
  openStock,
  rehold,
  release,
} from "../../src/stock/stock.ts";
import { onEachDatabase } from "../support/databases.ts";

const now = 0;
const products = ["cup", "pot", "song"];
const orders = ["o1", "o2", "o3"];
const SHARE = 0.5;

type Step =
  | { do: "hold" | "rehold"; order: string; lines: Line[]; newcomer: boolean }
  | { do: "commit"; order: string; lines: Line[] }
  | { do: "release"; order: string }
  | { do: "adjust"; product: string; change: { add: number } | { set: number | null } };

const line = fc.record({ productId: fc.constantFrom(...products), quantity: fc.integer({ min: 1, max: 4 }) });
const order = fc.constantFrom(...orders);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("hold" as const, "hold" as const, "rehold" as const),
      order,
      lines: fc.array(line, { minLength: 1, maxLength: 3 }),
      newcomer: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("commit" as const),
      order,
      lines: fc.array(line, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("release" as const), order }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("adjust" as const),
      product: fc.constantFrom(...products),
      change: fc.oneof(
        fc.record({ add: fc.integer({ min: -3, max: 3 }) }),
        fc.record({ set: fc.option(fc.integer({ min: -1, max: 6 })) }),
      ),
    }),
  },
);

/** The ledger as a child would keep it: numbers and who holds what. */
class Model {
  readonly onHand = new Map<string, number | null>([["cup", 5], ["pot", 1], ["song", null]]);
  readonly holds = new Map<string, Map<string, number>>(orders.map((id) => [id, new Map()]));
  /** The part of the holds that is newcomers'. */
  readonly newcomers = new Map<string, Map<string, number>>(orders.map((id) => [id, new Map()]));
  readonly sold = new Set<string>();

  held(product: string): number {
    return [...this.holds.values()].reduce((sum, of) => sum + (of.get(product) ?? 0), 0);
  }

  /** Units of a product that `order` could take now, when it may use its own hold. */
  #fits(product: string, quantity: number, own: number): boolean {
    const onHand = this.onHand.get(product)!;
    if (onHand === null) return true;
    return quantity <= own
      ? onHand >= quantity
      : onHand >= quantity && onHand - (this.held(product) - own) >= quantity;
  }

  newcomersHeld(product: string): number {
    return [...this.newcomers.values()].reduce((sum, of) => sum + (of.get(product) ?? 0), 0);
  }

  apply(step: Step): boolean | "unheld" {
    if (step.do === "release") return this.#end(step.order);
    if (step.do === "adjust") return this.#adjust(step.product, step.change);
    const wanted = new Map<string, number>();
    for (const each of step.lines) {
      wanted.set(each.productId, (wanted.get(each.productId) ?? 0) + each.quantity);
    }
    const own = this.holds.get(step.order)!;
    if (step.do === "hold" || step.do === "rehold") {
      const again = step.do === "rehold";
      const fits = ([product, quantity]: [string, number]) => {
        const onHand = this.onHand.get(product)!;
        const others = this.held(product) - (again ? own.get(product) ?? 0 : 0);
        return onHand === null || onHand - others >= quantity;
      };
      if (![...wanted].every(fits)) return false;
      if (again) this.#end(step.order);
      if (step.newcomer && ![...wanted].every((one) => this.#shared(...one))) return "unheld";
      const sides = [
        this.holds.get(step.order)!,
        ...(step.newcomer ? [this.newcomers.get(step.order)!] : []),
      ];
      for (const side of sides) {
        for (const [product, quantity] of wanted) side.set(product, (side.get(product) ?? 0) + quantity);
      }
      return true;
    }
    if (this.sold.has(step.order)) return true;
    if (![...wanted].every(([product, quantity]) => this.#fits(product, quantity, own.get(product) ?? 0))) {
      return false;
    }
    for (const [product, quantity] of wanted) {
      const onHand = this.onHand.get(product)!;
      if (onHand !== null) this.onHand.set(product, onHand - quantity);
    }
    this.sold.add(step.order);
    return this.#end(step.order);
  }

  #end(order: string): true {
    this.holds.set(order, new Map());
    this.newcomers.set(order, new Map());
    return true;
  }

  #shared(product: string, quantity: number): boolean {
    const onHand = this.onHand.get(product)!;
    if (onHand === null || this.held(product) === 0) return true;
    return this.newcomersHeld(product) + quantity <= onHand * SHARE;
  }

  #adjust(product: string, change: { add: number } | { set: number | null }): boolean {
    const before = this.onHand.get(product)!;
    if ("add" in change && before === null) return false;
    const after = "add" in change ? before! + change.add : change.set;
    if (after !== null && after < 0) return false;
    this.onHand.set(product, after);
    return true;
  }
}

async function run(database: Database, merchant: string, step: Step): Promise<boolean | "unheld"> {
  return await database.transaction(async (tx) => {
    switch (step.do) {
      case "hold":
      case "rehold": {
        const { lines, newcomer } = step;
        const wanted = { merchant, orderId: `${merchant}${step.order}`, lines, now };
        const held = await (step.do === "hold" ? hold : rehold)(tx, {
          ...wanted,
          ...(newcomer && { share: SHARE }),
        });
        return held.ok && held.unheld ? "unheld" : held.ok;
      }
      case "commit":
        return (await commit(tx, { merchant, orderId: `${merchant}${step.order}`, lines: step.lines, now }))
          .ok;
      case "release":
        await release(tx, { orderId: `${merchant}${step.order}`, now });
        return true;
      case "adjust":
        return (await adjust(tx, { merchant, productId: step.product, change: step.change, now })).ok;
    }
  });
}

onEachDatabase(
  "any sequence of holds, releases, sales and counts keeps the ledger as the model says",
  async (database) => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const merchant = `m${runs++}`;
        const model = new Model();
        await database.transaction(async (tx) => {
          for (const [productId, onHand] of model.onHand) {
            await openStock(tx, { merchant, productId, onHand, now });
          }
        });
        for (const each of steps) {
          assertEquals(await run(database, merchant, each), model.apply(each), JSON.stringify(each));
          await assertSame(database, merchant, model);
        }
        await assertEnds(database, merchant);
      }),
      { numRuns: database.dialect === "sqlite" ? 150 : 8 },
    );
  },
);

async function assertSame(database: Database, merchant: string, model: Model): Promise<void> {
  const rows = await levels(database.kysely, merchant, products);
  const moves = await database.kysely.selectFrom("stock_movements").selectAll().where(
    "merchant",
    "=",
    merchant,
  ).execute();
  for (const product of products) {
    const row = rows.get(product)!;
    assertEquals(row, { onHand: model.onHand.get(product)!, held: model.held(product) });
    const stock = await database.kysely.selectFrom("stock").select("newcomers_held")
      .where("merchant", "=", merchant).where("product_id", "=", product).executeTakeFirstOrThrow();
    assertEquals(stock.newcomers_held, model.newcomersHeld(product));
    assert(row.held >= 0 && (row.onHand ?? 0) >= 0);
    const own = moves.filter((move) => move.product_id === product);
    assertEquals(own.reduce((sum, move) => sum + move.delta_held, 0), row.held);
    assertEquals(own.reduce((sum, move) => sum + move.delta_on_hand, 0), row.onHand ?? 0);
    const sold = own.filter((move) => move.reason === "commit" || move.reason === "sold_without_hold");
    const counted = own.filter((move) => move.reason === "adjust");
    assert(-total(sold) <= total(counted), "more was sold than there ever was");
  }
}

/** Every hold ends at most once, and exactly once when it isn't held any more. */
async function assertEnds(database: Database, merchant: string): Promise<void> {
  const holds = await database.kysely.selectFrom("holds").select(["id", "state"]).where(
    "merchant",
    "=",
    merchant,
  )
    .execute();
  const moves = await database.kysely.selectFrom("stock_movements").select(["hold_id", "reason"])
    .where("merchant", "=", merchant).execute();
  for (const { id, state } of holds) {
    const ends = moves.filter((move) => move.hold_id === id && move.reason !== "hold");
    assertEquals(ends.length, state === "held" ? 0 : 1, `hold ${id} ends once`);
  }
}

function total(moves: { delta_on_hand: number }[]): number {
  return moves.reduce((sum, move) => sum + move.delta_on_hand, 0);
}
