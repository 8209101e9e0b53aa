import type { Kysely } from "kysely";
import type { Tables } from "../../db/tables.ts";
import { satToMsat } from "../../money/msat.ts";
import type { OrderRow } from "../../orders/orders_store.ts";
import { owedMsat } from "../orders_port.ts";
import { WAITS_FOR_BLOCK_MS } from "./chain_rules.ts";
import { seenSat } from "./chain_store.ts";

/**
 * Whether enough for an order is on its way: seen, and in no block that counts. It waits for a day from the first that was seen,
 * however often that is replaced; a payment that no miner takes until then is a late one.
 */
export async function comesOnChain(
  db: Kysely<Tables>,
  order: Pick<OrderRow, "id" | "total_msat" | "received_msat">,
  now: number,
): Promise<boolean> {
  const seen = await seenSat(db, { orderId: order.id, since: now - WAITS_FOR_BLOCK_MS });
  return seen > 0n && satToMsat(seen) > owedMsat(order) - 1_000n;
}
