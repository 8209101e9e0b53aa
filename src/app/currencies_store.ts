import type { Kysely } from "kysely";
import type { Tables } from "../db/tables.ts";
import { isBitcoinUnit, normaliseCurrency } from "../money/currency.ts";

/** A currency that no till has asked for since is forgotten. */
const ASKED_MS = 30 * 86_400_000;

/**
 * The currencies, other than Bitcoin's own units, that each merchant's stalls and products are priced in, or a till has asked
 * for lately; by merchant.
 */
export async function currenciesInUse(db: Kysely<Tables>, now: number): Promise<Map<string, Set<string>>> {
  const rows = await db.selectFrom("stalls").select(["merchant", "currency"]).distinct()
    .union(db.selectFrom("products").select(["merchant", "currency"]).distinct())
    .union(
      db.selectFrom("till_currencies").select(["merchant", "currency"])
        .where("used_at", ">", now - ASKED_MS),
    ).execute();
  const used = new Map<string, Set<string>>();
  for (const { merchant, currency } of rows) {
    if (isBitcoinUnit(currency)) continue;
    const of = used.get(merchant) ?? new Set();
    used.set(merchant, of.add(normaliseCurrency(currency)));
  }
  return used;
}
