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
  /** Called for each page with those of the invoices that are on it: to be looked up at once, only `lookup()` says paid. */
  onPaid(ids: string[]): void;
}

/** What a list left to do. */
export interface ByList {
  /** The wallet keeps a list, as far as we know. */
  offered: boolean;
  /**
   * To be looked up one by one: hold invoices, those at or after their end (no order expires by an omission), or all when the list
   * had no end.
   */
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
  const { database, clock, log, wallet } = o;
  const askedAt = clock.now();
  const rows = (await toLookUp(database.kysely, ids)).map((row) => ({
    ...row,
    watched: {
      createdAt: row.created_at,
      expiresAt: row.expires_at ?? row.created_at,
      orderExpiresAt: row.order_expires_at,
    } satisfies Watched,
  }));
  // Money on hold is on no list of what came in.
  const waiting = rows.filter((row) =>
    row.payment_hash !== null && row.hold === 0 && dueAt(row.watched) > askedAt
  );
  if (waiting.length === 0) return { offered: true, single: ids };
  const known = new Map(waiting.flatMap((row) => [[row.payment_hash, row.id], [row.wallet_ref, row.id]]));
  const paid = new Set<string>();
  const notPaid = () => ids.filter((id) => !paid.has(id));

  const since = Math.min(...waiting.map((row) => row.created_at)) - CLOCKS_MS;
  const until = askedAt + CLOCKS_MS;
  const seen = new Set<string>();
  using deadline = new Deadline(clock, ANSWER_MS, signal);
  let offset: number | null = 0;
  for (let n = 0; offset !== null; n++) {
    if (n === MOST_PAGES) return { offered: true, single: notPaid() };
    let page: IncomingPage;
    try {
      page = await wallet.listIncoming!({ since, until, offset }, deadline.signal);
    } catch (error) {
      if (!(error instanceof WalletError)) throw error;
      log.debug("wallet.list_failed", { error: errorText(error) });
      return { offered: error.kind !== "not_implemented", single: notPaid() };
    }
    const fresh = page.settled.filter(({ paymentHash }) => !seen.has(paymentHash));
    // The same page again: this wallet knows no offset, so what else there is can't be seen.
    if (page.settled.length > 0 && fresh.length === 0) return { offered: true, single: notPaid() };
    for (const { paymentHash } of fresh) seen.add(paymentHash);
    // Not when all pages are there: whoever paid lately waits, and the first page tells of them.
    const found = fresh.flatMap(({ paymentHash, ref }) =>
      known.get(ref ?? paymentHash) ?? known.get(paymentHash) ?? []
    );
    for (const id of found) paid.add(id);
    o.onPaid(found);
    offset = page.next;
  }

  const unpaid = waiting.filter(({ id }) => !paid.has(id));
  await database.transaction((tx) =>
    putOff(tx, unpaid.map((row) => ({ id: row.id, at: nextLookUpAt(row.watched, askedAt) })))
  );
  const answered = new Set(waiting.map(({ id }) => id));
  return { offered: true, single: ids.filter((id) => !answered.has(id)) };
}
