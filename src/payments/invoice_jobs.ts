import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { type JobHandlers, RetryLater, type RunningJob } from "../jobs/runner.ts";
import { errorText, type Log } from "../log.ts";
import { ceilToSat, satToMsat } from "../money/msat.ts";
import type { OrderRow } from "../orders/orders_store.ts";
import type { Random } from "../random.ts";
import { decodeBolt11 } from "./bolt11.ts";
import { type Attempt, attempt, issued, type KnownNetworks } from "./invoice_attempt.ts";
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
import { nextLookUpAt } from "./look_up_schedule.ts";
import { isUnpaid, type OrdersPort, owedMsat, type WalletOf } from "./orders_port.ts";
import type { CreatedInvoice, Wallet } from "./wallet.ts";

/** Questions to the wallet in one round; with 8 s for each a round ends in about 25 s (design §5). */
const ATTEMPTS_A_ROUND = 3;
const BETWEEN_ATTEMPTS_MS = 500;
/** Pauses between rounds, while the order lives. */
const ROUND_PAUSES_MS = [15_000, 30_000, 60_000, 120_000];
const SHORTEST_EXPIRY_SECONDS = 60;

/** For the customer: what went wrong between the shop and its wallet isn't theirs to read. */
const FAILED = "The shop's wallet can't make an invoice at the moment. Please try again later.";

export interface InvoiceJobOptions {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  orders: OrdersPort;
  walletOf: WalletOf;
  /** For orders that name no expiry of their own. Default 15 minutes. */
  expirySeconds?: number;
  /** Called after the commit with each invoice that a customer may pay or could have paid. */
  onIssued?(invoice: { merchant: string; id: string; paymentHash: string }): void;
}

/** The handler of `invoice.create` {order_id}: gets the order an invoice of what is owed, and tells the order. */
export function invoiceJobs(options: InvoiceJobOptions): JobHandlers {
  const jobs = new InvoiceJobs(options);
  return {
    "invoice.create": {
      concurrency: 16,
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
}

class InvoiceJobs {
  readonly #o: InvoiceJobOptions;
  readonly #networks: KnownNetworks = new WeakMap();

  constructor(options: InvoiceJobOptions) {
    this.#o = options;
  }

  /** One round. Ends the job when the order has its invoice, needs none or can't have one; else it is tried again later. */
  async create(job: RunningJob): Promise<void> {
    const orderId = String(job.payload.order_id);
    for (let n = 1; n <= ATTEMPTS_A_ROUND; n++) {
      const begun = await this.#o.database.transaction((tx) => this.#begin(tx, job, orderId));
      if (!begun) return;
      const outcome = await this.#ask(begun, job.signal);
      if (outcome.ok) {
        if (await this.#opened(job, begun, outcome.issued)) return;
        continue;
      }
      const hopeless = outcome.error === null || !outcome.error.temporary;
      const last = hopeless || n === ATTEMPTS_A_ROUND;
      this.#o.log.warn("invoice.attempt_failed", {
        order: orderId,
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
    await this.#o.orders.apply(
      tx,
      orderId,
      { type: "invoiceFailed", reason: FAILED },
      this.#o.clock.now(),
    );
  }

  /** Notes the attempt before the wallet hears of it. Ends the job, and answers null, when no invoice is needed. */
  async #begin(tx: Tx, job: RunningJob, orderId: string): Promise<Begun | null> {
    const { orders, clock, random } = this.#o;
    const now = clock.now();
    const order = await orders.orderOf(tx, orderId);
    const end = async () => {
      await job.complete(tx);
      return null;
    };
    if (!order || !isUnpaid(order) || owedMsat(order) <= 0n) return await end();
    const wallet = this.#o.walletOf(order.merchant);
    if (!wallet) {
      await orders.apply(
        tx,
        orderId,
        { type: "invoiceFailed", reason: "This shop can't take payments yet." },
        now,
      );
      return await end();
    }
    const amountMsat = amountFor(order, wallet);
    const open = await openInvoiceOf(tx, orderId);
    if (open && BigInt(open.amount_msat) === amountMsat) return await end();
    // What an earlier run of this job left unfinished, or what asks for another amount.
    await voidInvoices(tx, orderId, now);
    if (order.expires_at !== null && order.expires_at <= now) {
      await orders.apply(tx, orderId, { type: "expired" }, now);
      return await end();
    }
    const { merchant } = order;
    const invoice = await insertAttempt(tx, {
      id: random.uuid(),
      merchant,
      orderId,
      wallet: wallet.id,
      amountMsat,
      now,
    });
    return { order, invoice, wallet };
  }

  #ask({ order, invoice, wallet }: Begun, signal: AbortSignal): Promise<Attempt> {
    const { clock } = this.#o;
    const left = order.expires_at === null
      ? (this.#o.expirySeconds ?? 900)
      : Math.ceil((order.expires_at - clock.now()) / 1000);
    const request = {
      amountMsat: BigInt(invoice.amount_msat),
      description: `Order ${order.id.slice(0, 8)}`,
      expirySeconds: Math.max(SHORTEST_EXPIRY_SECONDS, left),
      externalId: `${order.id}#${invoice.attempt}`,
      onLate: (created: CreatedInvoice) => void this.#late(order, invoice, created),
    };
    return attempt({ wallet, request, clock, networks: this.#networks, signal });
  }

  /** Opens the invoice, tells the order and ends the job, all in one. False when the order meanwhile owes another amount. */
  async #opened(
    job: RunningJob,
    { order: { id: orderId }, invoice, wallet }: Begun,
    issued: Issued,
  ): Promise<boolean> {
    const { orders, clock, database } = this.#o;
    const result = await database.transaction(async (tx) => {
      const now = clock.now();
      const order = await orders.orderOf(tx, orderId);
      if (!order || await findInvoiceByHash(tx, issued.paymentHash)) {
        throw new Error("the wallet gave an invoice of another order");
      }
      const dated = scheduled(issued, invoice, order.expires_at, now);
      const wanted = isUnpaid(order) && BigInt(invoice.amount_msat) === amountFor(order, wallet);
      if (!wanted || !await openAttempt(tx, invoice.id, dated, now)) {
        await keepVoid(tx, invoice.id, dated, now);
        return false;
      }
      await job.complete(tx);
      await orders.apply(tx, orderId, { type: "invoiced" }, now);
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
    const told = (await invoicesOf(tx, orderId)).some((earlier) => earlier.state === "failed");
    await endAttempt(tx, invoice.id, o.last ? "failed" : "void", now);
    if (!o.last) return 0;
    if (!order || !isUnpaid(order)) {
      await job.complete(tx);
      return "over";
    }
    if (o.hopeless) {
      await job.complete(tx);
      await orders.apply(tx, orderId, { type: "invoiceFailed", reason: FAILED }, now);
      return "over";
    }
    // The customer hears once that it takes longer, however many rounds it takes.
    if (!told) await orders.apply(tx, orderId, { type: "invoiceDelayed" }, now);
    const pause = ROUND_PAUSES_MS[Math.min(job.attempt, ROUND_PAUSES_MS.length) - 1]!;
    return order.expires_at === null ? pause : Math.max(0, Math.min(pause, order.expires_at - now));
  }

  /** An answer after the wait: nobody sees that invoice, but it exists and is watched. */
  async #late(order: OrderRow, invoice: InvoiceRow, created: CreatedInvoice): Promise<void> {
    const { log, clock, database } = this.#o;
    const fields = { order: order.id, attempt: invoice.attempt };
    try {
      const decoded = decodeBolt11(created.bolt11);
      if (!decoded.ok) {
        return log.warn("invoice.late_answer_unreadable", { ...fields, reason: decoded.reason });
      }
      const late = issued(created.bolt11, { ok: true, decoded: decoded.invoice });
      await database.transaction(async (tx) => {
        if (await findInvoiceByHash(tx, late.paymentHash)) return;
        await keepVoid(tx, invoice.id, scheduled(late, invoice, order.expires_at, clock.now()), clock.now());
      });
      log.info("invoice.late_answer_kept", fields);
      this.#o.onIssued?.({ merchant: invoice.merchant, id: invoice.id, paymentHash: late.paymentHash });
    } catch (error) {
      log.error("invoice.late_answer_lost", { ...fields, error: errorText(error) });
    }
  }
}

/** What is owed, in what the wallet can ask for. */
function amountFor(order: OrderRow, wallet: Wallet): bigint {
  const owed = owedMsat(order);
  return wallet.caps.unit === "sat" ? satToMsat(ceilToSat(owed)) : owed;
}

function scheduled(issued: Issued, invoice: InvoiceRow, orderExpiresAt: number | null, now: number): Issued {
  const watched = { createdAt: invoice.created_at, expiresAt: issued.expiresAt, orderExpiresAt };
  return { ...issued, nextLookUpAt: nextLookUpAt(watched, now) };
}
