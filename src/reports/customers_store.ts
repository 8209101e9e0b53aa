import type { Kysely } from "kysely";
import { isAfter, type Slice } from "../db/keyset.ts";
import type { Tables } from "../db/tables.ts";
import { TILL_DIALECT } from "../orders/till.ts";

/** What the books say of one customer of one merchant. */
export interface CustomerRow {
  merchant: string;
  customer: string;
  orders: number;
  /** Received, less what went or goes back. */
  spent_msat: bigint;
  /** ms */
  first_at: number;
  last_at: number;
  /** Orders that the customer's data was taken out of. */
  forgotten: number;
}

/** Who has ordered, by merchant and key; after the pair that `after` names (keyset). */
export async function listCustomers(
  db: Kysely<Tables>,
  filter: { merchant?: string | undefined; customer?: string | undefined },
  page: Slice<[merchant: string, customer: string]>,
): Promise<CustomerRow[]> {
  const rows = await db.selectFrom("orders").select(["merchant", "customer"])
    .select((eb) => [
      eb.fn.countAll<number>().as("orders"),
      eb.fn.sum<number | string>("received_msat").as("received"),
      eb.fn.sum<number | string>("refunding_msat").as("back"),
      eb.fn.min("created_at").as("first_at"),
      eb.fn.max("created_at").as("last_at"),
      eb.fn.count<number>("forgotten_at").as("forgotten"),
    ])
    // Other programs have asked for those.
    .where("dialect", "!=", TILL_DIALECT)
    .$if(filter.merchant !== undefined, (q) => q.where("merchant", "=", filter.merchant!))
    .$if(filter.customer !== undefined, (q) => q.where("customer", "=", filter.customer!))
    .where(isAfter(page.after, ["merchant", "customer"], ">"))
    .groupBy(["merchant", "customer"]).orderBy("merchant").orderBy("customer").limit(page.limit).execute();
  return rows.map(({ merchant, customer, orders, received, back, first_at, last_at, forgotten }) => ({
    merchant,
    customer,
    orders: Number(orders),
    spent_msat: BigInt(received) - BigInt(back),
    first_at,
    last_at,
    forgotten: Number(forgotten),
  }));
}
