import type { Kysely, Selectable } from "kysely";
import type { Tx } from "../db/database.ts";
import type { Tables, TokensTable } from "../db/tables.ts";
import type { Msat } from "../money/msat.ts";

/** What a token may ask for at its till. */
export interface Caps {
  /** Null: as much as the shop's orders may come to. */
  maxMsat: Msat | null;
  /** Null: any number. */
  maxOpen: number | null;
}

/** Who has no token of a till works the operator's, without caps. */
const NONE: Caps = { maxMsat: null, maxOpen: null };

/** What this token may ask for. Its row stays locked, so that two requests don't take the same last place. */
export async function lockCaps(tx: Tx, token: string | null): Promise<Caps> {
  if (token === null) return NONE;
  const row = await tx.selectFrom("tokens").select(["max_msat", "max_open"]).where("id", "=", token)
    .$if(tx.dialect === "postgres", (q) => q.forUpdate()).executeTakeFirst();
  if (!row) return NONE;
  return { maxMsat: row.max_msat === null ? null : BigInt(row.max_msat), maxOpen: row.max_open };
}

/** Where a till is called, and by which token's secret the call is signed. */
export type Bell = Pick<Selectable<TokensTable>, "id" | "notify_inside"> & { notify_url: string };

/** The newest token of the till that is good and wants calls; undefined when none does. */
export async function bellOf(db: Kysely<Tables>, till: string, now: number): Promise<Bell | undefined> {
  const row = await db.selectFrom("tokens").select(["id", "notify_url", "notify_inside"])
    .where("till", "=", till).where("revoked_at", "is", null).where("notify_url", "is not", null)
    .where((eb) => eb.or([eb("expires_at", "is", null), eb("expires_at", ">", now)]))
    .orderBy("created_at", "desc").orderBy("id", "desc").limit(1).executeTakeFirst();
  return row && { ...row, notify_url: row.notify_url! };
}

const DAY_MS = 86_400_000;

/** Notes that a till asks in this currency, about once a day: then rates for it are kept at hand. */
export async function noteCurrency(
  tx: Tx,
  { merchant, currency }: { merchant: string; currency: string },
  now: number,
): Promise<void> {
  await tx.insertInto("till_currencies").values({ merchant, currency, used_at: now })
    .onConflict((on) =>
      on.columns(["merchant", "currency"]).doUpdateSet({ used_at: now })
        .where("till_currencies.used_at", "<", now - DAY_MS)
    ).execute();
}
