import type { Kysely } from "kysely";
import type { Tx } from "../../db/database.ts";
import type { Tables } from "../../db/tables.ts";
import type { Rate } from "../rates.ts";

/** Keeps rates with their own time, in place of what was kept of their currencies. */
export async function keepRates(tx: Tx, rates: readonly Rate[]): Promise<void> {
  for (const { currency, perBtc, sources, at } of rates) {
    const row = { per_btc: perBtc, sources: JSON.stringify(sources), at };
    await tx.insertInto("rates").values({ currency, ...row })
      .onConflict((on) => on.column("currency").doUpdateSet(row)).execute();
  }
}

/** The last rate of every currency that ever had one, however old. */
export async function keptRates(db: Kysely<Tables>): Promise<Rate[]> {
  const rows = await db.selectFrom("rates").selectAll().orderBy("currency").execute();
  return rows.map(({ currency, per_btc, sources, at }) => ({
    currency,
    perBtc: per_btc,
    sources: JSON.parse(sources) as string[],
    at,
  }));
}
