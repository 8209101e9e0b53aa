import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import { Deadline } from "../nostr/deadline.ts";
import type { Random } from "../random.ts";
import { invoiceText, orderDigitsIn } from "./invoice_text.ts";
import type { OrdersPort, WalletsOf } from "./orders_port.ts";
import { lnurlHash } from "./payment_pages.ts";
import type { Settlement } from "./settlement.ts";
import {
  bookedHashes,
  firstInvoiceAt,
  invoicesByHash,
  invoicesByRef,
  noteSwept,
  sweptTo,
  unansweredOrders,
} from "./sweeps_store.ts";
import { hashIn, Stray, textOf } from "./stray_payment.ts";
import { type IncomingPage, type IncomingPayment, type Wallet, WalletError } from "./wallet.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ANSWER_MS = 10_000;
/** What is younger may be an invoice whose answer is still on its way to us. */
const YOUNG_MS = 2 * MINUTE;
/** One step: its end is stored, so that a sweep that is broken off goes on from there. */
const STEP_MS = 24 * HOUR;
/** Some lists go by when an invoice was made, so each sweep looks back over what may have been paid since: at night further. */
const OVERLAP_MS = { soon: HOUR, nightly: 72 * HOUR };
/** Pages of a step; a wallet that has more is wrong or not for a shop alone. */
const MOST_PAGES = 1_000;
/** A pause for the wallet after so many pages. */
const PAGES_AT_ONCE = 10;
const PAUSE_MS = 500;
/** Orders whose lost answers are thought of. */
const MOST_UNANSWERED = 1_000;

export interface SweepOptions {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  orders: OrdersPort;
  walletsOf: WalletsOf;
  settlement: Settlement;
}

/** What a sweep came to. */
export interface Swept {
  /** Payments on the wallet's list. */
  listed: number;
  /** Booked because of it. */
  found: number;
  /** Written down as unmatched. */
  unmatched: number;
  /** The wallet couldn't say of some: the next sweep looks again. */
  unsure: number;
}

/** What invoices' texts say of orders whose invoice was never answered, by the hash that it commits to. */
type Unanswered = ReadonlyMap<string, string | null>;

/**
 * Compares the wallet's own list of what came in with the books: whatever hint, look-up or answer was lost, money of ours
 * is found. What doesn't bear our invoices' text is somebody else's who uses the same wallet, and is left alone.
 */
export class Sweep {
  readonly #o: SweepOptions;
  readonly #stray: Stray;

  constructor(options: SweepOptions) {
    this.#o = options;
    this.#stray = new Stray(options);
  }

  /**
   * One sweep of each of the merchant's wallets from where its last one ended. Null when none of them keeps a list. Throws the
   * WalletError of one that doesn't answer, after the others' turns; what was compared until then stays noted.
   */
  async run(merchant: string, how: "soon" | "nightly", signal: AbortSignal): Promise<Swept | null> {
    let all: Swept | null = null;
    let failed: WalletError | null = null;
    for (const wallet of this.#o.walletsOf(merchant)) {
      try {
        const swept = await this.#wallet(merchant, wallet, how, signal);
        if (swept) all = all ? sum(all, swept) : swept;
      } catch (error) {
        if (!(error instanceof WalletError)) throw error;
        failed ??= error;
      }
    }
    if (failed) throw failed;
    return all;
  }

  async #wallet(
    merchant: string,
    wallet: Wallet,
    how: "soon" | "nightly",
    signal: AbortSignal,
  ): Promise<Swept | null> {
    if (!wallet.listIncoming) return null;
    const { database, clock, log } = this.#o;
    const key = { merchant, wallet: wallet.id };
    const begin = await sweptTo(database.kysely, key) ?? await firstInvoiceAt(database.kysely, merchant);
    const end = clock.now() - YOUNG_MS;
    const swept: Swept = { listed: 0, found: 0, unmatched: 0, unsure: 0 };
    if (begin === null) return swept;
    // Once for all payments of a wallet that others earn with, too.
    let unanswered: Promise<Unanswered> | undefined;
    const committed = () => unanswered ??= this.#unanswered(merchant, wallet);
    for (let since = begin - OVERLAP_MS[how]; since < end; since += STEP_MS) {
      const until = Math.min(since + STEP_MS, end);
      try {
        await this.#step(merchant, wallet, { since, until }, { swept, committed }, signal);
      } catch (error) {
        if (error instanceof WalletError && error.kind === "not_implemented") return null;
        throw error;
      }
      // What is unsure is met again in the overlap of the next sweep.
      await database.transaction((tx) => noteSwept(tx, { ...key, to: until, now: clock.now() }));
    }
    log.info("wallet.swept", { ...key, ...swept });
    return swept;
  }

  async #step(
    merchant: string,
    wallet: Wallet,
    span: { since: number; until: number },
    { swept, committed }: { swept: Swept; committed: () => Promise<Unanswered> },
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, log } = this.#o;
    const seen = new Set<string>();
    let offset: number | null = 0;
    for (let n = 1; offset !== null; n++) {
      const page: IncomingPage = await this.#page(wallet, { ...span, offset }, signal);
      const fresh = page.settled.filter((one) => !seen.has(one.paymentHash));
      for (const one of fresh) seen.add(one.paymentHash);
      swept.listed += fresh.length;
      await this.#compare(merchant, wallet, fresh, { swept, committed }, signal);
      // A wallet that knows no offset gives its first page for ever.
      if (page.settled.length > 0 && fresh.length === 0) return;
      if (n === MOST_PAGES) return log.warn("wallet.list_too_long", { merchant, wallet: wallet.id, ...span });
      offset = page.next;
      if (n % PAGES_AT_ONCE === 0) await clock.sleep(PAUSE_MS, signal);
      signal.throwIfAborted();
    }
  }

  async #page(wallet: Wallet, query: { since: number; until: number; offset: number }, signal: AbortSignal) {
    using deadline = new Deadline(this.#o.clock, ANSWER_MS, signal);
    return await wallet.listIncoming!(query, deadline.signal);
  }

  async #compare(
    merchant: string,
    wallet: Wallet,
    listed: IncomingPayment[],
    { swept, committed }: { swept: Swept; committed: () => Promise<Unanswered> },
    signal: AbortSignal,
  ): Promise<void> {
    const { kysely } = this.#o.database;
    const hashes = listed.map((one) => one.paymentHash);
    const booked = await bookedHashes(kysely, hashes);
    const byHash = await invoicesByHash(kysely, hashes);
    const byRef = await invoicesByRef(kysely, wallet.id, listed.flatMap(({ ref }) => ref ?? []));
    for (const one of listed) {
      const invoice = byRef.get(one.ref ?? "") ?? byHash.get(one.paymentHash);
      if (invoice) {
        // Another merchant's on the same wallet is found by that merchant's sweep.
        if (invoice.merchant !== merchant || invoice.state === "paid") continue;
        const found = await this.#o.settlement.lookUp(invoice.id, signal, wallet);
        if (found === "paid") swept.found++;
        else swept.unsure++;
        continue;
      }
      const hash = hashIn(one);
      const digits = orderDigitsIn(textOf(one), merchant) ??
        (hash === null ? null : (await committed()).get(hash) ?? null);
      if (digits === null || booked.has(one.paymentHash)) continue;
      swept[await this.#strayed(merchant, wallet, one, digits, signal)]++;
    }
  }

  /** An invoice that commits to an LNURL's text may show none; one whose answer was lost is known by the hash all the same. */
  async #unanswered(merchant: string, wallet: Wallet): Promise<Unanswered> {
    const asked = { merchant, wallet: wallet.id, limit: MOST_UNANSWERED };
    const orders = await unansweredOrders(this.#o.database.kysely, asked);
    return new Map(orders.map((id) => [
      lnurlHash({ merchant, id }),
      orderDigitsIn(invoiceText(merchant, id), merchant),
    ]));
  }

  async #strayed(
    merchant: string,
    wallet: Wallet,
    listed: IncomingPayment,
    digits: string,
    signal: AbortSignal,
  ): Promise<"found" | "unmatched" | "unsure"> {
    try {
      return await this.#stray.book({ merchant, wallet, listed, digits }, signal);
    } catch (error) {
      if (!(error instanceof WalletError)) throw error;
      this.#o.log.warn("wallet.listed_but_unsure", { merchant, wallet: wallet.id, error: errorText(error) });
      return "unsure";
    }
  }
}

function sum(one: Swept, other: Swept): Swept {
  return {
    listed: one.listed + other.listed,
    found: one.found + other.found,
    unmatched: one.unmatched + other.unmatched,
    unsure: one.unsure + other.unsure,
  };
}
