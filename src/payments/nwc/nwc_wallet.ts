import { seconds } from "../../clock.ts";
import type { Clock } from "../../clock.ts";
import type { Log } from "../../log.ts";
import type { RelayPool } from "../../nostr/relay_pool.ts";
import type { MerchantSigner } from "../../nostr/signer.ts";
import type { Verifier } from "../../nostr/verify.ts";
import type { Random } from "../../random.ts";
import {
  type CreatedInvoice,
  type IncomingPage,
  type IncomingQuery,
  type InvoiceRef,
  type InvoiceRequest,
  type InvoiceStatus,
  type Network,
  type OutgoingPayment,
  type OutgoingRef,
  type OutgoingStatus,
  type PaidOut,
  type PaymentHint,
  type Wallet,
  type WalletCaps,
  WalletError,
  type WalletInfo,
} from "../wallet.ts";
import { NwcChannel } from "./channel.ts";
import { NwcInfoSource } from "./info_source.ts";
import { NwcError, readNotification } from "./messages.ts";
import { lookUpPayment, type NwcAsking, payInvoice } from "./paying.ts";
import { NwcRequests } from "./requests.ts";
import { incomingOf, statusOf } from "./transaction.ts";
import { describeNwcUri, type NwcUri } from "./uri.ts";

/** The same payment is told under both notification kinds, and by several relays. */
const DEAF_AFTER = 3;
const SAME_HINT_MS = 2_000;
const MOST_HINTS = 1_000;
/** Transactions a page, and pages, where `lookup_invoice` isn't offered. */
const PAGE = 20;
const MOST_PAGES = 5;

export interface NwcWalletOptions {
  uri: NwcUri;
  /** A signer with the connection's secret. */
  signer: MerchantSigner;
  /** A pool of that key. The wallet closes it. */
  pool: RelayPool;
  verifier: Verifier;
  clock: Clock;
  random: Random;
  log: Log;
}

/**
 * Nostr Wallet Connect (NIP-47): `make_invoice`, `lookup_invoice` or `list_transactions`, notifications as hints, and
 * `pay_invoice` where the connection allows it.
 */
export class NwcWallet implements Wallet {
  readonly id: string;
  readonly kind = "nwc";
  readonly caps: WalletCaps = {
    unit: "msat",
    expiry: true,
    descriptionHash: true,
    subscribe: "live",
    cancel: false,
    hold: false,
    pay: true,
  };
  readonly #o: NwcWalletOptions;
  readonly #log: Log;
  readonly #channel: NwcChannel;
  readonly #requests: NwcRequests;
  readonly #info: NwcInfoSource;
  readonly #asking: NwcAsking = {
    methods: async (signal) => (await this.#info.get(signal)).methods,
    ask: (method, params, signal, o) => this.#ask(method, params, signal, undefined, o?.once),
  };
  readonly #listeners = new Set<(hint: PaymentHint) => void>();
  readonly #hinted = new Map<string, number>();
  /** Requests in a row that were taken and not answered. */
  #unanswered = 0;
  /** What the wallet turned out not to offer, whatever it says. */
  #withoutLookup = false;

  constructor(options: NwcWalletOptions) {
    const { uri, log } = options;
    this.#o = options;
    this.id = `nwc:${uri.walletPubkey.slice(0, 16)}`;
    this.#log = log.child({ wallet: this.id });
    const connection = { ...options, walletPubkey: uri.walletPubkey, relays: uri.relays, log: this.#log };
    this.#info = new NwcInfoSource(connection);
    this.#requests = new NwcRequests(connection);
    this.#channel = new NwcChannel({
      ...connection,
      onResponse: (id, text) => {
        this.#unanswered = 0;
        this.#requests.answered(id, text);
      },
      onNotification: (text) => this.#notified(text),
      onGap: () => this.#tell({}),
    });
  }

  describe(): string {
    return describeNwcUri(this.#o.uri);
  }

  async probe(signal: AbortSignal): Promise<WalletInfo> {
    this.#info.forget();
    const { methods } = await this.#info.get(signal);
    if (!methods.includes("make_invoice")) {
      throw new WalletError("not_implemented", "the wallet connection doesn't allow make_invoice");
    }
    if (!methods.includes("lookup_invoice") && !methods.includes("list_transactions")) {
      throw new WalletError(
        "not_implemented",
        "the wallet connection allows neither lookup_invoice nor list_transactions",
      );
    }
    if (!methods.includes("get_info")) return { network: null, alias: null, methods };
    const info = await this.#ask("get_info", {}, signal);
    return {
      network: typeof info.network === "string" ? NETWORKS[info.network.toLowerCase()] ?? null : null,
      alias: typeof info.alias === "string" ? info.alias.slice(0, 100) : null,
      methods,
    };
  }

  async createInvoice(request: InvoiceRequest, signal: AbortSignal): Promise<CreatedInvoice> {
    const params = {
      amount: Number(request.amountMsat),
      description: request.description,
      expiry: request.expirySeconds,
    };
    const late = (result: Record<string, unknown>) => {
      const created = createdOf(result);
      if (created) request.onLate?.(created);
    };
    const created = createdOf(await this.#ask("make_invoice", params, signal, late));
    if (!created) throw new WalletError("bad_answer", "the wallet's answer to make_invoice has no invoice");
    return created;
  }

  async lookup(invoice: InvoiceRef, signal: AbortSignal): Promise<InvoiceStatus> {
    const { methods } = await this.#info.get(signal);
    const lists = methods.includes("list_transactions");
    if (!this.#withoutLookup && (methods.includes("lookup_invoice") || !lists)) {
      try {
        const result = await this.#ask("lookup_invoice", { payment_hash: invoice.paymentHash }, signal);
        const status = statusOf(result, invoice.paymentHash, this.#o.clock.now());
        if (status) return status;
        // A payment of our own to ourselves, or another invoice's: the list tells which.
        if (!lists) return { status: "not_found" };
      } catch (error) {
        if (error instanceof NwcError && error.code === "NOT_FOUND") return { status: "not_found" };
        if (!(error instanceof NwcError && error.code === "NOT_IMPLEMENTED" && lists)) throw error;
        this.#withoutLookup = true;
      }
    }
    return await this.#findInList(invoice, signal);
  }

  async listIncoming({ since, until, offset }: IncomingQuery, signal: AbortSignal): Promise<IncomingPage> {
    const { methods } = await this.#info.get(signal);
    if (!methods.includes("list_transactions")) {
      throw new WalletError("not_implemented", "the wallet connection doesn't allow list_transactions");
    }
    const params = { from: seconds(since), until: seconds(until) + 1, limit: PAGE, offset, type: "incoming" };
    const transactions = await this.#list(params, signal);
    // Some wallets give fewer than asked for, so that only an empty page is the end.
    return {
      settled: transactions.flatMap((one) => incomingOf(one, this.#o.clock.now()) ?? []),
      next: transactions.length === 0 ? null : offset + transactions.length,
    };
  }

  pay(payment: OutgoingPayment, signal: AbortSignal): Promise<PaidOut> {
    return payInvoice(this.#asking, payment, signal);
  }

  lookupPayment(payment: OutgoingRef, signal: AbortSignal): Promise<OutgoingStatus> {
    return lookUpPayment(this.#asking, payment, signal);
  }

  subscribe(onHint: (hint: PaymentHint) => void): () => void {
    this.#listeners.add(onHint);
    this.#channel.open();
    return () => this.#listeners.delete(onHint);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#channel.close();
    await this.#o.pool.close();
  }

  async #findInList({ paymentHash, createdAt }: InvoiceRef, signal: AbortSignal): Promise<InvoiceStatus> {
    const from = seconds(createdAt) - 60;
    for (let page = 0; page < MOST_PAGES; page++) {
      const params = { from, limit: PAGE, offset: page * PAGE, unpaid: true, type: "incoming" };
      const transactions = await this.#list(params, signal);
      for (const transaction of transactions) {
        const status = statusOf(transaction, paymentHash, this.#o.clock.now());
        if (status) return status;
      }
      if (transactions.length < PAGE) break;
    }
    return { status: "not_found" };
  }

  async #list(params: Record<string, unknown>, signal: AbortSignal): Promise<unknown[]> {
    const { transactions } = await this.#ask("list_transactions", params, signal);
    if (!Array.isArray(transactions)) {
      throw new WalletError("bad_answer", "the wallet's list of transactions is none");
    }
    return transactions;
  }

  async #ask(
    method: string,
    params: Record<string, unknown>,
    signal: AbortSignal,
    onLate?: (result: Record<string, unknown>) => void,
    once = false,
  ): Promise<Record<string, unknown>> {
    await this.#ready(signal);
    for (let first = true;; first = false) {
      const { cipher } = await this.#info.get(signal);
      if (!cipher) throw new WalletError("not_implemented", "the wallet knows neither NIP-44 nor NIP-04");
      try {
        return await this.#requests.send({ method, params, cipher, onLate, once }, signal);
      } catch (error) {
        if (error instanceof WalletError && error.kind === "no_answer") this.#missing();
        if (!first || !(error instanceof NwcError) || error.code !== "UNSUPPORTED_ENCRYPTION") throw error;
        // Its info event may have changed since we read it.
        this.#info.forget();
      }
    }
  }

  /** The wallet may be down. Or a relay has forgotten our subscription, and would keep every answer from us for ever. */
  #missing(): void {
    if (++this.#unanswered % DEAF_AFTER === 0) this.#channel.again();
  }

  async #ready(signal: AbortSignal): Promise<void> {
    try {
      await this.#channel.ready(signal);
    } catch {
      // The signal's reason says only that time is up; the relays' states say why.
      const states = this.#o.pool.status().map((relay) =>
        `${new URL(relay.url).host} ${relay.error ?? relay.state}`
      );
      throw new WalletError(
        "unreachable",
        `no relay of the wallet can be reached: ${states.join("; ") || "none tried"}`,
      );
    }
  }

  #notified(text: string): void {
    const paymentHash = readNotification(text);
    if (paymentHash === undefined) return;
    // Unreadable, yet authentic: something happened.
    if (paymentHash === null) return this.#tell({});
    const now = this.#o.clock.now();
    const before = this.#hinted.get(paymentHash);
    if (before !== undefined && now - before < SAME_HINT_MS) return;
    this.#hinted.set(paymentHash, now);
    if (this.#hinted.size > MOST_HINTS) this.#hinted.delete(this.#hinted.keys().next().value!);
    this.#tell({ paymentHash });
  }

  #tell(hint: PaymentHint): void {
    for (const listener of this.#listeners) listener(hint);
  }
}

/** NIP-47 says mainnet, testnet, signet, regtest; the others are seen, too. */
const NETWORKS: Record<string, Network> = {
  mainnet: "bc",
  bitcoin: "bc",
  testnet: "tb",
  signet: "tbs",
  mutinynet: "tbs",
  regtest: "bcrt",
};

function createdOf(result: Record<string, unknown>): CreatedInvoice | null {
  const { invoice, payment_hash: hash } = result;
  if (typeof invoice !== "string" || invoice === "") return null;
  return {
    bolt11: invoice.replace(/^lightning:/i, ""),
    paymentHash: typeof hash === "string" && hash !== "" ? hash : null,
  };
}
