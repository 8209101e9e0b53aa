import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { hurryJobs } from "../jobs/hurry_store.ts";
import { type JobHandlers, RetryLater, type RunningJob } from "../jobs/runner.ts";
import type { Log } from "../log.ts";
import { type OrderRow, updateOrder } from "../orders/orders_store.ts";
import type { Memory } from "../orders/said_before_store.ts";
import type { Random } from "../random.ts";
import { adoptInvoice } from "./adopted_invoice.ts";
import { amountFor, asksFor } from "./invoice_amount.ts";
import { ANSWER_MS, type Attempt, attempt } from "./invoice_attempt.ts";
import {
  endAttempt,
  findInvoiceByHash,
  insertAttempt,
  type InvoiceRow,
  invoicesOf,
  type Issued,
  keepVoid,
  openAttempt,
  openInvoiceOf,
  voidInvoices,
} from "./invoices_store.ts";
import type { BtcOffers } from "./chain/btc_offers.ts";
import { comesOnChain } from "./chain/on_its_way.ts";
import { hashOf, type HeldMoney } from "./held_money.ts";
import { withAddress } from "./invoice_links.ts";
import { invoiceText } from "./invoice_text.ts";
import { KnownNetworks } from "./known_networks.ts";
import { keepLateInvoice, scheduled } from "./late_invoice.ts";
import { isUnpaid, type OrdersPort, owedMsat, type WalletsOf } from "./orders_port.ts";
import { commitment, type PaymentPages, withOwnLinks } from "./payment_pages.ts";
import type { CreatedInvoice, Wallet } from "./wallet.ts";
import { WalletChoice } from "./wallet_choice.ts";
import { pauseBetweenRounds, WalletPatience } from "./wallet_patience.ts";

const CREATE = "invoice.create";
/** Questions to the wallet in one round; with 8 s for each a round ends in about 25 s (design §5). */
const ATTEMPTS_A_ROUND = 3;
const BETWEEN_ATTEMPTS_MS = 500;
/** A wallet that is away costs no order: without an invoice it lives on for so long after its time, and gets all of it then. */
const WAITS_FOR_WALLET_MS = 2 * 3_600_000;
const AWAY = "no invoice yet: the wallet isn't answering at the moment";
/** How often it is looked whether a block has what was seen on-chain. */
const LOOK_MS = 60_000;
const COMES = "the order's payment was seen on-chain and waits for a block";
const SHORTEST_EXPIRY_SECONDS = 60;
const DEFAULT_EXPIRY_SECONDS = 900;

/** For the customer: what went wrong between the shop and its wallet isn't theirs to read. */
const FAILED = "The shop's wallet can't make an invoice at the moment. Please try again later.";

export interface InvoiceJobOptions {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  orders: OrdersPort;
  walletsOf: WalletsOf;
  /** For orders that name no expiry of their own. Default 15 minutes. */
  expirySeconds?: number;
  /** Hold invoices, where the merchant wants them; without it there are none. */
  held?: HeldMoney;
  /** Our own ways to pay an invoice; without it there are none. */
  pages?: PaymentPages | null;
  /** On-chain addresses to be offered beside invoices. */
  btc?: Pick<BtcOffers, "link"> | null;
  /** Called after the commit with each invoice that a customer may pay or could have paid. */
  onIssued?(invoice: { merchant: string; id: string; paymentHash: string }): void;
  /** Whether a backup was restored: customers may hold invoices that the books don't know. */
  memory?: Memory;
}

/** The handler of `invoice.create` {order_id}: gets the order an invoice of what is owed, and tells the order. */
export function invoiceJobs(options: InvoiceJobOptions): JobHandlers {
  const jobs = new InvoiceJobs(options);
  return {
    [CREATE]: {
      // Most of it is waiting, for the full time where a wallet's answers get lost.
      concurrency: 32,
      run: (job) => jobs.create(job),
      onDead: (tx, payload) => jobs.dead(tx, String(payload.order_id)),
    },
  };
}

/** A question about to be asked. */
interface Begun {
  order: OrderRow;
  invoice: InvoiceRow;
  wallet: Wallet;
  /** Until when the customer can pay, ms since 1970; null: as long as the invoice says. */
  until: number | null;
}

/** What to do about an order: ask the wallet, come back later, or nothing (null). */
type Begin = { begun: Begun } | { later: RetryLater } | null;

class InvoiceJobs {
  readonly #o: InvoiceJobOptions;
  readonly #networks: KnownNetworks;
  readonly #patience = new WalletPatience();

  constructor(options: InvoiceJobOptions) {
    this.#o = options;
    this.#networks = new KnownNetworks(options.clock, ANSWER_MS);
  }

  /** The wallet is back: who was put off meanwhile waits no longer. */
  #wakeOthers({ merchant }: OrderRow): Promise<void> {
    const now = this.#o.clock.now();
    return this.#o.database.transaction((tx) => hurryJobs(tx, { kind: CREATE, merchant, now }));
  }

  /** One round. Ends the job when the order has its invoice, needs none or can't have one; else it is tried again later. */
  async create(job: RunningJob): Promise<void> {
    const orderId = String(job.payload.order_id);
    if (await adoptInvoice(this.#o, job, orderId)) return;
    const choice = new WalletChoice(this.#patience);
    for (let n = 1; n <= ATTEMPTS_A_ROUND; n++) {
      let chosen: Wallet | null | undefined;
      // Once, however often the transaction is tried: whoever may ask a silent wallet takes the turn of all who wait.
      const choose = (wallets: readonly Wallet[]) =>
        chosen === undefined ? chosen = choice.next(wallets, this.#o.clock.now()) : chosen;
      const begin = await this.#o.database.transaction((tx) => this.#begin(tx, job, orderId, choose));
      if (!begin) return;
      if ("later" in begin) throw begin.later;
      const { begun } = begin;
      const askedAt = this.#o.clock.now();
      const outcome = await this.#ask(begun, job.signal);
      if (outcome.ok) {
        if (choice.answered(begun.wallet, this.#o.clock.now())) await this.#wakeOthers(begun.order);
        if (await this.#opened(job, begun, outcome.issued)) return;
        continue;
      }
      if (outcome.error?.temporary) choice.failed(begun.wallet, askedAt);
      else choice.refused(begun.wallet, this.#o.clock.now());
      const hopeless = choice.allRefused(this.#o.walletsOf(begun.order.merchant));
      const last = hopeless || n === ATTEMPTS_A_ROUND;
      this.#o.log.warn("invoice.attempt_failed", {
        order: orderId,
        wallet: begun.wallet.id,
        attempt: begun.invoice.attempt,
        reason: outcome.reason,
      });
      const pause = await this.#o.database.transaction((tx) =>
        this.#failed(tx, job, begun, { hopeless, last, reason: outcome.reason })
      );
      if (pause === "over") return;
      if (last) throw new RetryLater(`no invoice yet: ${outcome.reason}`, pause);
      await this.#o.clock.sleep(BETWEEN_ATTEMPTS_MS, job.signal);
      if (job.signal.aborted) throw job.signal.reason;
    }
    throw new RetryLater("the order changed while its invoice was made", 0);
  }

  /** The job has used up its tries, or couldn't be run: the order must not wait for ever. */
  async dead(tx: Tx, orderId: string): Promise<void> {
    const order = await this.#o.orders.orderOf(tx, orderId);
    if (!order || !isUnpaid(order) || await openInvoiceOf(tx, orderId)) return;
    await voidInvoices(tx, orderId, this.#o.clock.now());
    await this.#end(tx, orderId, FAILED);
  }

  /** Notes the attempt before the wallet hears of it. Ends the job, and answers null, when no invoice is needed. */
  async #begin(
    tx: Tx,
    job: RunningJob,
    orderId: string,
    choose: (wallets: readonly Wallet[]) => Wallet | null,
  ): Promise<Begin> {
    const { orders, clock, random } = this.#o;
    const now = clock.now();
    const order = await orders.orderOf(tx, orderId);
    const end = () => job.complete(tx).then(() => null);
    if (!order || !isUnpaid(order) || owedMsat(order) <= 0n) return await end();
    const wallets = this.#o.walletsOf(order.merchant);
    if (wallets.length === 0) {
      await this.#end(tx, orderId, "This shop can't take payments yet.");
      return await end();
    }
    const earlier = await invoicesOf(tx, orderId);
    const live = earlier.filter(({ state }) => state === "open" || state === "creating");
    if (live.some((one) => one.state === "open" && asksFor(BigInt(one.amount_msat), order))) {
      return await end();
    }
    // What an earlier run of this job left unfinished, or what asks for another amount.
    if (live.length > 0) await voidInvoices(tx, orderId, now);
    if (order.expires_at !== null && order.expires_at + WAITS_FOR_WALLET_MS <= now) {
      if (await comesOnChain(tx, order, now)) return { later: new RetryLater(COMES, LOOK_MS, false) };
      await orders.apply(tx, orderId, { type: "expired" }, now);
      return await end();
    }
    const wallet = choose(wallets);
    if (!wallet) {
      await this.#tellDelay(tx, order);
      return { later: new RetryLater(AWAY, pauseBetweenRounds(job.attempt)) };
    }
    const { merchant } = order;
    const amountMsat = amountFor(order, wallet);
    const attempt = { id: random.uuid(), merchant, orderId, wallet: wallet.id, amountMsat, now };
    const invoice = await insertAttempt(tx, attempt, earlier);
    return { begun: { order, invoice, wallet, until: this.#until(order, now) } };
  }

  /** Who waited for the wallet has no less time to pay than others. */
  #until({ expires_at, created_at }: OrderRow, now: number): number | null {
    if (expires_at === null) return null;
    const term = Math.min(expires_at - created_at, (this.#o.expirySeconds ?? DEFAULT_EXPIRY_SECONDS) * 1000);
    return expires_at - now < term / 2 ? now + term : expires_at;
  }

  #ask({ order, invoice, wallet, until }: Begun, signal: AbortSignal): Promise<Attempt> {
    const { clock, held } = this.#o;
    const holdHash = held?.wanted(order.merchant) ? hashOf(held.preimage(invoice.id)) : null;
    const left = until === null
      ? (this.#o.expirySeconds ?? DEFAULT_EXPIRY_SECONDS)
      : Math.ceil((until - clock.now()) / 1000);
    const request = {
      amountMsat: BigInt(invoice.amount_msat),
      description: invoiceText(order.merchant, order.id),
      ...commitment(this.#o.pages, order, wallet),
      expirySeconds: Math.max(SHORTEST_EXPIRY_SECONDS, left),
      externalId: `${order.id}#${invoice.attempt}`,
      onLate: (created: CreatedInvoice) => void keepLateInvoice(this.#o, order, invoice, created, holdHash),
    };
    return attempt({ wallet, request, holdHash, clock, networks: this.#networks, signal });
  }

  /** Opens the invoice, tells the order and ends the job, all in one. False when the order meanwhile owes another amount. */
  async #opened(
    job: RunningJob,
    { order: { id: orderId }, invoice, wallet, until }: Begun,
    issued: Issued,
  ): Promise<boolean> {
    const { orders, clock, database } = this.#o;
    const result = await database.transaction(async (tx) => {
      const now = clock.now();
      const order = await orders.orderOf(tx, orderId);
      if (!order || await findInvoiceByHash(tx, issued.paymentHash)) {
        throw new Error("the wallet gave an invoice of another order");
      }
      const expiresAt = until !== null && order.expires_at !== null
        ? Math.max(until, order.expires_at)
        : order.expires_at;
      const dated = await withOwnLinks(tx, this.#o, order, scheduled(issued, invoice, expiresAt, now));
      const wanted = isUnpaid(order) && BigInt(invoice.amount_msat) === amountFor(order, wallet);
      const offered = () => withAddress(this.#o.btc, tx, invoice, dated, now);
      if (!wanted || !await openAttempt(tx, invoice.id, await offered(), now)) {
        await keepVoid(tx, invoice.id, dated, now);
        return false;
      }
      await job.complete(tx);
      if (expiresAt !== order.expires_at) await updateOrder(tx, orderId, { expires_at: expiresAt });
      await orders.apply(tx, { ...order, expires_at: expiresAt }, { type: "invoiced" }, now);
      return true;
    });
    this.#o.onIssued?.({ merchant: invoice.merchant, id: invoice.id, paymentHash: issued.paymentHash });
    return result;
  }

  /** Ends an attempt, and the round if it was the last. Answers the pause before the next round, or that there is none. */
  async #failed(
    tx: Tx,
    job: RunningJob,
    { order: { id: orderId }, invoice }: Begun,
    o: { hopeless: boolean; last: boolean; reason: string },
  ): Promise<number | "over"> {
    const { orders, clock } = this.#o;
    const now = clock.now();
    const order = await orders.orderOf(tx, orderId);
    await endAttempt(tx, invoice.id, o.last ? "failed" : "void", now);
    if (!o.last) return 0;
    if (!order || !isUnpaid(order)) {
      await job.complete(tx);
      return "over";
    }
    if (o.hopeless) {
      await job.complete(tx);
      await this.#end(tx, orderId, FAILED);
      return "over";
    }
    await this.#tellDelay(tx, order);
    return pauseBetweenRounds(job.attempt);
  }

  /** The customer hears once for an order that it takes longer, however many rounds or outages it takes. */
  async #tellDelay(tx: Tx, order: OrderRow): Promise<void> {
    if (order.delay_told === 1) return;
    await updateOrder(tx, order.id, { delay_told: 1 });
    await this.#o.orders.apply(tx, order.id, { type: "invoiceDelayed" }, this.#o.clock.now());
  }

  /** The order ends; should the customer ask for it again, that is another story. */
  async #end(tx: Tx, orderId: string, reason: string): Promise<void> {
    await updateOrder(tx, orderId, { delay_told: 0 });
    await this.#o.orders.apply(tx, orderId, { type: "invoiceFailed", reason }, this.#o.clock.now());
  }
}
