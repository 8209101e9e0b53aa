import {
  type CreatedInvoice,
  type HoldInvoices,
  type HookRead,
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

/** A wallet that remembers whether it answered last, for health and metrics. */
export class ObservedWallet implements Wallet {
  readonly id: string;
  readonly kind: string;
  readonly subscribe?: (onHint: (hint: PaymentHint) => void) => () => void;
  readonly listIncoming?: (query: IncomingQuery, signal: AbortSignal) => Promise<IncomingPage>;
  readonly pay?: (payment: OutgoingPayment, signal: AbortSignal) => Promise<PaidOut>;
  readonly lookupPayment?: (payment: OutgoingRef, signal: AbortSignal) => Promise<OutgoingStatus>;
  readonly cancel?: (invoice: InvoiceRef, signal: AbortSignal) => Promise<void>;
  readonly readHook?: (headers: Headers, raw: Uint8Array) => HookRead;
  readonly #wallet: Wallet;
  #up: boolean | null = null;
  #error: string | null = null;
  #network: string | null = null;

  constructor(wallet: Wallet) {
    this.#wallet = wallet;
    this.id = wallet.id;
    this.kind = wallet.kind;
    if (wallet.subscribe) this.subscribe = (onHint) => wallet.subscribe!(onHint);
    if (wallet.listIncoming) {
      this.listIncoming = (query, signal) => this.#observe(wallet.listIncoming!(query, signal), signal);
    }
    if (wallet.cancel) {
      this.cancel = (invoice, signal) => this.#observe(wallet.cancel!(invoice, signal), signal);
    }
    if (wallet.readHook) this.readHook = (headers, raw) => wallet.readHook!(headers, raw);
    if (wallet.pay) this.pay = (payment, signal) => this.#observe(wallet.pay!(payment, signal), signal);
    if (wallet.lookupPayment) {
      this.lookupPayment = (payment, signal) => this.#observe(wallet.lookupPayment!(payment, signal), signal);
    }
  }

  /** The wallet that is observed. */
  get inner(): Wallet {
    return this.#wallet;
  }

  /** Null until it was asked for the first time. */
  get up(): boolean | null {
    return this.#up;
  }

  /** What it said when it didn't answer; null when it does. */
  get error(): string | null {
    return this.#error;
  }

  /** The network of its money, as its last probe said; null when it didn't. */
  get network(): string | null {
    return this.#network;
  }

  get caps(): WalletCaps {
    return this.#wallet.caps;
  }

  get hold(): HoldInvoices | undefined {
    const { hold } = this.#wallet;
    return hold && {
      create: (request, signal) => this.#observe(hold.create(request, signal), signal),
      settle: (preimage, signal) => this.#observe(hold.settle(preimage, signal), signal),
      cancel: (paymentHash, signal) => this.#observe(hold.cancel(paymentHash, signal), signal),
    };
  }

  describe(): string {
    return this.#wallet.describe();
  }

  async probe(signal: AbortSignal): Promise<WalletInfo> {
    const info = await this.#observe(this.#wallet.probe(signal), signal);
    this.#network = info.network;
    return info;
  }

  createInvoice(request: InvoiceRequest, signal: AbortSignal): Promise<CreatedInvoice> {
    return this.#observe(this.#wallet.createInvoice(request, signal), signal);
  }

  lookup(invoice: InvoiceRef, signal: AbortSignal): Promise<InvoiceStatus> {
    return this.#observe(this.#wallet.lookup(invoice, signal), signal);
  }

  close(): Promise<void> {
    return this.#wallet.close();
  }

  async #observe<T>(call: Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      const answer = await call;
      this.#up = true;
      this.#error = null;
      return answer;
    } catch (error) {
      // A refusal is an answer; a call that we broke off says nothing.
      const silent = error instanceof WalletError && error.kind !== "refused" &&
        error.kind !== "not_implemented";
      if (silent && !(signal.aborted && error.kind !== "no_answer")) {
        this.#up = false;
        this.#error = error.message;
      }
      throw error;
    }
  }
}
