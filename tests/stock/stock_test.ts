import { assert, assertEquals } from "@std/assert";
import { sql } from "kysely";
import type { Database } from "../../src/db/database.ts";
import {
  adjust,
  commit,
  hold,
  type Level,
  levels,
  type Line,
  openStock,
  rehold,
  release,
} from "../../src/stock/stock.ts";
import { onEachDatabase } from "../support/databases.ts";

const merchant = "aa".repeat(32);
const now = Date.UTC(2026, 0, 1);
const cup: Line = { productId: "cup", quantity: 1 };

/** Opens the stock of products with these quantities. */
function shelf(database: Database, quantities: Record<string, number | null>): Promise<void> {
  return database.transaction(async (tx) => {
    for (const [productId, onHand] of Object.entries(quantities)) {
      await openStock(tx, { merchant, productId, onHand, now });
    }
  });
}

function holdOf(database: Database, orderId: string, lines: Line[]) {
  return database.transaction((tx) => hold(tx, { merchant, orderId, lines, now }));
}

function sell(database: Database, orderId: string, lines: Line[]) {
  return database.transaction((tx) => commit(tx, { merchant, orderId, lines, now }));
}

function free(database: Database, orderId: string): Promise<void> {
  return database.transaction((tx) => release(tx, { orderId, now }));
}

function count(database: Database, productId: string, change: { add: number } | { set: number | null }) {
  return database.transaction((tx) => adjust(tx, { merchant, productId, change, now }));
}

async function level(database: Database, productId: string): Promise<Level | undefined> {
  return (await levels(database.kysely, merchant, [productId])).get(productId);
}

/** What the movements add up to must be what the row says. */
async function assertLedger(database: Database): Promise<void> {
  const { rows } = await sql<{ product_id: string }>`
    select s.product_id from stock s left join stock_movements m
      on m.merchant = s.merchant and m.product_id = s.product_id
    group by s.merchant, s.product_id, s.on_hand, s.held
    having coalesce(sum(m.delta_held), 0) <> s.held or coalesce(sum(m.delta_on_hand), 0) <> coalesce(s.on_hand, 0)`
    .execute(database.kysely);
  assertEquals(rows, []);
}

onEachDatabase("hold() reserves every line, or none and says what is short", async (database) => {
  await shelf(database, { cup: 3, pot: 1 });
  assertEquals(await holdOf(database, "o1", [{ productId: "cup", quantity: 2 }]), { ok: true });
  assertEquals(
    await holdOf(database, "o2", [{ productId: "pot", quantity: 1 }, { productId: "cup", quantity: 2 }]),
    {
      ok: false,
      short: [{ productId: "cup", available: 1 }],
    },
  );
  assertEquals(await level(database, "cup"), { onHand: 3, held: 2 });
  assertEquals(await level(database, "pot"), { onHand: 1, held: 0 });
  await assertLedger(database);
});

onEachDatabase("hold() adds up lines of one product before it checks", async (database) => {
  await shelf(database, { cup: 3 });
  const twice = [{ productId: "cup", quantity: 2 }, { productId: "cup", quantity: 2 }];
  assertEquals(await holdOf(database, "o1", twice), {
    ok: false,
    short: [{ productId: "cup", available: 3 }],
  });
});

onEachDatabase("hold() refuses what isn't there", async (database) => {
  assertEquals(await holdOf(database, "o1", [cup]), {
    ok: false,
    short: [{ productId: "cup", available: 0 }],
  });
});

onEachDatabase("unlimited stock is held and sold without end and without a number", async (database) => {
  await shelf(database, { song: null });
  const lines = [{ productId: "song", quantity: 10_000 }];
  assertEquals(await holdOf(database, "o1", lines), { ok: true });
  assertEquals(await level(database, "song"), { onHand: null, held: 10_000 });
  assertEquals(await sell(database, "o1", lines), { ok: true, changed: [], soldOut: [] });
  assertEquals(await sell(database, "o2", lines), { ok: true, changed: [], soldOut: [] });
  assertEquals(await level(database, "song"), { onHand: null, held: 0 });
  await assertLedger(database);
});

onEachDatabase("a hold ends exactly once", async (database) => {
  await shelf(database, { cup: 2 });
  await holdOf(database, "o1", [cup]);
  assertEquals(await sell(database, "o1", [cup]), { ok: true, changed: ["cup"], soldOut: [] });
  await free(database, "o1");
  await free(database, "o1");
  assertEquals(await sell(database, "o1", [cup]), { ok: true, changed: [], soldOut: [] });
  assertEquals(await level(database, "cup"), { onHand: 1, held: 0 });
  await assertLedger(database);
});

onEachDatabase("after a release the goods are another's", async (database) => {
  await shelf(database, { cup: 1 });
  await holdOf(database, "o1", [cup]);
  await free(database, "o1");
  assertEquals(await holdOf(database, "o2", [cup]), { ok: true });
  assertEquals(await sell(database, "o1", [cup]), { ok: false, short: [{ productId: "cup", available: 0 }] });
  assertEquals(await level(database, "cup"), { onHand: 1, held: 1 });
});

onEachDatabase("commit() takes a late payer's goods from what is available, once", async (database) => {
  await shelf(database, { cup: 2 });
  await holdOf(database, "o2", [cup]);
  assertEquals(await sell(database, "o1", [cup]), { ok: true, changed: ["cup"], soldOut: [] });
  assertEquals(await sell(database, "o1", [cup]), { ok: true, changed: [], soldOut: [] });
  assertEquals(await level(database, "cup"), { onHand: 1, held: 1 });
  assertEquals(await sell(database, "o3", [cup]), { ok: false, short: [{ productId: "cup", available: 0 }] });
  await assertLedger(database);
});

onEachDatabase("commit() is all or nothing, and leaves the holds of a refused sale", async (database) => {
  await shelf(database, { cup: 1, pot: 1 });
  await holdOf(database, "o1", [cup]);
  await holdOf(database, "o2", [{ productId: "pot", quantity: 1 }]);
  assertEquals(await sell(database, "o1", [cup, { productId: "pot", quantity: 1 }]), {
    ok: false,
    short: [{ productId: "pot", available: 0 }],
  });
  assertEquals(await level(database, "cup"), { onHand: 1, held: 1 });
  await assertLedger(database);
});

onEachDatabase("commit() releases what was held beyond the lines", async (database) => {
  await shelf(database, { cup: 5, pot: 1 });
  await holdOf(database, "o1", [{ productId: "cup", quantity: 3 }, { productId: "pot", quantity: 1 }]);
  assertEquals(await sell(database, "o1", [{ productId: "cup", quantity: 2 }]), {
    ok: true,
    changed: ["cup"],
    soldOut: [],
  });
  assertEquals(await level(database, "cup"), { onHand: 3, held: 0 });
  assertEquals(await level(database, "pot"), { onHand: 1, held: 0 });
  await assertLedger(database);
});

onEachDatabase("adjust() may count below what is held: the last to pay finds it short", async (database) => {
  await shelf(database, { cup: 2 });
  await holdOf(database, "o1", [cup]);
  await holdOf(database, "o2", [cup]);
  assertEquals(await count(database, "cup", { set: 1 }), { ok: true, onHand: 1 });
  assertEquals(await holdOf(database, "o3", [cup]), {
    ok: false,
    short: [{ productId: "cup", available: 0 }],
  });
  assertEquals(await sell(database, "o2", [cup]), { ok: true, changed: ["cup"], soldOut: ["cup"] });
  assertEquals(await sell(database, "o1", [cup]), { ok: false, short: [{ productId: "cup", available: 0 }] });
  await free(database, "o1");
  assertEquals(await level(database, "cup"), { onHand: 0, held: 0 });
  await assertLedger(database);
});

onEachDatabase("adjust() adds, sets and lifts the limit, and refuses the rest", async (database) => {
  await shelf(database, { cup: 2 });
  assertEquals(await count(database, "cup", { add: -2 }), { ok: true, onHand: 0 });
  const below = await count(database, "cup", { add: -1 });
  assert(!below.ok && below.reason.includes("only 0"), JSON.stringify(below));
  assert(!(await count(database, "cup", { set: 1.5 })).ok);
  assertEquals(await count(database, "cup", { set: null }), { ok: true, onHand: null });
  assert(!(await count(database, "cup", { add: 1 })).ok);
  assertEquals(await count(database, "cup", { set: 7 }), { ok: true, onHand: 7 });
  assert(!(await count(database, "tea", { set: 7 })).ok);
  await assertLedger(database);
});

onEachDatabase("20 orders at once for the last unit: exactly one gets it", async (database) => {
  await shelf(database, { cup: 1, pot: 30 });
  const lines = [{ productId: "pot", quantity: 1 }, cup];
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => holdOf(database, `o${i}`, i % 2 ? lines : [...lines].reverse())),
  );
  assertEquals(answers.filter((answer) => answer.ok).length, 1);
  assertEquals(await level(database, "cup"), { onHand: 1, held: 1 });
  assertEquals(await level(database, "pot"), { onHand: 30, held: 1 });
  await assertLedger(database);
});

onEachDatabase("20 late payments at once for the last unit: exactly one is sold", async (database) => {
  await shelf(database, { cup: 1 });
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => sell(database, `o${i}`, [cup])));
  assertEquals(answers.filter((answer) => answer.ok).length, 1);
  assertEquals(await level(database, "cup"), { onHand: 0, held: 0 });
  await assertLedger(database);
});

onEachDatabase(
  "rehold() swaps what an order holds, and its own holds can be had for it",
  async (database) => {
    await shelf(database, { cup: 3, bowl: 1 });
    await holdOf(database, "one", [{ productId: "cup", quantity: 3 }]);
    const swap = (lines: Line[]) =>
      database.transaction((tx) => rehold(tx, { merchant, orderId: "one", lines, now }));
    assertEquals(await swap([{ productId: "cup", quantity: 2 }, { productId: "bowl", quantity: 1 }]), {
      ok: true,
    });
    assertEquals([await level(database, "cup"), await level(database, "bowl")], [
      { onHand: 3, held: 2 },
      { onHand: 1, held: 1 },
    ]);
    assertEquals(await swap([]), { ok: true });
    assertEquals(await level(database, "cup"), { onHand: 3, held: 0 });
    await assertLedger(database);
  },
);

onEachDatabase(
  "rehold() leaves the old holds when the new lines aren't there, and says what could be had",
  async (database) => {
    await shelf(database, { cup: 3 });
    await holdOf(database, "one", [{ productId: "cup", quantity: 2 }]);
    await holdOf(database, "other", [cup]);
    const answer = await database.transaction((tx) =>
      rehold(tx, { merchant, orderId: "one", lines: [{ productId: "cup", quantity: 3 }], now })
    );
    assertEquals(answer, { ok: false, short: [{ productId: "cup", available: 2 }] });
    assertEquals(await level(database, "cup"), { onHand: 3, held: 3 });
    await sell(database, "one", [{ productId: "cup", quantity: 2 }]);
    await assertLedger(database);
  },
);
