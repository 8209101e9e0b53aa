import type { Kysely } from "kysely";
import type { Tables } from "../db/tables.ts";

/** Every banned key of every merchant. */
export async function listBans(db: Kysely<Tables>): Promise<{ merchant: string; pubkey: string }[]> {
  return await db.selectFrom("bans").select(["merchant", "pubkey"]).execute();
}
