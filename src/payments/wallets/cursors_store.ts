import type { Clock } from "../../clock.ts";
import type { Database } from "../../db/database.ts";
import type { WalletCursors } from "./cursors.ts";

/** Cursors in the table `wallet_cursors`. */
export function storedCursors(database: Database, clock: Clock): WalletCursors {
  return {
    async read(wallet) {
      const row = await database.kysely.selectFrom("wallet_cursors").select("cursor")
        .where("wallet", "=", wallet).executeTakeFirst();
      return row?.cursor ?? null;
    },
    async write(wallet, cursor) {
      const values = { wallet, cursor, updated_at: clock.now() };
      await database.transaction((tx) =>
        tx.insertInto("wallet_cursors").values(values)
          .onConflict((on) => on.column("wallet").doUpdateSet(values)).execute(), { lasting: false });
    },
  };
}
