import { seconds } from "../../clock.ts";
import { WalletError } from "../wallet.ts";
import type { NwcAsking } from "./asking.ts";

type Result = Record<string, unknown>;

/** Transactions a page, and pages that are read for a single one of them. */
const PAGE = 20;
const MOST_PAGES = 20;
/** Wallets' clocks differ from ours. */
const CLOCKS_SECONDS = 60;

/** A page of `list_transactions`. Throws `bad_answer` when it is none. */
export async function listPage(wallet: NwcAsking, params: Result, signal: AbortSignal): Promise<unknown[]> {
  const { transactions } = await wallet.ask("list_transactions", { ...params, limit: PAGE }, signal);
  if (Array.isArray(transactions)) return transactions;
  throw new WalletError("bad_answer", "the wallet's list of transactions is none");
}

/**
 * What `found` makes of the first transaction that it doesn't answer null to, of all since `createdAt` (ms), unpaid ones among
 * them. Null when there is none: some wallets give fewer at once than they are asked for, so that only an empty page is the end.
 * Throws `bad_answer` for a list without one: what wasn't read may be there.
 */
export async function findTransaction<T>(
  wallet: NwcAsking,
  { createdAt, type }: { createdAt: number; type: "incoming" | "outgoing" },
  found: (transaction: unknown) => T | null,
  signal: AbortSignal,
): Promise<T | null> {
  const from = Math.max(0, seconds(createdAt) - CLOCKS_SECONDS);
  let before = "";
  for (let n = 0, offset = 0; n < MOST_PAGES; n++) {
    const page = await listPage(wallet, { from, offset, unpaid: true, type }, signal);
    if (page.length === 0) return null;
    for (const transaction of page) {
      const it = found(transaction);
      if (it !== null) return it;
    }
    offset += page.length;
    // A wallet that knows no offset gives its first page for ever.
    const text = JSON.stringify(page);
    if (text === before) break;
    before = text;
  }
  throw new WalletError("bad_answer", "the wallet's list of transactions has no end");
}
