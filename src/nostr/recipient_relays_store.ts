import type { Kysely } from "kysely";
import type { Tx } from "../db/database.ts";
import type { Tables } from "../db/tables.ts";

/** Where somebody reads, as published, checked and bounded. */
export interface RecipientRelays {
  /** Kind 10050 (NIP-17): where gift wraps are read. */
  dmRelays: string[];
  /** Kind 10002 (NIP-65): where everything else addressed to them is read. */
  readRelays: string[];
  /** ms */
  lookedUpAt: number;
}

/** What was found the last time; undefined when nobody has looked yet. */
export async function findRecipientRelays(
  db: Kysely<Tables>,
  pubkey: string,
): Promise<RecipientRelays | undefined> {
  const row = await db.selectFrom("recipient_relays").selectAll().where("pubkey", "=", pubkey)
    .executeTakeFirst();
  return row && {
    dmRelays: JSON.parse(row.dm_relays),
    readRelays: JSON.parse(row.read_relays),
    lookedUpAt: row.looked_up_at,
  };
}

/** Keeps what was found, in place of what was known. */
export async function keepRecipientRelays(tx: Tx, pubkey: string, found: RecipientRelays): Promise<void> {
  const row = {
    dm_relays: JSON.stringify(found.dmRelays),
    read_relays: JSON.stringify(found.readRelays),
    looked_up_at: found.lookedUpAt,
  };
  await tx.insertInto("recipient_relays").values({ pubkey, ...row })
    .onConflict((on) => on.column("pubkey").doUpdateSet(row)).execute();
}

/** Forgets whom nobody has written to since (ms). */
export async function forgetRecipientRelays(tx: Tx, since: number): Promise<void> {
  await tx.deleteFrom("recipient_relays").where("looked_up_at", "<", since).execute();
}

/** A message that may have to go to more relays. */
export interface SentMessage {
  eventId: string;
  kind: number;
  createdAt: number;
  /** A relay that its recipient reads has it. */
  delivered: boolean;
}

/** The newest messages to somebody that were posted after `since` (ms). */
export async function messagesTo(
  tx: Tx,
  o: { merchant: string; recipient: string; since: number; limit: number },
): Promise<SentMessage[]> {
  const rows = await tx.selectFrom("outbox_events").select(["event_id", "event", "created_at", "reads_ours"])
    .select((eb) =>
      eb.exists(
        eb.selectFrom("outbox").select("outbox.relay").whereRef(
          "outbox.event_id",
          "=",
          "outbox_events.event_id",
        )
          .where("outbox.reads", "=", 1).where("outbox.state", "=", "delivered"),
      ).as("has_it")
    )
    .where("recipient", "=", o.recipient).where("merchant", "=", o.merchant).where("created_at", ">", o.since)
    .orderBy("created_at", "desc").limit(o.limit).execute();
  return rows.map((row) => ({
    eventId: row.event_id,
    kind: (JSON.parse(row.event) as { kind: number }).kind,
    createdAt: row.created_at,
    delivered: row.reads_ours === 1 || Boolean(row.has_it),
  }));
}

/** Notes that the recipient of these messages reads these relays, and perhaps the built-in one. */
export async function markRead(
  tx: Tx,
  eventIds: string[],
  relays: readonly string[],
  readsOurs: boolean,
): Promise<void> {
  if (eventIds.length === 0) return;
  if (relays.length > 0) {
    await tx.updateTable("outbox").set({ reads: 1 }).where("event_id", "in", eventIds)
      .where("relay", "in", [...relays]).where("reads", "=", 0).execute();
  }
  if (readsOurs) {
    await tx.updateTable("outbox_events").set({ reads_ours: 1 }).where("event_id", "in", eventIds).execute();
  }
}
