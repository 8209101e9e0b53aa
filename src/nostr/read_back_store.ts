import type { NostrEvent } from "@nostrify/types";
import type { Database, Tx } from "../db/database.ts";
import { textList } from "./sql_list.ts";
import { tellUndelivered } from "./undelivered_store.ts";

/** What a relay that says OK and stores nothing gets, until it counts as lost for this event. */
const MOST_RESENDS = 3;
export const NOT_STORED = "accepted but not stored";

/** An event that a relay says it has. */
export interface Accepted {
  merchant: string;
  relay: string;
  event: NostrEvent;
}

/** What relays have accepted since then, newest first. */
export async function recentlyAccepted(
  database: Database,
  since: number,
  limit: number,
): Promise<Accepted[]> {
  const rows = await database.kysely.selectFrom("outbox_events")
    .innerJoin("outbox", "outbox.event_id", "outbox_events.event_id")
    .select(["outbox.merchant", "outbox.relay", "outbox_events.event"])
    .where("outbox_events.created_at", ">=", since).where("outbox.state", "=", "delivered")
    .orderBy("outbox_events.created_at", "desc").limit(limit).execute();
  return rows.map(({ merchant, relay, event }) => ({
    merchant,
    relay,
    event: JSON.parse(event) as NostrEvent,
  }));
}

/** Which of these events a relay should have: deleted and replaced ones it may rightly have dropped. */
export async function stillStands(database: Database, ids: string[]): Promise<Set<string>> {
  const rows = await database.kysely.selectFrom("nostr_events").select("id")
    .where("id", "in", textList(database.dialect, ids)).execute();
  return new Set(rows.map((row) => row.id));
}

/**
 * These events, which a relay said OK to, aren't there: they are sent again, and after three times count as failed. Answers how
 * many go out again.
 */
export async function notStored(
  tx: Tx,
  o: { relay: string; merchant: string; eventIds: string[] },
  now: number,
): Promise<number> {
  const theirs = () =>
    tx.updateTable("outbox").where("event_id", "in", textList(tx.dialect, o.eventIds))
      .where("relay", "=", o.relay).where("merchant", "=", o.merchant).where("state", "=", "delivered");
  await theirs().where("resends", ">=", MOST_RESENDS)
    .set({ state: "failed", answer: NOT_STORED, updated_at: now }).execute();
  const again = await theirs().where("resends", "<", MOST_RESENDS).set((eb) => ({
    state: "pending",
    answer: NOT_STORED,
    next_at: now,
    updated_at: now,
    resends: eb("resends", "+", 1),
  })).executeTakeFirst();
  await tellUndelivered(tx, o.eventIds, now);
  const sent = Number(again.numUpdatedRows);
  if (sent > 0) tx.wake("outbox");
  return sent;
}
