import type { Kysely } from "kysely";
import type { Tables } from "../db/tables.ts";

/** Every banned key of every merchant. */
export async function listBans(db: Kysely<Tables>): Promise<{ merchant: string; pubkey: string }[]> {
  return await db.selectFrom("bans").select(["merchant", "pubkey"]).execute();
}

/** Whether a merchant has banned a key. For senders that are known only once their gift wrap is open. */
export async function isBanned(db: Kysely<Tables>, merchant: string, pubkey: string): Promise<boolean> {
  const row = await db.selectFrom("bans").select("pubkey").where("merchant", "=", merchant)
    .where("pubkey", "=", pubkey).executeTakeFirst();
  return row !== undefined;
}
