import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { findOrder, type OrderRow } from "../orders/orders_store.ts";
import { tillState } from "../orders/till.ts";

/** As long as a wallet has to make an invoice (design §5). */
const PATIENCE_MS = 8_000;

/**
 * Does something to a till's order, and waits until its invoice is there or can't be had: woken by the commit that says so, for
 * 8 s at most. What `act` answers has the order as it is then.
 */
export async function untilInvoiced<T extends { order: OrderRow }>(
  { database, clock }: { database: Database; clock: Clock },
  orderId: string,
  act: () => Promise<T>,
): Promise<T> {
  let news = Promise.withResolvers<void>();
  const unlisten = database.listen("till", (ids) => {
    if (ids.includes(orderId)) news.resolve();
  });
  const over = new AbortController();
  try {
    const acted = await act();
    let { order } = acted;
    let late = false;
    const patience = clock.sleep(PATIENCE_MS, over.signal).then(() => void (late = true));
    while (tillState(order) === "creating" && !late) {
      await Promise.race([news.promise, patience]);
      // Before it is looked at: what comes meanwhile is news again.
      news = Promise.withResolvers<void>();
      order = await findOrder(database.kysely, orderId) ?? order;
    }
    return { ...acted, order };
  } finally {
    unlisten();
    over.abort();
  }
}
