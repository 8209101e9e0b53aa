import type { Kysely } from "kysely";
import type { Tables } from "../db/tables.ts";

/** How many orders of a merchant wait for their payment, and how many are paid and weren't sent. */
export async function countUnfinished(
  db: Kysely<Tables>,
  merchant: string,
): Promise<{ unpaid: number; unsent: number }> {
  const rows = await db.selectFrom("orders").select(["payment", "fulfilment"])
    .select((eb) => eb.fn.countAll<number>().as("n")).where("merchant", "=", merchant)
    .where((eb) =>
      eb.or([
        eb("payment", "in", ["quoting", "awaiting", "held"]),
        eb("fulfilment", "=", "unfulfilled"),
      ])
    ).groupBy(["payment", "fulfilment"]).execute();
  const sum = (of: typeof rows) => of.reduce((all, row) => all + Number(row.n), 0);
  return {
    unpaid: sum(rows.filter((row) => row.fulfilment !== "unfulfilled")),
    unsent: sum(rows.filter((row) => row.fulfilment === "unfulfilled")),
  };
}

/** Former keys that are still used, of shops that moved before `before` (ms), with nothing left that they have to answer for. */
export async function keysToRetire(
  db: Kysely<Tables>,
  before: number,
): Promise<{ from: string; to: string }[]> {
  const rows = await db.selectFrom("merchants").select(["pubkey", "moved_to"])
    .where("moved_to", "is not", null).where("moved_at", "<=", before).where("key_source", "!=", "none")
    .where(({ not, exists, selectFrom }) =>
      not(exists(
        selectFrom("refunds").select("id").whereRef("refunds.merchant", "=", "merchants.pubkey")
          .where("state", "in", ["due", "approved", "sending", "unknown"]),
      ))
    ).execute();
  const idle = [];
  for (const { pubkey, moved_to } of rows) {
    const { unpaid, unsent } = await countUnfinished(db, pubkey);
    if (unpaid + unsent === 0) idle.push({ from: pubkey, to: moved_to! });
  }
  return idle;
}

/** Moves that were made: merchants whose shop is elsewhere now. */
export async function movedMerchants(db: Kysely<Tables>): Promise<{ from: string; to: string }[]> {
  const rows = await db.selectFrom("merchants").select(["pubkey", "moved_to"])
    .where("moved_to", "is not", null).execute();
  return rows.map(({ pubkey, moved_to }) => ({ from: pubkey, to: moved_to! }));
}
