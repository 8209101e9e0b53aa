import { type RawBuilder, sql } from "kysely";
import { seconds } from "../clock.ts";
import type { Tx } from "../db/database.ts";

/** Clients and relays refuse what is dated further ahead. */
const MOST_AHEAD_SECONDS = 15 * 60;
const CATALOG = "catalog";

/** A time that had to be later than another one would be too far ahead of now. Nothing was reserved if the transaction rolls back. */
export class KeyClockError extends Error {
  override readonly name = "KeyClockError";
}

/**
 * Reserves `count` consecutive seconds for messages to one customer; answers the first. They are later than the message
 * answered, than every message to this customer and than every catalogue event of the key so far, because clients ask for
 * `since` = newest event of the key + 1. For a gift wrap it is the rumor's time. Throws `KeyClockError` when that is more
 * than 15 minutes ahead of now.
 */
export async function reserveMessageTime(tx: Tx, o: {
  pubkey: string;
  customer: string;
  /** `created_at` of the message answered, seconds; 0 if none. */
  answers: number;
  /** Milliseconds. */
  now: number;
  count?: number;
}): Promise<number> {
  const count = o.count ?? 1;
  const now = seconds(o.now);
  const atLeast = Math.max(now, o.answers + 1);
  const first = tx.dialect === "sqlite"
    ? sql<number>`max(${atLeast}, ifnull((select last_seconds + 1 from key_clocks
        where pubkey = ${o.pubkey} and scope = ${CATALOG}), 0))`
    : Math.max(atLeast, await newestOfCatalog(tx, o.pubkey) + 1);
  const last = await advance(tx, o.pubkey, `customer:${o.customer}`, first, count);
  notTooFarAhead(last, now, "a message to this customer");
  return last - count + 1;
}

/**
 * Reserves the `created_at` (seconds) of the next version of an address (NIP-01): later than all versions so far, ours and
 * (`atLeast`) foreign ones, so that relays replace the old one. Throws `KeyClockError` when that is more than 15 minutes ahead of now.
 */
export async function reserveAddressTime(tx: Tx, o: {
  pubkey: string;
  kind: number;
  /** Empty for a replaceable event without `d`. */
  d: string;
  /** Milliseconds. */
  now: number;
  /** `created_at` of the newest version that isn't ours, seconds. */
  atLeast?: number;
}): Promise<number> {
  const now = seconds(o.now);
  const time = await advance(
    tx,
    o.pubkey,
    `address:${o.kind}:${o.d}`,
    Math.max(now, (o.atLeast ?? 0) + 1),
    1,
  );
  notTooFarAhead(time, now, `the next version of ${o.kind}:${o.d}`);
  await tx.insertInto("key_clocks")
    .values({ pubkey: o.pubkey, scope: CATALOG, last_seconds: time })
    .onConflict((on) =>
      on.columns(["pubkey", "scope"]).doUpdateSet({
        last_seconds: later(tx, sql`excluded.last_seconds`, sql`key_clocks.last_seconds`),
      })
    )
    .execute();
  return time;
}

/** What the key has published before, as relays know it, counts as if it had been reserved here: what follows is later. */
export async function takeOverTime(
  tx: Tx,
  o: { pubkey: string; of: { customer: string } | { kind: number; d: string }; /** seconds */ at: number },
): Promise<void> {
  const scopes = "customer" in o.of
    ? [`customer:${o.of.customer}`]
    : [`address:${o.of.kind}:${o.of.d}`, CATALOG];
  for (const scope of scopes) {
    await tx.insertInto("key_clocks").values({ pubkey: o.pubkey, scope, last_seconds: o.at })
      .onConflict((on) =>
        on.columns(["pubkey", "scope"]).doUpdateSet({
          last_seconds: later(tx, sql`excluded.last_seconds`, sql`key_clocks.last_seconds`),
        })
      ).execute();
  }
}

/**
 * The newest catalogue event's time on PostgreSQL. The row stays locked against publishers until the transaction ends, or a
 * catalogue event of an open transaction could get the time of a message.
 */
async function newestOfCatalog(tx: Tx, pubkey: string): Promise<number> {
  const row = tx.selectFrom("key_clocks").select("last_seconds")
    .where("pubkey", "=", pubkey).where("scope", "=", CATALOG);
  const known = await row.forShare().executeTakeFirst();
  if (known) return known.last_seconds;
  // What isn't there can't be locked.
  await tx.insertInto("key_clocks").values({ pubkey, scope: CATALOG, last_seconds: 0 })
    .onConflict((on) => on.columns(["pubkey", "scope"]).doNothing()).execute();
  return (await row.forShare().executeTakeFirstOrThrow()).last_seconds;
}

/** Moves a clock by `count` seconds, to at least `first`; answers the last second. One statement, so that it is exact among processes. */
async function advance(
  tx: Tx,
  pubkey: string,
  scope: string,
  first: number | RawBuilder<number>,
  count: number,
): Promise<number> {
  const last = typeof first === "number" ? first + count - 1 : sql<number>`${first} + ${count - 1}`;
  const row = await tx.insertInto("key_clocks")
    .values({ pubkey, scope, last_seconds: last })
    .onConflict((on) =>
      on.columns(["pubkey", "scope"]).doUpdateSet({
        last_seconds: later(tx, sql`excluded.last_seconds`, sql`key_clocks.last_seconds + ${count}`),
      })
    )
    .returning("last_seconds")
    .executeTakeFirstOrThrow();
  return row.last_seconds;
}

function later(tx: Tx, a: RawBuilder<unknown>, b: RawBuilder<unknown>): RawBuilder<number> {
  return tx.dialect === "sqlite" ? sql<number>`max(${a}, ${b})` : sql<number>`greatest(${a}, ${b})`;
}

function notTooFarAhead(time: number, now: number, what: string): void {
  if (time - now <= MOST_AHEAD_SECONDS) return;
  throw new KeyClockError(
    `${what} would have to be dated ${
      time - now
    } s ahead of now, and more than ${MOST_AHEAD_SECONDS} s isn't accepted ` +
      `by others. Check this machine's clock; otherwise it works again in ${
        time - now - MOST_AHEAD_SECONDS
      } s.`,
  );
}
