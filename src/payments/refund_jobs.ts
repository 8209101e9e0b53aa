import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { type JobHandlers, RetryLater, type RunningJob } from "../jobs/runner.ts";
import { errorText, type Log } from "../log.ts";
import type { GuardedFetch } from "../web/guarded_fetch.ts";
import { Deadline } from "../nostr/deadline.ts";
import { REFUND_PAY_JOB } from "./refund_approval.ts";
import { isProof } from "./proof.ts";
import { bookFromAddress, invoiceFrom } from "./refund_address.ts";
import { bookFailure, bookLookUp, bookSent, NOTHING_PAID } from "./refund_booking.ts";
import { bolt11Of } from "./refund_destination.ts";
import { beginPayOut, type Begun } from "./refund_pay_out.ts";
import type { RefundRow } from "./refunds_store.ts";
import { type Wallet, walletError } from "./wallet.ts";

/** How long a wallet has to pay; a Lightning payment tries many ways. */
const PAY_MS = 60_000;
const LOOK_UP_MS = 10_000;
const RESOLVE_MS = 15_000;

export interface RefundJobOptions {
  database: Database;
  clock: Clock;
  log: Log;
  /** The wallet that a merchant pays with; null: none is set up. Never the one that only receives. */
  payerOf(merchant: string): Wallet | null;
  /** Asks the servers of customers' Lightning addresses. */
  web: GuardedFetch;
}

/**
 * The handler of `refund.pay` {refund_id}: pays an approved refund once and looks after one whose payment is in doubt. What is
 * done stands in the ledger before the wallet is asked, so that nobody who comes later asks it blindly again.
 */
export function refundJobs(options: RefundJobOptions): JobHandlers {
  const payer = new RefundPayer(options);
  return { [REFUND_PAY_JOB]: { concurrency: 4, run: (job) => payer.run(job) } };
}

class RefundPayer {
  readonly #o: RefundJobOptions;

  constructor(options: RefundJobOptions) {
    this.#o = options;
  }

  async run(job: RunningJob): Promise<void> {
    const { database, clock, payerOf } = this.#o;
    const id = String(job.payload.refund_id);
    const begun = await database.transaction((tx) => beginPayOut(tx, { id, job, payerOf }, clock.now()));
    switch (begun.do) {
      case "nothing":
        return;
      case "wait":
        throw new RetryLater(begun.why, begun.ms, false);
      case "pay":
        return await this.#pay(job, begun);
      case "resolve":
        return await this.#resolve(job, begun);
      case "look_up":
        return await this.#lookUp(job, begun.refund, begun.wallet);
    }
  }

  /** Has the address give an invoice, and goes on with that. */
  async #resolve(job: RunningJob, { refund, address }: Begun & { do: "resolve" }): Promise<void> {
    const { database, clock, log, web } = this.#o;
    using deadline = new Deadline(clock, RESOLVE_MS, job.signal);
    const from = await invoiceFrom(web, { address, refund }, deadline.signal);
    if (job.signal.aborted) throw job.signal.reason;
    if (!from.ok) log.warn("refund.address_gave_none", { refund: refund.id, kind: from.error.kind });
    const { id } = refund;
    const next = await database.transaction((tx) =>
      bookFromAddress(tx, { id, job, from, destination: address.text }, clock.now())
    );
    if (next === null) return;
    if (next > 0) throw new RetryLater("the customer's Lightning address gave no invoice", next, false);
    // At once, while the invoice is fresh.
    return await this.run(job);
  }

  async #pay(job: RunningJob, { refund, wallet, payment, doubtful }: Begun & { do: "pay" }): Promise<void> {
    const { database, clock, log } = this.#o;
    try {
      using deadline = new Deadline(clock, PAY_MS, job.signal);
      const paid = await wallet.pay!(payment, deadline.signal);
      if (isProof(paid.preimage, payment.paymentHash)) {
        await database.transaction((tx) =>
          bookSent(tx, { id: refund.id, feeMsat: paid.feeMsat, job }, clock.now())
        );
        log.info("refund.sent", { refund: refund.id, order: refund.order_id });
        return;
      }
      log.error("refund.false_proof", { refund: refund.id });
    } catch (fault) {
      const error = walletError(fault);
      log.warn("refund.not_paid", { refund: refund.id, kind: error.kind, error: error.message });
      const certain = NOTHING_PAID.has(error.kind) && !doubtful;
      const next = await database.transaction((tx) =>
        bookFailure(tx, { id: refund.id, error, certain, job }, clock.now())
      );
      if (next === null) return;
      throw new RetryLater(error.message, next, false);
    }
    await this.#doubt(job, refund, "the wallet's proof of the payment is false");
  }

  async #lookUp(job: RunningJob, refund: RefundRow, wallet: Wallet | null): Promise<void> {
    const { database, clock, log } = this.#o;
    try {
      if (wallet?.lookupPayment === undefined || wallet.id !== refund.wallet) {
        throw new Error("the wallet that was asked isn't set up any more, or can't say");
      }
      using deadline = new Deadline(clock, LOOK_UP_MS, job.signal);
      const status = await wallet.lookupPayment({
        paymentHash: refund.payment_hash!,
        bolt11: bolt11Of(refund)!,
        createdAt: refund.asked_at ?? refund.updated_at,
      }, deadline.signal);
      const next = await database.transaction((tx) =>
        bookLookUp(tx, { id: refund.id, status, job }, clock.now())
      );
      if (next === null) return;
      throw new RetryLater(`the wallet says: ${status.status}`, next, false);
    } catch (fault) {
      if (fault instanceof RetryLater) throw fault;
      log.warn("refund.look_up_failed", { refund: refund.id, error: errorText(fault) });
      await this.#doubt(job, refund, errorText(fault));
    }
  }

  /** Nothing is known: it is looked up later, and a person can decide meanwhile. */
  async #doubt(job: RunningJob, refund: RefundRow, why: string): Promise<void> {
    const { database, clock } = this.#o;
    const next = await database.transaction((tx) =>
      bookLookUp(tx, { id: refund.id, status: null, job }, clock.now())
    );
    if (next !== null) throw new RetryLater(why, next, false);
  }
}
