import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Tables } from "../../src/db/tables.ts";
import { refundsWaiting } from "../../src/payments/refunds_store.ts";
import { onEachDatabase } from "../support/databases.ts";
import { Asked, planOf } from "../support/plans.ts";

const ENDED = 3_000;
const merchant = "a".repeat(64);
const other = "b".repeat(64);

onEachDatabase(
  "the refunds that wait for a wallet are found without reading those that are over",
  async (db) => {
    await db.transaction(async (tx) => {
      const ended = ["sent", "by_hand", "cancelled"] as const;
      for (let i = 0; i < ENDED; i += 100) {
        await tx.insertInto("refunds").values(
          Array.from({ length: 100 }, (_, n) => row(i + n, { state: ended[n % 3]!, note: "Over." })),
        ).execute();
      }
      const open = [
        { state: "approved" },
        { state: "sending" },
        { state: "unknown" },
        { state: "due" },
        { state: "due", destination: "lnbc1", note: "QUOTA_EXCEEDED" },
        { state: "approved", merchant: other },
      ] as const;
      await tx.insertInto("refunds").values(open.map((one, n) => row(ENDED + n, one))).execute();
    });
    const asked = new Asked();
    const waiting = await refundsWaiting(db.kysely.withPlugin(asked));
    assertEquals([...waiting].sort(), [
      [merchant, { approved: 3, refusal: "QUOTA_EXCEEDED" }],
      [other, { approved: 1, refusal: null }],
    ]);
    assertEquals(asked.nodes.length, 1);
    assertStringIncludes(await planOf(db, asked.nodes[0]!), "refunds_open");
  },
);

function row(
  n: number,
  o: {
    state: Tables["refunds"]["state"]["__select__"];
    merchant?: string;
    destination?: string;
    note?: string;
  },
) {
  return {
    id: `r${n}`,
    merchant,
    amount_msat: 1_000,
    reason: "Broken",
    created_at: n,
    updated_at: n,
    ...o,
  };
}
