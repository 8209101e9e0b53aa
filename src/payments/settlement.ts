import { type Clock, ClockJumps } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import { Deadline } from "../nostr/deadline.ts";
import type { OrderRow } from "../orders/orders_store.ts";
import type { Random } from "../random.ts";
import { believedAmount } from "./believed_amount.ts";
import { comesOnChain } from "./chain/on_its_way.ts";
import { mayExpire } from "./expiry.ts";
import { endHold } from "./held_jobs.ts";
import { hashOf, type HeldMoney } from "./held_money.ts";
import {
  findInvoice,
  type InvoiceRow,
  lockInvoice,
  setInvoiceState,
  setNextLookUp,
} from "./invoices_store.ts";
import { dueAt, nextLookUpAt, type Watched } from "./look_up_schedule.ts";
import { isHeldBy, isUnpaid, type OrdersPort, type WalletsOf } from "./orders_port.ts";
import { isUnassigned, lockPaymentByHash, matchPayment, recordPayment } from "./payments_store.ts";
import { recordUnmatched } from "./unmatched.ts";
import { type InvoiceStatus, type SettledStatus, type Wallet, WalletError } from "./wallet.ts";

const ANSWER_MS = 10_000;
/** An invoice younger than this may be unknown to its own wallet. */
const NEW_MS = 60_000;
/** At the latest until the next question about an invoice that is open. */
const UNDECIDED_MS = 60_000;
/** The same about one whose money waits to be taken or given back. */
const HELD_MS = 5_000;

/** What a look-up found. `unknown`: the wallet couldn't say. */
export type LookedUp = "paid" | "unpaid" | "expired" | "unknown";

export interface SettlementOptions {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  orders: OrdersPort;
  walletsOf: WalletsOf;
  /** What hold invoices are taken by; without it there are none. */
  held?: Pick<HeldMoney, "preimage">;
}

/** Asks wallets about invoices and books what they say: the only way that money gets into the books. */
export class Settlement {
  readonly #o: SettlementOptions;
  readonly #startedAt: number;
  readonly #jumps: ClockJumps;
  #trustedSince: number;

  constructor(options: SettlementOptions) {
    this.#o = options;
    this.#startedAt = this.#trustedSince = options.clock.now();
    this.#jumps = new ClockJumps(options.clock);
  }

  /** The wall clock jumped: no order expires unseen for its sake. */
  clockJumped(): void {
    this.#trustedSince = this.#o.clock.now();
  }

  /**
   * Asks the wallet about an invoice. A payment, or the expiry of its order, is stored with all that follows from it in
   * one transaction; so is when to ask next. Whoever calls this twice changes nothing the second time. `listedBy`: a wallet
   * whose list has it as paid is asked instead of the one that made it (a connection that was set up anew).
   */
  async lookUp(invoiceId: string, signal: AbortSignal, listedBy?: Wallet): Promise<LookedUp> {
    const invoice = await findInvoice(this.#o.database.kysely, invoiceId);
    if (!invoice || invoice.payment_hash === null || invoice.bolt11 === null) return "unknown";
    if (invoice.state === "paid") return "paid";
    const askedAt = this.#o.clock.now();
    const status = await this.#ask(invoice, signal, listedBy);
    // That another wallet doesn't know it says nothing of whether it is paid.
    if (listedBy && listedBy.id !== invoice.wallet && status?.status !== "settled") return "unknown";
    return await this.#o.database.transaction((tx) => this.#book(tx, invoice, status, askedAt));
  }

  /** Null when the wallet couldn't say. */
  async #ask(invoice: InvoiceRow, signal: AbortSignal, listedBy?: Wallet): Promise<InvoiceStatus | null> {
    const { clock, log } = this.#o;
    const fields = { invoice: invoice.id, order: invoice.order_id };
    try {
      const wallet = listedBy ?? this.#walletFor(invoice);
      using deadline = new Deadline(clock, ANSWER_MS, signal);
      const status = await wallet.lookup({
        paymentHash: invoice.payment_hash!,
        bolt11: invoice.bolt11!,
        createdAt: invoice.created_at,
        ref: invoice.wallet_ref,
      }, deadline.signal);
      if (status.status === "settled" && status.amountMsat !== null && status.amountMsat <= 0n) {
        throw new WalletError("bad_answer", "the wallet says that a payment of nothing arrived");
      }
      return status;
    } catch (error) {
      log.warn("invoice.look_up_failed", { ...fields, error: errorText(error) });
      return null;
    }
  }

  #walletFor(invoice: InvoiceRow): Wallet {
    const wallet = this.#o.walletsOf(invoice.merchant).find(({ id }) => id === invoice.wallet);
    if (wallet) return wallet;
    throw new WalletError(
      "unreachable",
      `the invoice was made by the wallet ${invoice.wallet}, which isn't set up any more`,
    );
  }

  async #book(tx: Tx, seen: InvoiceRow, status: InvoiceStatus | null, askedAt: number): Promise<LookedUp> {
    const order = await this.#o.orders.orderOf(tx, seen.order_id);
    const invoice = await lockInvoice(tx, seen.id);
    if (!invoice || invoice.state === "paid") return "paid";
    if (status?.status === "settled") return await this.#paid(tx, invoice, order, status);
    // Looked at here as well: an order mustn't expire before anybody else has noticed.
    if (this.#jumps.look() !== 0) this.clockJumped();
    const now = this.#o.clock.now();
    if (invoice.hold === 1 && status !== null) {
      const done = await this.#ofHold(tx, invoice, order, status, now);
      if (done !== null) return done;
    }
    const watched: Watched = {
      createdAt: invoice.created_at,
      expiresAt: invoice.expires_at!,
      orderExpiresAt: order?.expires_at ?? null,
    };
    const next = nextLookUpAt(watched, now, status !== null);
    const answered = status !== null && status.status !== "held" &&
      !(status.status === "not_found" && askedAt < invoice.created_at + NEW_MS);
    const onHold = order !== undefined && isHeldBy(order, invoice.id);
    const waits = invoice.state === "open" || onHold;
    const over = waits && status?.status !== "held" && mayExpire({
      dueAt: dueAt(watched),
      answeredAt: answered ? askedAt : null,
      onHold,
      madeAt: invoice.created_at,
      startedAt: this.#startedAt,
      trustedSince: this.#trustedSince,
      now,
    });
    if (!over || (order && await comesOnChain(tx, order, now))) {
      // What an order still waits for is asked about however far the clock seems to be past its end.
      const soon = now + UNDECIDED_MS;
      await setNextLookUp(tx, invoice.id, waits ? Math.min(next ?? soon, soon) : next);
      return answered ? "unpaid" : "unknown";
    }
    await setInvoiceState(tx, invoice.id, { state: "expired", nextLookUpAt: next }, now);
    if (order && (onHold || isUnpaid(order))) {
      await this.#o.orders.apply(tx, order, { type: "expired" }, now);
    }
    return "expired";
  }

  /** What a hold invoice has beside others. Null: nothing that couldn't be said of any. */
  async #ofHold(
    tx: Tx,
    invoice: InvoiceRow,
    order: OrderRow | undefined,
    { status }: InvoiceStatus,
    now: number,
  ): Promise<LookedUp | null> {
    const { orders, log } = this.#o;
    if (status === "held") {
      const how = order && this.#canTake(invoice)
        ? await orders.paymentHeld(tx, { order, invoice: invoice.id, now })
        : "give back";
      await endHold(tx, invoice, how, now);
      await setNextLookUp(tx, invoice.id, now + HELD_MS);
      return "unpaid";
    }
    if (status !== "cancelled" && status !== "expired") return null;
    if (!order || !isHeldBy(order, invoice.id)) return null;
    // Taken too late, or the wallet let it go: the customer has the money, so the order ends.
    log.warn("invoice.hold_gone", { invoice: invoice.id, order: order.id });
    await setInvoiceState(tx, invoice.id, { state: "expired", nextLookUpAt: null }, now);
    await orders.apply(tx, order, { type: "expired" }, now);
    return "expired";
  }

  /** One whose id isn't known any more (a restored backup) has a preimage that isn't known, either. */
  #canTake({ id, payment_hash: paymentHash }: InvoiceRow): boolean {
    const { held } = this.#o;
    return !held || hashOf(held.preimage(id)) === paymentHash;
  }

  async #paid(
    tx: Tx,
    invoice: InvoiceRow,
    order: OrderRow | undefined,
    status: SettledStatus,
  ): Promise<LookedUp> {
    const { random, clock, log } = this.#o;
    const now = clock.now();
    const { amountMsat, doubt } = believedAmount(status, BigInt(invoice.amount_msat));
    const payment = {
      id: random.uuid(),
      merchant: invoice.merchant,
      wallet: invoice.wallet,
      paymentHash: invoice.payment_hash!,
      invoiceId: invoice.id,
      amountMsat,
      settledAt: Math.min(status.settledAt, now),
      now,
    };
    await setInvoiceState(tx, invoice.id, { state: "paid", nextLookUpAt: null }, now);
    const first = order
      ? await recordPayment(tx, { ...payment, orderId: order.id })
      : await recordUnmatched(tx, payment, `Its order, ${invoice.order_id}, isn't in the books any more.`);
    const fields = { invoice: invoice.id, order: invoice.order_id };
    if (doubt !== null) log.warn("payment.amount_doubted", { ...fields, said: String(status.amountMsat) });
    if (order) {
      const arrived = first ? amountMsat : await this.#claim(tx, invoice, order);
      const { settledAt: paidAt } = payment;
      if (arrived !== null) await this.#arrived(tx, order, { amountMsat: arrived, paidAt, now }, doubt);
    }
    log.info("payment.recorded", { ...fields, matched: order !== undefined, first });
    return "paid";
  }

  async #arrived(
    tx: Tx,
    order: OrderRow,
    arrived: { amountMsat: bigint; paidAt: number; now: number },
    doubt: string | null,
  ): Promise<void> {
    const { orders } = this.#o;
    const noted = doubt === null
      ? order
      : (await orders.apply(tx, order, { type: "noted", text: doubt }, arrived.now)).order;
    await orders.paymentArrived(tx, { ...arrived, order: noted });
  }

  /** The payment was found before its invoice was known. Null when it is somebody's already. */
  async #claim(tx: Tx, invoice: InvoiceRow, order: OrderRow): Promise<bigint | null> {
    const payment = await lockPaymentByHash(tx, invoice.payment_hash!);
    if (!payment || !isUnassigned(payment)) return null;
    await matchPayment(tx, payment.id, { orderId: order.id, invoiceId: invoice.id });
    return BigInt(payment.amount_msat);
  }
}
