import { sql } from "kysely";
import { alert } from "../alert.ts";
import type { Tx } from "../db/database.ts";
import { SAID_AGAIN } from "./said_again.ts";
import { textList } from "./sql_list.ts";

/** A message that no relay has which its recipient reads counts as trouble after this long. */
const PATIENCE_MS = 15 * 60_000;

/**
 * Of these events, tells the owners of the messages to customers that reached no relay the customer reads within 15 minutes,
 * or can't any more; each once. Where nobody knows what the customer reads, any relay will do. Not of what isn't kept with a
 * conversation: messages to the owners themselves would breed others. Nor of what was said again: the later one counts.
 */
export async function tellUndelivered(tx: Tx, eventIds: Iterable<string>, now: number): Promise<void> {
  const ids = textList(tx.dialect, new Set(eventIds));
  const rows = sql`outbox where outbox.event_id = outbox_events.event_id`;
  // Of the relays that count: those the recipient reads, or all when none of them is known to be.
  const counts = sql`(outbox.reads = 1 or not exists (select 1 from outbox as other
    where other.event_id = outbox.event_id and other.reads = 1))`;
  const { rows: late } = await sql<{ event_id: string; merchant: string; order_id: string | null }>`
    update outbox_events set undelivered_at = ${now}
    where event_id in ${ids} and recipient is not null and reads_ours = 0 and undelivered_at is null
      and exists (select 1 from messages where messages.merchant = outbox_events.merchant
        and messages.customer = outbox_events.recipient
        and messages.event_id = coalesce(outbox_events.message_id, outbox_events.event_id))
      and not exists (select 1 from ${rows} and outbox.state = 'delivered' and ${counts})
      and not exists (select 1 from ${rows} and outbox.answer = ${SAID_AGAIN})
      and (created_at <= ${now - PATIENCE_MS}
        or not exists (select 1 from ${rows} and outbox.state = 'pending' and ${counts}))
    returning event_id, merchant, order_id`.execute(tx);
  for (const { event_id, merchant, order_id } of late) {
    await alert(tx, {
      merchant,
      kind: "delivery_failed",
      fact: `message:${event_id}:undelivered`,
      ...(order_id !== null && { orderId: order_id }),
    }, now);
  }
}
