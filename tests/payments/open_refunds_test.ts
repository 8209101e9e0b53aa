import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type KyselyPlugin, type RootOperationNode, sql } from "kysely";
import type { Database } from "../../src/db/database.ts";
import type { Tables } from "../../src/db/tables.ts";
import { refundsWaiting } from "../../src/payments/refunds_store.ts";
import { onEachDatabase } from "../support/databases.ts";

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

/** Keeps what is asked, as it is asked. */
class Asked implements KyselyPlugin {
  readonly nodes: RootOperationNode[] = [];

  transformQuery({ node }: { node: RootOperationNode }): RootOperationNode {
    this.nodes.push(node);
    return node;
  }

  transformResult<T>({ result }: { result: T }): Promise<T> {
    return Promise.resolve(result);
  }
}

/** How the database goes about it, in its own words. */
async function planOf(db: Database, node: RootOperationNode): Promise<string> {
  if (db.dialect === "postgres") await sql`analyze refunds`.execute(db.kysely);
  const query = db.kysely.getExecutor().compileQuery(node, { queryId: "plan" });
  const how = db.dialect === "postgres" ? "explain" : "explain query plan";
  const { rows } = await db.kysely.executeQuery({ ...query, sql: `${how} ${query.sql}` });
  assert(rows.length > 0);
  return JSON.stringify(rows);
}

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
