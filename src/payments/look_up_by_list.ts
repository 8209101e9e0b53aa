import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import { Deadline } from "../nostr/deadline.ts";
import { putOff, toLookUp } from "./invoices_store.ts";
import { dueAt, nextLookUpAt, type Watched } from "./look_up_schedule.ts";
import { type IncomingPage, type Wallet, WalletError } from "./wallet.ts";

const ANSWER_MS = 10_000;
const MOST_PAGES = 10;
/** Wallets' clocks differ from ours. */
const CLOCKS_MS = 60_000;

export interface ByListOptions {
  database: Database;
  clock: Clock;
  log: Log;
  wallet: Wallet;
}

/** What a list left to do. */
export interface ByList {
  /** The wallet keeps a list, as far as we know. */
  offered: boolean;
  /** On it: to be looked up at once, only `lookup()` says paid. */
  paid: string[];
  /** To be looked up one by one: at or after their end (no order expires by an omission), or all, when there was no list. */
  single: string[];
}

/**
 * Asks a wallet about many invoices by one list of what came in. What isn't on it is put off as if it had been looked up.
 */
export async function lookUpByList(
  o: ByListOptions,
  ids: string[],
  signal: AbortSignal,
): Promise<ByList> {
  const { database, clock, log } = o;
  const askedAt = clock.now();
  const rows = (await toLookUp(database.kysely, ids)).map((row) => ({
    ...row,
    watched: {
      createdAt: row.created_at,
      expiresAt: row.expires_at ?? row.created_at,
      orderExpiresAt: row.order_expires_at,
    } satisfies Watched,
  }));
  const waiting = rows.filter((row) => row.payment_hash !== null && dueAt(row.watched) > askedAt);
  let settled: Set<string> | null;
  try {
    const since = Math.min(...waiting.map((row) => row.created_at)) - CLOCKS_MS;
    settled = waiting.length === 0 ? null : await settledSince(o, since, signal);
  } catch (error) {
    if (!(error instanceof WalletError)) throw error;
    log.debug("wallet.list_failed", { error: errorText(error) });
    return { offered: error.kind !== "not_implemented", paid: [], single: ids };
  }
  if (!settled) return { offered: true, paid: [], single: ids };
  const [paid, unpaid] = [true, false].map((is) =>
    waiting.filter((row) => settled.has(row.payment_hash!) === is)
  ) as [typeof waiting, typeof waiting];
  await database.transaction((tx) =>
    putOff(tx, unpaid.map((row) => ({ id: row.id, at: nextLookUpAt(row.watched, askedAt) })))
  );
  const answered = new Set(waiting.map((row) => row.id));
  return {
    offered: true,
    paid: paid.map((row) => row.id),
    single: ids.filter((id) => !answered.has(id)),
  };
}

/** The payment hashes; null when there are more than we ask for. */
async function settledSince(
  o: ByListOptions,
  since: number,
  signal: AbortSignal,
): Promise<Set<string> | null> {
  const until = o.clock.now() + CLOCKS_MS;
  const found = new Set<string>();
  using deadline = new Deadline(o.clock, ANSWER_MS, signal);
  let offset: number | null = 0;
  for (let n = 0; n < MOST_PAGES; n++) {
    const page: IncomingPage = await o.wallet.listIncoming!({ since, until, offset }, deadline.signal);
    const before = found.size;
    for (const { paymentHash } of page.settled) found.add(paymentHash);
    offset = page.next;
    if (offset === null) return found;
    // The same page again: this wallet knows no offset, so what else there is can't be seen.
    if (page.settled.length > 0 && found.size === before) return null;
  }
  return null;
}
