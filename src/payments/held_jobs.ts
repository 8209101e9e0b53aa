import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { enqueue } from "../jobs/queue.ts";
import { type JobHandlers, RetryLater, type RunningJob } from "../jobs/runner.ts";
import type { Log } from "../log.ts";
import type { Held } from "../orders/payment_held.ts";
import { Deadline } from "../nostr/deadline.ts";
import type { HeldMoney } from "./held_money.ts";
import { findInvoice, type InvoiceRow } from "./invoices_store.ts";
import { isHeldBy, type OrdersPort, type WalletsOf } from "./orders_port.ts";
import { walletError } from "./wallet.ts";
import type { LookUpSoon } from "./watcher.ts";

const SETTLE = "invoice.settle";
const GIVE_BACK = "invoice.give_back";
const ANSWER_MS = 10_000;
/** The money goes back by itself at its deadline, so a wallet that is away is asked often. */
const PAUSES_MS = [1_000, 2_000, 5_000, 15_000];
/** A wallet may be away for a day; what waited is long gone then. */
const TRIES = 5_000;

export interface HeldJobOptions {
  database: Database;
  clock: Clock;
  log: Log;
  orders: Pick<OrdersPort, "orderOf">;
  walletsOf: WalletsOf;
  held: HeldMoney;
  /** Called when the wallet did what it was asked: its own word on the invoice is what counts. */
  lookUpSoon: LookUpSoon;
}

/** Has the money of a hold invoice taken, or given back. Once, however often it is asked for. */
export async function endHold(
  tx: Tx,
  invoice: Pick<InvoiceRow, "id" | "merchant">,
  how: Held,
  now: number,
): Promise<void> {
  await enqueue(tx, {
    kind: how === "take" ? SETTLE : GIVE_BACK,
    merchant: invoice.merchant,
    key: invoice.id,
    payload: { invoice_id: invoice.id },
    maxAttempts: TRIES,
  }, now);
}

/**
 * The handlers of `invoice.settle` and `invoice.give_back` {invoice_id}. What the wallet says afterwards is booked by look-up:
 * also when an earlier try did more than it could tell.
 */
export function heldJobs(o: HeldJobOptions): JobHandlers {
  const run = async (
    job: RunningJob,
    how: Held,
    ask: (hold: Hold, invoice: InvoiceRow, signal: AbortSignal) => Promise<void>,
  ) => {
    const invoice = await o.database.transaction((tx) => stillDue(o, tx, job, how));
    if (!invoice) return;
    await end(o, job, invoice, ask);
    o.lookUpSoon(invoice.merchant, { paymentHash: invoice.payment_hash! }, invoice.wallet);
    await o.database.transaction((tx) => job.complete(tx));
  };
  return {
    [SETTLE]: {
      concurrency: 8,
      run: (job) =>
        run(job, "take", (hold, invoice, signal) => hold.settle(o.held.preimage(invoice.id), signal)),
    },
    [GIVE_BACK]: {
      concurrency: 8,
      run: (job) =>
        run(job, "give back", (hold, invoice, signal) => hold.cancel(invoice.payment_hash!, signal)),
    },
  };
}

/**
 * The invoice whose money waits. Null, and the job is ended, when there is nothing to do, or the contrary by now: an order can
 * be cancelled until its money is taken.
 */
async function stillDue(
  { orders, clock }: HeldJobOptions,
  tx: Tx,
  job: RunningJob,
  how: Held,
): Promise<InvoiceRow | null> {
  const invoice = await findInvoice(tx, String(job.payload.invoice_id));
  if (invoice?.payment_hash && invoice.state !== "paid") {
    const order = await orders.orderOf(tx, invoice.order_id);
    const right = order && isHeldBy(order, invoice.id) ? "take" : "give back";
    if (right === how) return invoice;
    await endHold(tx, invoice, right, clock.now());
  }
  await job.complete(tx);
  return null;
}

type Hold = NonNullable<ReturnType<WalletsOf>[number]["hold"]>;

async function end(
  { walletsOf, clock, log }: HeldJobOptions,
  job: RunningJob,
  invoice: InvoiceRow,
  ask: (hold: Hold, invoice: InvoiceRow, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const pause = PAUSES_MS[Math.min(job.attempt, PAUSES_MS.length) - 1]!;
  const wallet = walletsOf(invoice.merchant).find(({ id }) => id === invoice.wallet);
  if (!wallet) throw new RetryLater(`the wallet ${invoice.wallet} isn't set up any more`, pause);
  // After a restart some wallets are known only once they have answered.
  if (!wallet.hold) throw new RetryLater("the wallet hasn't said yet that it has hold invoices", pause);
  try {
    using deadline = new Deadline(clock, ANSWER_MS, job.signal);
    await ask(wallet.hold, invoice, deadline.signal);
  } catch (fault) {
    if (job.signal.aborted) throw job.signal.reason;
    const error = walletError(fault);
    if (error.temporary) throw new RetryLater(`the wallet can't be asked: ${error.message}`, pause);
    // It said no: too late, or it was done before. What is true now, a look-up tells.
    log.warn("invoice.hold_refused", { invoice: invoice.id, job: job.kind, error: error.message });
  }
}
