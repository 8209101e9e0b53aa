import { type Clock, ClockJumps } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import type { Service } from "../service.ts";
import { walletsWithDue } from "./invoices_store.ts";
import { WalletLane } from "./wallet_lane.ts";
import type { Settlement } from "./settlement.ts";
import type { PaymentHint, Wallet } from "./wallet.ts";

const TICK_MS = 1_000;

export interface WatcherOptions {
  database: Database;
  clock: Clock;
  log: Log;
  settlement: Settlement;
  /** Every merchant's wallets as they are now; it is asked again each second. */
  wallets: () => ReadonlyMap<string, readonly Wallet[]>;
}

/**
 * Has an invoice looked up as soon as its wallet's budget allows. `wallet`: the id of the one that the hint is of; left out, any
 * of the merchant's may be meant.
 */
export type LookUpSoon = (merchant: string, hint: PaymentHint, wallet?: string) => void;

/**
 * Sees to it that no payment goes unnoticed: looks an invoice up at once when its wallet hints at it, and without hints by
 * the schedule that each invoice's row carries. At its start every open invoice is looked up once.
 */
export class PaymentWatcher implements Service {
  readonly #o: WatcherOptions;
  /** By merchant and wallet; without a wallet's id: what is of none that is set up. */
  readonly #lanes = new Map<string, WalletLane>();
  /** Lanes of wallets that were replaced: what they still wait for holds nobody up. */
  readonly #ending = new Set<Promise<void>>();
  readonly #stopped = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(options: WatcherOptions) {
    this.#o = options;
  }

  async start(): Promise<void> {
    if (this.#loop) throw new Error("the payment watcher runs already");
    await this.#follow();
    this.#loop = this.#run();
  }

  /** Waits for the look-ups under way; their calls to wallets are broken off. */
  async stop(): Promise<void> {
    this.#stopped.abort(new Error("the program stops"));
    await this.#loop;
    await Promise.all([...[...this.#lanes.values()].map((lane) => lane.stop()), ...this.#ending]);
    this.#lanes.clear();
  }

  /** Resolves when everything that is due has been looked up; see `WalletLane.settled`. */
  async settled(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((lane) => lane.settled()));
  }

  /** An invoice was just issued: a hint about it may have come before its row was there. */
  issued(invoice: { merchant: string; id: string; paymentHash: string }): void {
    for (const lane of this.#lanesOf(invoice.merchant)) lane.issued(invoice);
  }

  /** As for a webhook, or when a wallet did what it was asked. */
  readonly lookUpSoon: LookUpSoon = (merchant, hint, wallet) => {
    for (const lane of this.#lanesOf(merchant)) {
      if (wallet === undefined || lane.wallet?.id === wallet) lane.hint(hint);
    }
  };

  async #run(): Promise<void> {
    const { clock, log, settlement } = this.#o;
    const jumps = new ClockJumps(clock);
    while (!this.#stopped.signal.aborted) {
      try {
        if (jumps.look() !== 0) {
          settlement.clockJumped();
          // Their next look-ups were set by another time.
          for (const lane of this.#lanes.values()) lane.hint({});
        }
        await this.#follow();
      } catch (error) {
        log.error("watcher.failed", { error: errorText(error) });
      }
      await clock.sleep(TICK_MS, this.#stopped.signal);
    }
  }

  #lanesOf(merchant: string): WalletLane[] {
    return [...this.#lanes.values()].filter((lane) => lane.merchant === merchant);
  }

  /** A lane for each wallet as it is set up now, and for invoices whose wallet is gone. */
  async #follow(): Promise<void> {
    const { database, clock, log, settlement } = this.#o;
    const wallets = this.#o.wallets();
    const wanted = new Map<string, { merchant: string; wallet: Wallet | null; others: string[] }>();
    const want = (merchant: string, wallet: Wallet | null) => {
      const others = (wallets.get(merchant) ?? []).map(({ id }) => id);
      // Another list of wallets is another lane of what belongs to none of them.
      const key = wallet ? `${merchant} ${wallet.id}` : `${merchant} not ${others.join(" ")}`;
      wanted.set(key, { merchant, wallet, others });
    };
    for (const [merchant, some] of wallets) for (const wallet of some) want(merchant, wallet);
    for (const { merchant, wallet } of await walletsWithDue(database.kysely, clock.now())) {
      if (!wallets.get(merchant)?.some(({ id }) => id === wallet)) want(merchant, null);
    }
    for (const [key, lane] of this.#lanes) {
      if (wanted.get(key)?.wallet === lane.wallet) continue;
      this.#lanes.delete(key);
      const ended = lane.stop().catch((error) => log.error("watcher.failed", { error: errorText(error) }))
        .finally(() => this.#ending.delete(ended));
      this.#ending.add(ended);
    }
    for (const [key, one] of wanted) {
      if (this.#lanes.has(key)) continue;
      const lane = new WalletLane({ ...one, database, clock, log, settlement });
      try {
        await lane.start();
        this.#lanes.set(key, lane);
      } catch (error) {
        // It is tried again with the next second, and the others don't wait for it.
        log.error("watcher.lane_failed", { merchant: one.merchant, error: errorText(error) });
      }
    }
  }
}
