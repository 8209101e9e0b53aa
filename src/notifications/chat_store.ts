import type { Kysely, Selectable } from "kysely";
import type { Tx } from "../db/database.ts";
import type { MessagesTable, Tables } from "../db/tables.ts";
import { textList } from "../nostr/sql_list.ts";

const WRITERS_MOST = 50;

/** One message of a conversation; undefined when it was purged. */
export async function findMessage(
  db: Kysely<Tables>,
  merchant: string,
  seq: number,
): Promise<Selectable<MessagesTable> | undefined> {
  return await db.selectFrom("messages").selectAll().where("merchant", "=", merchant).where("seq", "=", seq)
    .executeTakeFirst();
}

/** How many chat messages a customer has written since `since` (ms), up to this one. */
export async function countChats(
  tx: Tx,
  o: { merchant: string; customer: string; since: number; upTo: number },
): Promise<number> {
  const row = await tx.selectFrom("messages").select((e) => e.fn.countAll<number>().as("count"))
    .where("merchant", "=", o.merchant).where("customer", "=", o.customer).where("direction", "=", "in")
    .where("type", "=", "chat").where("at", ">", o.since).where("seq", "<=", o.upTo)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** A few people who have written to the merchant and whose key (hex) begins so. */
export async function writersLike(db: Kysely<Tables>, merchant: string, prefix: string): Promise<string[]> {
  const rows = await db.selectFrom("messages").select("customer").distinct()
    .where("merchant", "=", merchant).where("direction", "=", "in")
    .where("customer", "like", `${prefix}%`).limit(WRITERS_MOST).execute();
  return rows.map((row) => row.customer);
}

/** Whose chat was forwarded by one of these messages of ours (event or rumor ids); undefined when none of them did that. */
export async function forwardedBy(tx: Tx, merchant: string, ids: string[]): Promise<string | undefined> {
  if (ids.length === 0) return undefined;
  const list = textList(tx.dialect, ids);
  const sent = await tx.selectFrom("outbox_events").select("purpose").where("merchant", "=", merchant)
    .where((e) => e.or([e("event_id", "in", list), e("message_id", "in", list)])).limit(1).executeTakeFirst();
  const notice = /^notice:(\d+):/.exec(sent?.purpose ?? "")?.[1];
  if (notice === undefined) return undefined;
  const row = await tx.selectFrom("notices").select("fact").where("merchant", "=", merchant)
    .where("seq", "=", Number(notice)).executeTakeFirst();
  const chat = chatOf(row?.fact ?? "");
  return chat === null ? undefined : (await findMessage(tx, merchant, chat))?.customer;
}

/** The number of the message that a fact of the kind `chat` is about; null for other facts. */
export function chatOf(fact: string): number | null {
  const seq = /^chat:(\d+)$/.exec(fact)?.[1];
  return seq === undefined ? null : Number(seq);
}
