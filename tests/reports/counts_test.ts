import { assertEquals, assertMatch } from "@std/assert";
import type { Database } from "../../src/db/database.ts";
import { readCounts } from "../../src/reports/counts_store.ts";
import { onEachDatabase } from "../support/databases.ts";
import { Asked, planOf } from "../support/plans.ts";

const DELIVERED = 2_000;

/** What relays took, refused and still are to get: `DELIVERED`, 3 and 2 events. */
async function fillOutbox(db: Database): Promise<void> {
  const rows = Array.from({ length: DELIVERED + 5 }, (_, i) => ({
    event_id: `event ${i}`,
    relay: "wss://relay.example",
    merchant: "m",
    state: i < 3 ? "failed" as const : i < 5 ? "pending" as const : "delivered" as const,
    attempts: 0,
    next_at: 0,
    updated_at: i,
  }));
  await db.transaction(async (tx) => {
    for (let at = 0; at < rows.length; at += 500) {
      await tx.insertInto("outbox").values(rows.slice(at, at + 500)).execute();
    }
  });
}

onEachDatabase("what waits for relays and what none will get is counted", async (db) => {
  await fillOutbox(db);
  const { outboxPending, outboxFailed } = await readCounts(db.kysely);
  assertEquals([outboxPending, outboxFailed], [2, 3]);
});

onEachDatabase("they are counted without a look at what was delivered", async (db) => {
  await fillOutbox(db);
  const asked = new Asked();
  await readCounts(db.kysely.withPlugin(asked));
  const plans: string[] = [];
  for (const node of asked.nodes) plans.push(await planOf(db, node));
  const ofOutbox = plans.filter((plan) => plan.includes("outbox"));
  assertEquals(ofOutbox.length, 2);
  for (const plan of ofOutbox) assertMatch(plan, /outbox_(pending|failed|by_lane)/);
});
