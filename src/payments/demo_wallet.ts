import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { type Clock, seconds } from "../clock.ts";
import { errorText, type Log } from "../log.ts";
import type { Msat } from "../money/msat.ts";
import type { Random } from "../random.ts";
import { encodeBolt11 } from "./bolt11.ts";
import { type DemoCall, DemoFaults } from "./demo_faults.ts";
import { descriptionHash } from "./lnurl.ts";
import { DemoPaying, type DemoPayment } from "./demo_paying.ts";
import { type DemoInvoice, type DemoJournal, DemoLedger } from "./demo_ledger.ts";
import {
  type CreatedInvoice,
  type IncomingPage,
  type IncomingQuery,
  type InvoiceRef,
  type InvoiceRequest,
  type InvoiceStatus,
  type OutgoingPayment,
  type OutgoingRef,
  type OutgoingStatus,
  type PaidOut,
  type PaymentHint,
  type Wallet,
  type WalletCaps,
  WalletError,
  type WalletInfo,
} from "./wallet.ts";

export type Settled = { ok: true; preimage: string; amountMsat: Msat } | { ok: false; reason: string };

/** Payments on one page of its list. */
const LISTED_AT_ONCE = 20;

/**
 * A wallet without a network: it issues valid BOLT11 invoices of regtest, signed by a key of its own, and says that one is
 * paid when it is told so by `settle()`. With a journal it remembers its invoices over a restart. No money moves.
 */
export class DemoWallet implements Wallet {
  readonly id = "demo";
  readonly kind = "demo";
  readonly caps: WalletCaps = {
    unit: "msat",
    expiry: true,
    descriptionHash: true,
    subscribe: "live",
    cancel: false,
    hold: false,
    pay: true,
  };
  /** What the next calls do wrong, for tests. */
  readonly faults = new DemoFaults();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #ledger: DemoLedger;
  readonly #paying = new DemoPaying();
  readonly #nodeKey: Uint8Array;
  readonly #closed = new AbortController();
  readonly #listeners = new Set<(hint: PaymentHint) => void>();

  constructor(o: { clock: Clock; random: Random; log: Log; journal?: DemoJournal | null }) {
    this.#clock = o.clock;
    this.#random = o.random;
    this.#log = o.log;
    this.#ledger = new DemoLedger(o.journal ?? null);
    this.#nodeKey = o.random.bytes(32);
  }

  describe(): string {
    return "demo wallet (no real money)";
  }

  probe(signal: AbortSignal): Promise<WalletInfo> {
    return this.#answer(
      "probe",
      signal,
      () => Promise.resolve({ network: "bcrt", alias: "demo", methods: ["make_invoice", "lookup_invoice"] }),
    );
  }

  createInvoice(request: InvoiceRequest, signal: AbortSignal): Promise<CreatedInvoice> {
    return this.#answer("createInvoice", signal, () => this.#make(request), request.onLate);
  }

  lookup(invoice: InvoiceRef, signal: AbortSignal): Promise<InvoiceStatus> {
    return this.#answer("lookup", signal, async () => {
      const known = await this.#ledger.find(invoice.paymentHash);
      if (!known) return { status: "not_found" };
      if (known.settled) {
        return { status: "settled", amountMsat: known.settled.amountMsat, settledAt: known.settled.at };
      }
      return { status: known.expiresAt <= this.#clock.now() ? "expired" : "open" };
    });
  }

  /** What was paid in that time, the newest invoices first. */
  listIncoming({ since, until, offset }: IncomingQuery, signal: AbortSignal): Promise<IncomingPage> {
    return this.#answer("listIncoming", signal, async () => {
      const all = (await this.#ledger.all()).filter(({ settled }) =>
        settled !== null && settled.at >= since && settled.at <= until
      ).reverse();
      const settled = all.slice(offset, offset + LISTED_AT_ONCE).map((invoice) => ({
        paymentHash: invoice.paymentHash,
        bolt11: invoice.bolt11,
        description: invoice.description ?? null,
        createdAt: invoice.createdAt ?? null,
      }));
      const next = offset + settled.length;
      return { settled, next: next < all.length ? next : null };
    });
  }

  /** Pays an invoice of a wallet that it was made known to, once, and one that names no amount with the amount given. */
  pay(payment: OutgoingPayment, signal: AbortSignal): Promise<PaidOut> {
    return this.#answer("pay", signal, () => this.#paying.pay(payment));
  }

  lookupPayment({ paymentHash }: OutgoingRef, signal: AbortSignal): Promise<OutgoingStatus> {
    return this.#answer("lookupPayment", signal, () => this.#paying.lookup(paymentHash));
  }

  /** Makes a wallet reachable whose invoices it can pay: there is no network. */
  reaches(payee: DemoWallet): void {
    this.#paying.reaches(payee);
  }

  /** Every payment that it made, oldest first: books of its own, to compare with the shop's. */
  payments(): DemoPayment[] {
    return this.#paying.all();
  }

  subscribe(onHint: (hint: PaymentHint) => void): () => void {
    this.#listeners.add(onHint);
    return () => this.#listeners.delete(onHint);
  }

  /**
   * Pays an invoice, named by its text or hash, as somebody's wallet would: only once and only before it expires. `late` pays an
   * expired one, `amountMsat` another amount than asked for, and `silently` without a hint.
   */
  async settle(
    ref: string,
    o: { late?: boolean; amountMsat?: Msat; silently?: boolean } = {},
  ): Promise<Settled> {
    const invoice = await this.#ledger.find(ref);
    if (!invoice) return { ok: false, reason: "the demo wallet has no such invoice" };
    const now = this.#clock.now();
    if (invoice.expiresAt <= now && !o.late) return { ok: false, reason: "it has expired" };
    const amountMsat = o.amountMsat ?? invoice.amountMsat;
    const first = await this.#ledger.settle(invoice, { at: now, amountMsat });
    if (!first) return { ok: false, reason: "it is paid already" };
    if (!o.silently) this.hint({ paymentHash: invoice.paymentHash });
    return { ok: true, preimage: invoice.preimage, amountMsat };
  }

  /** Tells the listeners something, true or not. */
  hint(hint: PaymentHint): void {
    for (const listener of this.#listeners) listener(hint);
  }

  /** Every invoice it made, oldest first: books of its own, to compare with the shop's. */
  invoices(): Promise<DemoInvoice[]> {
    return this.#ledger.all();
  }

  close(): Promise<void> {
    this.#closed.abort();
    this.#listeners.clear();
    return Promise.resolve();
  }

  async #make(request: InvoiceRequest): Promise<CreatedInvoice> {
    const preimage = this.#random.bytes(32);
    const paymentHash = bytesToHex(sha256(preimage));
    const timestamp = seconds(this.#clock.now());
    const bolt11 = encodeBolt11({
      network: "bcrt",
      amountMsat: request.amountMsat,
      timestamp,
      paymentHash,
      paymentSecret: bytesToHex(this.#random.bytes(32)),
      ...(request.hashedText === undefined
        ? { description: request.description }
        : { descriptionHash: descriptionHash(request.hashedText) }),
      expirySeconds: request.expirySeconds,
    }, this.#nodeKey);
    await this.#ledger.add({
      bolt11,
      paymentHash,
      preimage: bytesToHex(preimage),
      amountMsat: request.amountMsat,
      description: request.description,
      createdAt: timestamp * 1000,
      expiresAt: (timestamp + request.expirySeconds) * 1000,
      settled: null,
    });
    return { bolt11, paymentHash };
  }

  async #answer<T>(
    call: DemoCall,
    signal: AbortSignal,
    work: () => Promise<T>,
    late?: (value: T) => void,
  ): Promise<T> {
    const fault = this.faults.take(call);
    if (signal.aborted || this.#closed.signal.aborted) {
      throw new WalletError("unreachable", "the demo wallet wasn't asked");
    }
    if (fault?.do === "fail") {
      throw new WalletError(fault.kind, `the demo wallet was told to fail (${fault.kind})`);
    }
    if (fault?.do === "drop") {
      await ended(signal);
      throw new WalletError("no_answer", "the demo wallet didn't answer in time");
    }
    const value = await work();
    if (fault === undefined) return value;
    if (fault.do === "lie") return fault.say(value) as T;
    const over = ended(signal);
    const slow = fault.do === "lose" ? over : this.#clock.sleep(fault.ms, this.#closed.signal);
    await Promise.race([slow, over]);
    if (!signal.aborted) return value;
    if (fault.do === "delay" && late) {
      slow.then(() => this.#closed.signal.aborted || late(value))
        .catch((error) => this.#log.error("demo_wallet.late_answer_failed", { error: errorText(error) }));
    }
    throw new WalletError("no_answer", "the demo wallet didn't answer in time");
  }
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
