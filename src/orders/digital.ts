import type { Kysely } from "kysely";
import { digitalContentOf } from "../catalog/products_store.ts";
import type { Tables } from "../db/tables.ts";
import type { OrderItemRow } from "./orders_store.ts";
import type { OrderState } from "./types.ts";

/** How much of an order can be handed over by message. Digital goods without content are left to the merchant. */
export async function digitalShare(
  db: Kysely<Tables>,
  merchant: string,
  items: OrderItemRow[],
): Promise<OrderState["digital"]> {
  const there = (await digitalContents(db, merchant, items)).length;
  if (there === 0) return "none";
  return there === items.length ? "whole" : "part";
}

/**
 * What the buyer of these digital goods gets, in the order of the lines; lines without content are left out. The content
 * stays in the catalogue alone, also of products that were deleted meanwhile, and is copied nowhere but into the message.
 */
export async function digitalContents(
  db: Kysely<Tables>,
  merchant: string,
  items: OrderItemRow[],
): Promise<string[]> {
  const digital = items.filter((item) => item.digital === 1).map((item) => item.product_id);
  const contents = await digitalContentOf(db, merchant, digital);
  return digital.flatMap((id) => contents.get(id) || []);
}
