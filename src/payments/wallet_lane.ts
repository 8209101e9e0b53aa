import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import {
  claimDue,
  countDue,
  findInvoiceByHash,
  findInvoiceByRef,
  makeOpenDue,
  type OfWallet,
} from "./invoices_store.ts";
import { lookUpByList } from "./look_up_by_list.ts";
import { LookUpBudget } from "./look_up_budget.ts";
import type { Settlement } from "./settlement.ts";
import { sweepSoon } from "./sweep_jobs.ts";
import type { PaymentHint, Wallet } from "./wallet.ts";

const TICK_MS = 1_000;
/** A claimed look-up whose process died is taken up again after this. */
const CLAIM_MS = 30_000;
/** Questions to one wallet without a hint, and because of one. */
const POLLS = { atOnce: 10, inAll: 20, perSecond: 50 };
const HINTS = { atOnce: 32, inAll: 128, perSecond: 1_000 };
/** With more due than this one list is asked for instead, about so many at once. */
const LISTED_FROM = 20;
const LISTED_MOST = 500;
/** Hints about invoices that aren't stored yet. */
const MOST_EARLY_HINTS = 1_000;

export interface LaneOptions {
  merchant: string;
  /** Null: the lane of what wallets made that aren't set up any more; it waits until it may expire. */
  wallet: Wallet | null;
  /** Those that are, of this merchant. */
  others: readonly string[];
  database: Database;
  clock: Clock;
  log: Log;
  settlement: Settlement;
}

/** The look-ups of one of a merchant's wallets, within its budget. */
export class WalletLane {
  readonly merchant: string;
  readonly wallet: Wallet | null;
  readonly #o: LaneOptions;
  readonly #of: OfWallet;
  readonly #log: Log;
  /** By the clock: a courtesy to the wallet, however many invoices are open. */
  readonly #polls: LookUpBudget;
  /** By hints: as many as there are sales. */
  readonly #hints: LookUpBudget;
  readonly #stopped = new AbortController();
  /** Look-ups under way; true: a hint came meanwhile, so look again. */
  readonly #running = new Map<string, { again: boolean; done: Promise<void> }>();
  readonly #hinted = new Set<string>();
  readonly #early = new Set<string>();
  readonly #tasks = new Set<Promise<void>>();
  /** Whether the wallet keeps a list of what came in, as far as we know. */
  #lists: boolean;
  #listing = false;
  /** Claimed, and waiting for the budget. */
  readonly #queued = new Set<string>();
  #turn = true;
  #pause = new AbortController();
  #more = false;
  #loop: Promise<void> | undefined;
  #unsubscribe: () => void = () => {};
  readonly #settling: (() => void)[] = [];

  constructor(options: LaneOptions) {
    this.#o = options;
    this.merchant = options.merchant;
    this.wallet = options.wallet;
    const { merchant, wallet, others } = options;
    this.#of = wallet ? { merchant, wallet: wallet.id } : { merchant, notOf: others };
    this.#log = options.log.child({ merchant: options.merchant, wallet: options.wallet?.id ?? null });
    this.#lists = options.wallet?.listIncoming !== undefined;
    this.#polls = new LookUpBudget(options.clock.now(), POLLS);
    this.#hints = new LookUpBudget(options.clock.now(), HINTS);
  }

  async start(): Promise<void> {
    await this.#makeOpenDue();
    const { database, merchant, clock } = this.#o;
    if (this.#lists) await database.transaction((tx) => sweepSoon(tx, merchant, clock.now()));
    this.#unsubscribe = this.wallet?.subscribe?.((hint) => this.hint(hint)) ?? this.#unsubscribe;
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#stopped.abort(new Error("the program stops"));
    this.#wake();
    await this.#loop;
    while (!this.#idle) {
      await Promise.all([...this.#tasks, ...[...this.#running.values()].map((one) => one.done)]);
    }
  }

  /** Resolves when nothing is under way and nothing due any more. For tests: a look-up that waits for the clock keeps it waiting. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#settling.push(resolve);
      this.#wake();
    });
  }

  /** Something may have been paid. */
  hint(hint: PaymentHint): void {
    if (this.#stopped.signal.aborted) return;
    if (hint.paymentHash !== undefined) this.#spawn(this.#find(hint.paymentHash));
    else if (hint.ref !== undefined) this.#spawn(this.#findByRef(hint.ref));
    else this.#spawn(this.#makeOpenDue());
  }

  issued(invoice: { id: string; paymentHash: string }): void {
    if (this.#early.delete(invoice.paymentHash)) this.#soon(invoice.id);
  }

  async #find(paymentHash: string): Promise<void> {
    // Noted first: the row may be written while we look for it.
    this.#early.add(paymentHash);
    if (this.#early.size > MOST_EARLY_HINTS) this.#early.delete(this.#early.keys().next().value!);
    const invoice = await findInvoiceByHash(this.#o.database.kysely, paymentHash);
    if (!invoice) return;
    this.#early.delete(paymentHash);
    const ours = invoice.merchant === this.#o.merchant && invoice.wallet === this.wallet?.id;
    if (invoice.state !== "paid" && ours) this.#soon(invoice.id);
  }

  async #findByRef(ref: string): Promise<void> {
    if (!this.wallet) return;
    const { database, merchant } = this.#o;
    const invoice = await findInvoiceByRef(database.kysely, { merchant, wallet: this.wallet.id, ref });
    if (invoice && invoice.state !== "paid") this.#soon(invoice.id);
  }

  async #makeOpenDue(): Promise<void> {
    const { database, clock } = this.#o;
    await database.transaction((tx) => makeOpenDue(tx, this.#of, clock.now()));
    this.#wake();
  }

  #soon(invoiceId: string): void {
    this.#hinted.add(invoiceId);
    this.#wake();
  }

  #wake(): void {
    this.#pause.abort("woken");
  }

  async #run(): Promise<void> {
    const { clock } = this.#o;
    while (!this.#stopped.signal.aborted) {
      this.#pause = new AbortController();
      try {
        this.#more = await this.#pass();
      } catch (error) {
        this.#log.error("watcher.pass_failed", { error: errorText(error) });
      }
      if (this.#pause.signal.aborted) continue;
      // With more due than the budget allows, the end of any look-up wakes us; otherwise the next second does.
      const sleep = clock.sleep(this.#more ? TICK_MS / 10 : TICK_MS, this.#pause.signal);
      // Asleep already, so that a test that now moves the clock wakes it.
      if (this.#idle && !this.#more) this.#tellSettled();
      await sleep;
    }
    this.#tellSettled();
  }

  get #idle(): boolean {
    return this.#tasks.size === 0 && this.#running.size === 0;
  }

  #tellSettled(): void {
    for (const settled of this.#settling.splice(0)) settled();
  }

  /** Begins what the budget allows: hinted ones first. True when there may be more. */
  async #pass(): Promise<boolean> {
    const { database, clock } = this.#o;
    for (const id of this.#hinted) {
      if (this.#hints.free(clock.now()) === 0) return true;
      this.#hinted.delete(id);
      this.#begin(id, this.#hints);
    }
    const now = clock.now();
    for (const id of this.#queued) {
      if (this.#polls.free(now) === 0) return true;
      this.#queued.delete(id);
      this.#begin(id, this.#polls);
    }
    const due = await countDue(database.kysely, this.#of, now, LISTED_FROM + 1);
    if (due > LISTED_FROM && this.#lists) {
      if (!this.#listing) this.#spawn(this.#byList(now));
      return false;
    }
    const limit = this.#polls.free(now);
    if (due === 0) return false;
    if (limit === 0) return true;
    const ids = await this.#claim(now, limit);
    for (const id of ids) this.#begin(id, this.#polls);
    return ids.length === limit;
  }

  #claim(now: number, limit: number): Promise<string[]> {
    const until = now + CLAIM_MS;
    // Who pays now has paid lately; and yet nobody's invoice may wait for ever behind newer ones.
    const first = this.#turn ? "newest" : "longest due";
    this.#turn = !this.#turn;
    return this.#o.database.transaction((tx) => claimDue(tx, this.#of, { now, limit, until, first }), {
      lasting: false,
    });
  }

  async #byList(now: number): Promise<void> {
    const { database, clock } = this.#o;
    this.#listing = true;
    try {
      const ids = await this.#claim(now, LISTED_MOST);
      const onPaid = (paid: string[]) => paid.forEach((id) => this.#soon(id));
      const asked = { database, clock, log: this.#log, wallet: this.wallet!, onPaid };
      const { offered, single } = await lookUpByList(asked, ids, this.#stopped.signal);
      this.#lists = offered;
      for (const id of single) this.#queued.add(id);
      this.#wake();
    } finally {
      this.#listing = false;
    }
  }

  #begin(id: string, budget: LookUpBudget): void {
    const running = this.#running.get(id);
    if (running) {
      running.again = true;
      return;
    }
    const end = budget.begin(this.#o.clock.now());
    const done = this.#o.settlement.lookUp(id, this.#stopped.signal)
      .then(
        () => {},
        (error) => this.#log.error("watcher.look_up_failed", { invoice: id, error: errorText(error) }),
      )
      .finally(() => {
        end();
        const { again } = this.#running.get(id)!;
        this.#running.delete(id);
        if (again && !this.#stopped.signal.aborted) this.#soon(id);
        if (this.#more || this.#settling.length > 0) this.#wake();
      });
    this.#running.set(id, { again: false, done });
  }

  #spawn(work: Promise<void>): void {
    const task = work.catch((error) => this.#log.error("watcher.hint_failed", { error: errorText(error) }))
      .finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }
}
