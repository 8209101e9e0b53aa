import type { Insertable } from "kysely";
import type { Database } from "../../src/db/database.ts";
import type { InboxTable } from "../../src/db/tables.ts";

/** A stranger's kind 4 from a relay that nobody has read yet, where `changes` don't say otherwise. */
export function inboxRow(
  eventId: string,
  changes: Partial<Insertable<InboxTable>> = {},
): Insertable<InboxTable> {
  return {
    merchant: "m",
    event_id: eventId,
    kind: 4,
    author: `author of ${eventId}`,
    event: "{}",
    relay: "wss://relay.example.com/",
    received_at: 1_000,
    state: "new",
    attempts: 0,
    next_at: 1_000,
    lane: 1,
    sheddable: 1,
    ...changes,
  };
}

/** Puts rows into the inbox, in this order. */
export async function fillInbox(database: Database, rows: Insertable<InboxTable>[]): Promise<void> {
  for (const row of rows) await database.kysely.insertInto("inbox").values(row).execute();
}

/** The ids of the events in the inbox, in order of arrival. */
export async function inboxIds(database: Database): Promise<string[]> {
  const rows = await database.kysely.selectFrom("inbox").select("event_id").orderBy("seq").execute();
  return rows.map((row) => row.event_id);
}

/** What customers wrote, as it was read one after the other. */
export async function bodiesRead({ kysely }: Database): Promise<string[]> {
  const rows = await kysely.selectFrom("messages").select("body").where("direction", "=", "in")
    .orderBy("seq").execute();
  return rows.map(({ body }) => body);
}
