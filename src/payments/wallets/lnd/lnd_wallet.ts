import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { seconds } from "../../../clock.ts";
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
} from "../../wallet.ts";
import { descriptionHash } from "../../lnurl.ts";
import { Following } from "../following.ts";
import type { NodeOptions } from "../node_options.ts";
import { CODE, LndApi, type LndApiOptions, LndError } from "./lnd_api.ts";
import { incomingOf, readInvoice, readPage, statusOf } from "./lnd_invoice.ts";
import { lookup, pay } from "./lnd_paying.ts";
import { probeLnd } from "./lnd_probe.ts";
import { followInvoices } from "./lnd_stream.ts";

/** Invoices on one page of its list. */
const PAGE = 100;
/** LND's words for an invoice that it has already, and for one that it doesn't know; older versions give no code with them. */
const HAS_IT = /already exists/i;
const KNOWS_NONE = /unable to locate invoice|no existing invoices|no invoices/i;

export type LndWalletOptions = NodeOptions & LndApiOptions;

/** LND by its REST interface. `invoice.macaroon` is enough to receive; paying needs `offchain:write`. */
export class LndWallet implements Wallet {
  readonly id: string;
  readonly kind = "lnd";
  readonly caps: WalletCaps = {
    unit: "msat",
    expiry: true,
    descriptionHash: true,
    subscribe: "resumable",
    cancel: true,
    hold: true,
    pay: true,
  };
  readonly hold: HoldInvoices = {
    create: (request, signal) => this.#createHeld(request, signal),
    settle: (preimage, signal) => this.#settle(preimage, signal),
    cancel: (paymentHash, signal) => this.#cancel(paymentHash, signal),
  };
  readonly #o: LndWalletOptions;
  readonly #api: LndApi;
  readonly #following: Following;
  /** Preimages are made of it, so that the same question makes the same invoice. */
  readonly #preimageKey: Uint8Array;

  constructor(options: LndWalletOptions) {
    const { base, macaroon, clock } = options;
    this.#o = options;
    // Of the address alone: another macaroon is another key to the same node.
    this.id = `lnd:${bytesToHex(sha256(utf8ToBytes(base.href))).slice(0, 16)}`;
    this.#api = new LndApi(options);
    this.#preimageKey = hmac(sha256, macaroon, utf8ToBytes("ncc: preimages of invoices"));
    this.#following = new Following({
      ...options,
      wallet: this.id,
      read: (cursor, tell, signal) => followInvoices(this.#api, clock, cursor, tell, signal),
    });
  }

  describe(): string {
    return `LND at ${this.#o.base.host}`;
  }

  probe(signal: AbortSignal): Promise<WalletInfo> {
    return probeLnd(this.#api, this.#o.macaroon, signal);
  }

  /** LND: whoever makes the invoice may choose its preimage, and no two have the same: a second try meets the first one's. */
  createInvoice(request: InvoiceRequest, signal: AbortSignal): Promise<CreatedInvoice> {
    const preimage = this.#preimage(request);
    const json = { ...this.#asked(request), r_preimage: preimage.toBase64() };
    return this.#create("v1/invoices", json, bytesToHex(sha256(preimage)), signal);
  }

  async lookup({ paymentHash }: InvoiceRef, signal: AbortSignal): Promise<InvoiceStatus> {
    const body = await this.#find(paymentHash, signal);
    if (body === null) return { status: "not_found" };
    return statusOf(body, this.#o.clock.now());
  }

  /** LND lists by when an invoice was made. */
  async listIncoming({ since, until, offset }: IncomingQuery, signal: AbortSignal): Promise<IncomingPage> {
    const query = {
      index_offset: String(offset),
      num_max_invoices: String(PAGE),
      creation_date_start: String(Math.max(0, seconds(since))),
      creation_date_end: String(seconds(until) + 1),
    };
    const { invoices, last } = readPage(await this.#api.ask("GET", "v1/invoices", { query }, signal));
    return {
      settled: invoices.flatMap((one) => incomingOf(one) ?? []),
      next: invoices.length < PAGE ? null : Number(last),
    };
  }

  pay(payment: OutgoingPayment, signal: AbortSignal): Promise<PaidOut> {
    return pay(this.#api, payment, signal);
  }

  lookupPayment(payment: OutgoingRef, signal: AbortSignal): Promise<OutgoingStatus> {
    return lookup(this.#api, payment, signal);
  }

  cancel({ paymentHash }: InvoiceRef, signal: AbortSignal): Promise<void> {
    return this.#cancel(paymentHash, signal);
  }

  subscribe(onHint: (hint: PaymentHint) => void): () => void {
    return this.#following.subscribe(onHint);
  }

  async close(): Promise<void> {
    await this.#following.close();
    this.#api.close();
  }

  #asked({ amountMsat, description, hashedText, expirySeconds }: InvoiceRequest): Record<string, unknown> {
    return {
      value_msat: String(amountMsat),
      memo: description,
      // LND: the memo then stays in its list.
      ...(hashedText !== undefined && { description_hash: base64(descriptionHash(hashedText)) }),
      expiry: String(expirySeconds),
      ...(this.#o.privateHints && { private: true }),
    };
  }

  #createHeld(
    request: InvoiceRequest & { paymentHash: string },
    signal: AbortSignal,
  ): Promise<CreatedInvoice> {
    const { paymentHash } = request;
    const json = { ...this.#asked(request), hash: base64(paymentHash) };
    return this.#create("v2/invoices/hodl", json, paymentHash, signal);
  }

  async #create(
    path: string,
    json: unknown,
    paymentHash: string,
    signal: AbortSignal,
  ): Promise<CreatedInvoice> {
    try {
      const body = await this.#api.ask("POST", path, { json }, signal) as { payment_request?: unknown };
      return createdOf(body?.payment_request, paymentHash);
    } catch (error) {
      if (!(error instanceof LndError)) throw error;
      if (error.code !== CODE.alreadyExists && !HAS_IT.test(error.message)) throw error;
      const before = await this.#find(paymentHash, signal);
      if (before === null) throw error;
      return createdOf(before.payment_request, paymentHash);
    }
  }

  async #find(paymentHash: string, signal: AbortSignal) {
    try {
      const invoice = readInvoice(await this.#api.ask("GET", `v1/invoice/${paymentHash}`, {}, signal));
      if (invoice.r_hash === paymentHash) return invoice;
    } catch (error) {
      if (!isUnknown(error)) throw error;
      return null;
    }
    throw new WalletError("bad_answer", "LND's answer is about another invoice");
  }

  /** LND settles a settled invoice without a word. */
  async #settle(preimage: string, signal: AbortSignal): Promise<void> {
    await this.#api.ask("POST", "v2/invoices/settle", { json: { preimage: base64(preimage) } }, signal);
  }

  /** LND cancels a cancelled invoice without a word, unless it was told to forget these. */
  async #cancel(paymentHash: string, signal: AbortSignal): Promise<void> {
    try {
      const json = { payment_hash: base64(paymentHash) };
      await this.#api.ask("POST", "v2/invoices/cancel", { json }, signal);
    } catch (error) {
      if (!isUnknown(error)) throw error;
    }
  }

  #preimage({ externalId, amountMsat, description, hashedText }: InvoiceRequest): Uint8Array {
    const plus = hashedText === undefined ? [] : [hashedText];
    const asked = utf8ToBytes(JSON.stringify([externalId, String(amountMsat), description, ...plus]));
    return hmac(sha256, this.#preimageKey, asked);
  }
}

function createdOf(bolt11: unknown, paymentHash: string): CreatedInvoice {
  if (typeof bolt11 !== "string" || bolt11 === "") {
    throw new WalletError("bad_answer", "LND's answer has no invoice");
  }
  return { bolt11, paymentHash };
}

function isUnknown(error: unknown): boolean {
  return error instanceof LndError && (error.code === CODE.notFound || KNOWS_NONE.test(error.message));
}

/** LND: bytes in a body are base64. */
function base64(hex: string): string {
  return Uint8Array.fromHex(hex).toBase64();
}
