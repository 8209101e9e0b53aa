import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { type Clock, seconds } from "../../clock.ts";
import type { Log } from "../../log.ts";
import type { RelayPool } from "../../nostr/relay_pool.ts";
import type { MerchantSigner } from "../../nostr/signer.ts";
import type { Verifier } from "../../nostr/verify.ts";
import type { Random } from "../../random.ts";
import {
  type CreatedInvoice,
  type HoldInvoices,
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
} from "../wallet.ts";
import type { AskOptions, NwcAsking } from "./asking.ts";
import { NwcChannel } from "./channel.ts";
import { canHold, holdInvoices } from "./holding.ts";
import { NwcInfoSource } from "./info_source.ts";
import { findTransaction, listPage } from "./listing.ts";
import { makeInvoice } from "./making.ts";
import { NwcError, readNotification } from "./messages.ts";
import { lookUpPayment, payInvoice } from "./paying.ts";
import { probeConnection } from "./probing.ts";
import { NwcRequests } from "./requests.ts";
import { incomingOf, statusOf } from "./transaction.ts";
import { describeNwcUri, type NwcUri } from "./uri.ts";

/** Requests in a row without an answer, until the subscriptions are begun anew. */
const DEAF_AFTER = 3;
/** The same payment is told under both notification kinds, and by several relays. */
const SAME_HINT_MS = 2_000;
const MOST_HINTS = 1_000;

/** What the protocol has. Of `hold` the connection's own methods tell, once they are known. */
const CAPS: WalletCaps = {
  unit: "msat",
  expiry: true,
  descriptionHash: true,
  subscribe: "live",
  cancel: false,
  hold: false,
  pay: true,
};

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
 * Nostr Wallet Connect (NIP-47): `make_invoice`, `lookup_invoice` or `list_transactions`, notifications as hints, `pay_invoice` and
 * hold invoices where the connection allows them.
 */
export class NwcWallet implements Wallet {
  readonly id: string;
  readonly kind = "nwc";
  readonly #o: NwcWalletOptions;
  readonly #log: Log;
  readonly #channel: NwcChannel;
  readonly #requests: NwcRequests;
  readonly #info: NwcInfoSource;
  readonly #asking: NwcAsking = {
    methods: async (signal) => (await this.#info.get(signal)).methods,
    ask: (method, params, signal, o) => this.#ask(method, params, signal, o),
  };
  readonly #hold = holdInvoices(
    this.#asking,
    (paymentHash, signal) => this.lookup({ paymentHash, bolt11: "", createdAt: 0 }, signal),
  );
  readonly #listeners = new Set<(hint: PaymentHint) => void>();
  readonly #hinted = new Map<string, number>();
  /** Requests in a row that were taken and not answered, since the subscription is the same. */
  #unanswered = 0;
  /** What the wallet turned out not to offer, whatever it says. */
  #withoutLookup = false;

  constructor(options: NwcWalletOptions) {
    const { uri, log } = options;
    this.#o = options;
    // A service may have one key for all its accounts: only both keys together name one.
    const keys = utf8ToBytes(`${uri.walletPubkey} ${options.signer.pubkey}`);
    this.id = `nwc:${bytesToHex(sha256(keys)).slice(0, 16)}`;
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

  get caps(): WalletCaps {
    return { ...CAPS, hold: canHold(this.#info.last?.methods ?? []) };
  }

  get hold(): HoldInvoices | undefined {
    return this.caps.hold ? this.#hold : undefined;
  }

  describe(): string {
    return describeNwcUri(this.#o.uri);
  }

  async probe(signal: AbortSignal): Promise<WalletInfo> {
    await this.#info.fresh(signal);
    return await probeConnection(this.#asking, signal);
  }

  createInvoice(request: InvoiceRequest, signal: AbortSignal): Promise<CreatedInvoice> {
    return makeInvoice(this.#asking, request, signal);
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
    const params = { from: seconds(since), until: seconds(until) + 1, offset, type: "incoming" };
    const transactions = await listPage(this.#asking, params, signal);
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
    const found = (one: unknown) => statusOf(one, paymentHash, this.#o.clock.now());
    const status = await findTransaction(this.#asking, { createdAt, type: "incoming" }, found, signal);
    return status ?? { status: "not_found" };
  }

  async #ask(
    method: string,
    params: Record<string, unknown>,
    signal: AbortSignal,
    o: AskOptions = {},
  ): Promise<Record<string, unknown>> {
    await this.#ready(signal);
    for (let first = true;; first = false) {
      const { cipher } = await this.#info.get(signal);
      const { session } = this.#channel;
      if (!cipher) throw new WalletError("not_implemented", "the wallet knows neither NIP-44 nor NIP-04");
      try {
        return await this.#requests.send({ method, params, cipher, ...o }, signal);
      } catch (error) {
        if (error instanceof WalletError && error.kind === "no_answer") this.#missing(session);
        if (!first || !(error instanceof NwcError) || error.code !== "UNSUPPORTED_ENCRYPTION") throw error;
        // Its info event may have changed since we read it.
        await this.#info.fresh(signal);
      }
    }
  }

  /** The wallet may be down. Or a relay has forgotten our subscription, and would keep every answer from us for ever. */
  #missing(session: number): void {
    // What was asked before says nothing about a subscription that is new.
    if (session !== this.#channel.session || ++this.#unanswered < DEAF_AFTER) return;
    this.#unanswered = 0;
    this.#channel.again();
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
