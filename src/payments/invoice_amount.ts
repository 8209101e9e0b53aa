import { ceilToSat, satToMsat } from "../money/msat.ts";
import type { OrderRow } from "../orders/orders_store.ts";
import { owedMsat } from "./orders_port.ts";
import type { Wallet } from "./wallet.ts";

/** What is owed, in what the wallet can ask for. */
export function amountFor(order: OrderRow, wallet: Wallet): bigint {
  const owed = owedMsat(order);
  return wallet.caps.unit === "sat" ? satToMsat(ceilToSat(owed)) : owed;
}

/** Whether an invoice of this amount asks for what is owed: exactly, or in whole sats. */
export function asksFor(amountMsat: bigint, order: OrderRow): boolean {
  const owed = owedMsat(order);
  return amountMsat === owed || amountMsat === satToMsat(ceilToSat(owed));
}
