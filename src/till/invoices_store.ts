import { type Kysely, sql } from "kysely";
import { isAfter, type Slice } from "../db/keyset.ts";
import type { Tables } from "../db/tables.ts";
import type { OrderRow } from "../orders/orders_store.ts";
import { customerOfTill } from "../orders/till.ts";

/** What a list of tills' orders is narrowed to. */
export interface TillFilter {
  /** Null: all tills. */
  till: string | null;
  merchant?: string | undefined;
  reference?: string | undefined;
}

/** Newest first, after the row that `after` names (keyset). */
export async function listTillOrders(
  db: Kysely<Tables>,
  { till, merchant, reference }: TillFilter,
  page: Slice<[createdAt: number, id: string]>,
): Promise<OrderRow[]> {
  return await db.selectFrom("orders").selectAll()
    // A literal: partial indexes serve a query only if its text says so.
    .where("dialect", "=", sql.lit("till"))
    .$if(till !== null, (q) => q.where("customer", "=", customerOfTill(till!)))
    .$if(merchant !== undefined, (q) => q.where("merchant", "=", merchant!))
    .$if(reference !== undefined, (q) => q.where("customer_order_id", "=", reference!))
    .where(isAfter(page.after, ["created_at", "id"], "<"))
    .orderBy("created_at", "desc").orderBy("id", "desc").limit(page.limit).execute();
}
