import type { DemoFault } from "../../src/payments/demo_faults.ts";
import { type Answer, type Customer, orderJson } from "../support/customer.ts";
import type { Shop } from "../support/shop.ts";
import { until } from "../support/wire.ts";

export const MINUTE = 60_000;
export const PAID = ["processing, paid: Payment received: 100 sat. Thank you!"];

/** Time passes in steps, with whatever is under way. */
export async function passes(shop: Shop, ms: number, stepMs = 500): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) await shop.sleeps(stepMs);
}

/** Time passes in steps until something is so. */
export async function comes(shop: Shop, isSo: () => Promise<boolean>, stepMs = 500): Promise<void> {
  await until(async () => {
    if (await isSo()) return true;
    await shop.sleeps(stepMs);
    return false;
  }, 60_000);
}

/** Orders, and answers what is said within some time, without waiting for it. */
export async function ordersWithin(shop: Shop, alice: Customer, ms: number, order = {}): Promise<Answer[]> {
  await alice.writes(orderJson(order));
  await shop.inbox.settled();
  await passes(shop, ms);
  return await alice.hears();
}

/** All attempts to get an invoice, oldest first. */
export const invoicesOf = (shop: Shop) =>
  shop.database.kysely.selectFrom("invoices").selectAll().orderBy("created_at").orderBy("attempt").execute();

const DOWN: DemoFault = { do: "fail", kind: "unreachable" };

/** The wallet's machine is off, or on again. */
export function down(shop: Shop, is: boolean): void {
  for (const call of ["probe", "createInvoice", "lookup", "listIncoming"] as const) {
    shop.wallet.faults.always(call, is ? DOWN : null);
  }
}
