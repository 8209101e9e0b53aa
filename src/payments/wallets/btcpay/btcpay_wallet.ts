import type { Clock } from "../../../clock.ts";
import { errorText, type Log } from "../../../log.ts";
import { Deadline } from "../../../nostr/deadline.ts";
import { decodeBolt11 } from "../../bolt11.ts";
import {
  type CreatedInvoice,
  type HookRead,
  type IncomingPage,
  type IncomingQuery,
  type InvoiceRef,
  type InvoiceRequest,
  type InvoiceStatus,
  type Network,
  type PaymentLink,
  type Wallet,
  type WalletCaps,
  WalletError,
  type WalletInfo,
} from "../../wallet.ts";
import { WalletHttp } from "../wallet_http.ts";
import {
  apiKey,
  btcOfMsat,
  type InvoiceData,
  invoiceData,
  invoiceList,
  msatOfBtc,
  type PaymentMethod,
  paymentMethods,
  read,
  readyMethod,
  receivedBy,
} from "./answers.ts";
import { readBtcpayHook } from "./hook.ts";
import { BtcpayPayouts } from "./payouts.ts";
import { FOR_INVOICES, FOR_REFUNDS, lacking, permissionsFor, spends } from "./permissions.ts";
import { moneyStatus, plainStatus } from "./status.ts";

const LIGHTNING = ["BTC-LN", "BTC-LightningNetwork"];
const CHAIN = ["BTC-CHAIN", "BTC-OnChain", "BTC"];
const LISTED_AT_ONCE = 50;
/** What a search for one invoice brings, and is looked at. */
const MOST_FOUND = 5;
/** When it is looked for an invoice whose answer was lost, and how long each look may take. */
const SOUGHT_AFTER_MS = [5_000, 25_000, 90_000];
const ANSWER_MS = 10_000;
/** Invoices that are looked for at once: an outage loses many answers. */
const MOST_SOUGHT = 50;

export interface BtcpayOptions {
  clock: Clock;
  log: Log;
  base: URL;
  store: string;
  key: string;
  webhookSecret: string | null;
  network: Network;
  /** Refunds are paid by pull payments, which the key must be allowed to make. */
  pays: boolean;
}

/** A store of a BTCPay Server (Greenfield API v1, BTCPay 2): Lightning, the chain and a page for each invoice. */
export class BtcpayWallet implements Wallet {
  readonly id: string;
  readonly kind = "btcpay";
  readonly caps: WalletCaps;
  readonly pay?: NonNullable<Wallet["pay"]>;
  readonly lookupPayment?: NonNullable<Wallet["lookupPayment"]>;
  readonly #o: BtcpayOptions;
  readonly #http: WalletHttp;
  readonly #store: string;
  readonly #closed = new AbortController();
  readonly #seeking = new Set<Promise<void>>();

  constructor(options: BtcpayOptions) {
    this.#o = options;
    this.id = `btcpay:${options.store}`;
    this.caps = {
      unit: "sat",
      // The page's is; the BOLT11's is up to the node behind it.
      expiry: false,
      descriptionHash: false,
      subscribe: "none",
      // An invoice can be marked invalid, but its BOLT11 stays payable and what comes then isn't counted.
      cancel: false,
      hold: false,
      pay: options.pays,
    };
    this.#store = `api/v1/stores/${options.store}`;
    this.#http = new WalletHttp({
      name: this.describe(),
      base: options.base,
      headers: { authorization: `token ${options.key}` },
    });
    if (!options.pays) return;
    const payouts = new BtcpayPayouts({ ...options, http: this.#http, name: this.describe() });
    this.pay = (payment, signal) => payouts.pay(payment, signal);
    this.lookupPayment = (payment, signal) => payouts.lookup(payment, signal);
  }

  describe(): string {
    return `BTCPay at ${this.#o.base.host}`;
  }

  /** Whether the key may do what this wallet is for: invoices of the store, or its pull payments. The network is what the URL says: BTCPay doesn't. */
  async probe(signal: AbortSignal): Promise<WalletInfo> {
    const { body } = await this.#http.ask("GET", "api/v1/api-keys/current", {}, signal);
    const held = permissionsFor(this.#o.store, read(apiKey, body, "what a key may").permissions);
    const missing = lacking(held, this.#o.pays ? FOR_REFUNDS : FOR_INVOICES);
    if (missing.length > 0) {
      throw new WalletError(
        "unauthorized",
        `${this.describe()}: the key may not do what is needed in this store: ${missing.join(", ")}`,
      );
    }
    return { network: this.#o.network, alias: null, methods: held, canSpend: spends(held) };
  }

  async createInvoice(request: InvoiceRequest, signal: AbortSignal): Promise<CreatedInvoice> {
    try {
      return await this.#create(request, signal);
    } catch (error) {
      if (error instanceof WalletError && error.kind === "no_answer") this.#seek(request);
      throw error;
    }
  }

  async lookup(invoice: InvoiceRef, signal: AbortSignal): Promise<InvoiceStatus> {
    const found = invoice.ref ? await this.#get(invoice.ref, signal) : await this.#find(invoice, signal);
    if (found === null) return { status: "not_found" };
    return plainStatus(found) ??
      moneyStatus(found, receivedBy(await this.#methods(found.id, signal)), this.#o.clock.now());
  }

  /** By when invoices were made. Of those that ended unpaid some have got money since. */
  async listIncoming(
    { since, until, offset }: IncomingQuery,
    signal: AbortSignal,
  ): Promise<IncomingPage> {
    const query = {
      startDate: String(Math.floor(since / 1000)),
      endDate: String(Math.ceil(until / 1000)),
      skip: String(offset),
      take: String(LISTED_AT_ONCE),
      includePaymentMethods: "true",
    };
    const list = await this.#list(query, signal);
    if (list.some((one) => !one.paymentMethods)) {
      throw new WalletError("not_implemented", `${this.describe()} lists invoices without their BOLT11`);
    }
    const settled = list.filter((one) => plainStatus(one) === null).flatMap(
      ({ id, paymentMethods, metadata, createdTime }) => {
        const bolt11 = readyMethod(paymentMethods!, LIGHTNING)?.destination ?? null;
        const decoded = bolt11 === null ? null : decodeBolt11(bolt11);
        if (!decoded?.ok) return [];
        const description = typeof metadata?.itemDesc === "string" ? metadata.itemDesc : null;
        const createdAt = createdTime ? createdTime * 1000 : null;
        return [{ paymentHash: decoded.invoice.paymentHash, bolt11, ref: id, description, createdAt }];
      },
    );
    return { settled, next: list.length < LISTED_AT_ONCE ? null : offset + list.length };
  }

  readHook(headers: Headers, raw: Uint8Array): HookRead {
    const { webhookSecret: secret, store } = this.#o;
    return readBtcpayHook(headers, raw, { secret, store });
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#http.close();
    await Promise.all(this.#seeking);
  }

  async #create(request: InvoiceRequest, signal: AbortSignal): Promise<CreatedInvoice> {
    const { amountMsat, description, expirySeconds, externalId } = request;
    const json = {
      amount: btcOfMsat(amountMsat),
      currency: "BTC",
      metadata: { orderId: externalId, itemDesc: description },
      checkout: {
        // Greenfield: whole minutes.
        expirationMinutes: Math.max(1, Math.ceil(expirySeconds / 60)),
        paymentMethods: ["BTC-LN", "BTC-CHAIN"],
        lazyPaymentMethods: false,
        // Whatever the store forgives: what is owed is for us to say.
        paymentTolerance: 0,
      },
    };
    const { status, body } = await this.#http.ask("POST", `${this.#store}/invoices`, { json }, signal);
    if (status !== 200) throw this.#refusal(status, body);
    const made = read(invoiceData, body, "an invoice");
    const methods = await this.#methods(made.id, signal).catch((error) => {
      // It exists, however little of it we have heard.
      const unheard = error instanceof WalletError && error.temporary;
      throw unheard ? new WalletError("no_answer", error.message) : error;
    });
    return this.#created(made, methods);
  }

  #created({ id, checkoutLink }: InvoiceData, methods: readonly PaymentMethod[]): CreatedInvoice {
    const lightning = readyMethod(methods, LIGHTNING);
    if (!lightning) {
      throw new WalletError(
        "busy",
        `${this.describe()} made an invoice without Lightning: is its node well?`,
      );
    }
    const chain = readyMethod(methods, CHAIN);
    const due = chain ? String(chain.due ?? "") : "";
    const links: PaymentLink[] = [
      ...(chain && (msatOfBtc(due) ?? 0n) > 0n
        ? [{ type: "btc" as const, link: `bitcoin:${chain.destination}?amount=${due}` }]
        : []),
      ...(checkoutLink ? [{ type: "url" as const, link: checkoutLink }] : []),
    ];
    // BTCPay prints the store's name and our orderId, or whatever the store's template says.
    return { bolt11: lightning.destination, paymentHash: null, ref: id, links, description: "theirs" };
  }

  #refusal(status: number, body: unknown): WalletError {
    const [first] = Array.isArray(body) ? body : [body];
    const message = String((first as { message?: unknown } | null)?.message ?? "").slice(0, 200);
    const text = `${this.describe()}${message === "" ? ` said no (HTTP ${status})` : `: ${message}`}`;
    switch (status) {
      // What goes wrong between BTCPay and its node comes by this, and passes.
      case 400:
        return new WalletError("busy", text);
      case 404:
        return new WalletError("bad_answer", `${this.describe()} has no Greenfield API there (HTTP 404)`);
      default:
        return new WalletError("refused", text);
    }
  }

  async #get(id: string, signal: AbortSignal): Promise<InvoiceData | null> {
    if (!/^[A-Za-z0-9]{1,100}$/.test(id)) return null;
    const { status, body } = await this.#http.ask("GET", `${this.#store}/invoices/${id}`, {}, signal);
    // A proxy's 404 says nothing of invoices.
    if (status === 404 && (body as { code?: unknown } | null)?.code === "invoice-not-found") return null;
    if (status !== 200) throw this.#refusal(status, body);
    const found = read(invoiceData, body, "an invoice");
    if (found.id !== id) throw new WalletError("bad_answer", `${this.describe()} answers of another invoice`);
    return found;
  }

  /** By its BOLT11, which is among an invoice's search terms; for one whose name isn't known. */
  async #find({ bolt11, paymentHash }: InvoiceRef, signal: AbortSignal): Promise<InvoiceData | null> {
    const decoded = decodeBolt11(bolt11);
    if (!decoded.ok || decoded.invoice.paymentHash !== paymentHash) return null;
    const text = bolt11.toLowerCase();
    const query = { textSearch: text, includeArchived: "true", includePaymentMethods: "true" };
    const list = await this.#list(query, signal);
    for (const one of list.slice(0, MOST_FOUND)) {
      const methods = one.paymentMethods ?? await this.#methods(one.id, signal);
      if (methods.some(({ destination }) => destination?.toLowerCase() === text)) return one;
    }
    if (list.length === 0) return null;
    throw new WalletError("bad_answer", `${this.describe()} finds other invoices by a BOLT11`);
  }

  async #list(query: Record<string, string>, signal: AbortSignal): Promise<InvoiceData[]> {
    const { status, body } = await this.#http.ask("GET", `${this.#store}/invoices`, { query }, signal);
    if (status !== 200) throw this.#refusal(status, body);
    return read(invoiceList, body, "a list of invoices");
  }

  async #methods(id: string, signal: AbortSignal): Promise<PaymentMethod[]> {
    const path = `${this.#store}/invoices/${id}/payment-methods`;
    const { status, body } = await this.#http.ask("GET", path, {}, signal);
    if (status !== 200) throw this.#refusal(status, body);
    return read(paymentMethods, body, "ways to pay");
  }

  /** An invoice may have been made though its answer was lost: it is found by our own name for it. */
  #seek({ externalId, onLate }: InvoiceRequest): void {
    if (!onLate || this.#seeking.size >= MOST_SOUGHT) return;
    const { clock, log } = this.#o;
    const seek = async () => {
      for (const ms of SOUGHT_AFTER_MS) {
        await clock.sleep(ms, this.#closed.signal);
        if (this.#closed.signal.aborted) return;
        using deadline = new Deadline(clock, ANSWER_MS, this.#closed.signal);
        try {
          const list = await this.#list({ orderId: externalId }, deadline.signal);
          const found = list.find(({ metadata }) => metadata?.orderId === externalId);
          if (!found) continue;
          return onLate(this.#created(found, await this.#methods(found.id, deadline.signal)));
        } catch (error) {
          log.debug("btcpay.not_found_yet", { error: errorText(error) });
        }
      }
    };
    const task = seek().finally(() => this.#seeking.delete(task));
    this.#seeking.add(task);
  }
}
