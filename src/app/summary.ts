import type { Database } from "../db/database.ts";
import { readCounts } from "../reports/counts_store.ts";
import type { ServedMerchant } from "./served_merchant.ts";

/** What a person is told at the start. */
export interface Summary {
  dataCreated: boolean;
  database: string;
  schema: number;
  orders: number;
  openOrders: number;
  merchants: { pubkey: string; keyCreated: boolean; wallet: string | null; walletError: string | null }[];
  relays: string[];
}

export async function summarise(o: {
  database: Database;
  schema: number;
  dataCreated: boolean;
  keyCreated: boolean;
  merchants: ServedMerchant[];
}): Promise<Summary> {
  const { orders } = await readCounts(o.database.kysely);
  return {
    dataCreated: o.dataCreated,
    database: o.database.dialect === "sqlite" ? "SQLite, WAL, full sync" : "PostgreSQL",
    schema: o.schema,
    orders: Object.values(orders).reduce((sum, count) => sum + count, 0),
    openOrders: (orders.quoting ?? 0) + (orders.awaiting ?? 0) + (orders.held ?? 0),
    merchants: o.merchants.map((merchant) => ({
      pubkey: merchant.pubkey,
      keyCreated: o.keyCreated && merchant.row.key_source === "settings",
      wallet: merchant.walletText,
      walletError: merchant.wallet?.error ?? null,
    })),
    relays: [...new Set(o.merchants.flatMap((merchant) => merchant.relays))],
  };
}
