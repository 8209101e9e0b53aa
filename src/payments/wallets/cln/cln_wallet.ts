import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { z } from "zod";
import { decodeBolt11 } from "../../bolt11.ts";
import {
  type CreatedInvoice,
  type IncomingPage,
  type IncomingPayment,
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
} from "../../wallet.ts";
import { Following } from "../following.ts";
import type { NodeOptions } from "../node_options.ts";
import { ClnApi, type ClnApiOptions, ClnError, CODE } from "./cln_api.ts";
import { incomingOf, readFirst, statusInstead, statusOf } from "./cln_invoice.ts";
import { lookup, pay } from "./cln_paying.ts";
import { followPayments, lastPaidIndex, nextPaid, type PaidInvoice } from "./pay_index.ts";
import { canSpend } from "./rune.ts";

/** Payments on one page of its list, one question each; and how long questions for it go on: far nodes take their time. */
const PAGE = 20;
const PAGE_MS = 5_000;
const LONGEST_ALIAS = 100;

const made = z.object({ bolt11: z.string().min(1), payment_hash: z.string().regex(/^[0-9a-f]{64}$/i) });
const getinfo = z.object({ alias: z.string().default(""), network: z.string().default("") });

const NETWORKS: Record<string, Network> = {
  bitcoin: "bc",
  testnet: "tb",
  testnet4: "tb",
  signet: "tbs",
  regtest: "bcrt",
};

export type ClnWalletOptions = NodeOptions & ClnApiOptions;

/**
 * Core Lightning by its plugin clnrest. A rune for `getinfo`, `invoice`, `listinvoices`, `waitanyinvoice` and `delinvoice` is
 * enough to receive; paying needs `xpay` or `pay`, and `listpays`. Without a plugin it can't hold money.
 */
export class ClnWallet implements Wallet {
  readonly id: string;
  readonly kind = "cln";
  readonly caps: WalletCaps = {
    unit: "msat",
    expiry: true,
    descriptionHash: false,
    subscribe: "resumable",
    cancel: true,
    hold: false,
    pay: true,
  };
  readonly #o: ClnWalletOptions;
  readonly #api: ClnApi;
  readonly #following: Following;

  constructor(options: ClnWalletOptions) {
    const { base, clock } = options;
    this.#o = options;
    // Of the address alone: another rune is another key to the same node.
    this.id = `cln:${bytesToHex(sha256(utf8ToBytes(base.href))).slice(0, 16)}`;
    this.#api = new ClnApi(options);
    this.#following = new Following({
      ...options,
      wallet: this.id,
      read: (cursor, tell, signal) => followPayments(this.#api, clock, cursor, tell, signal),
    });
  }

  describe(): string {
    return `Core Lightning at ${this.#o.base.host}`;
  }

  /** `getinfo`. A rune that may not ask that: then the first payment's invoice says the network. */
  async probe(signal: AbortSignal): Promise<WalletInfo> {
    const said = { methods: [], canSpend: canSpend(this.#o.rune) };
    try {
      const read = getinfo.safeParse(await this.#api.call("getinfo", {}, signal));
      if (!read.success) throw new WalletError("bad_answer", "Core Lightning doesn't say who it is");
      const { alias, network } = read.data;
      return { ...said, network: NETWORKS[network] ?? null, alias: alias.slice(0, LONGEST_ALIAS) || null };
    } catch (error) {
      if (!(error instanceof ClnError) || error.kind !== "unauthorized") throw error;
    }
    const decoded = decodeBolt11((await nextPaid(this.#api, 0, 0, signal))?.bolt11 ?? "");
    return { ...said, network: decoded.ok ? decoded.invoice.network : null, alias: null };
  }

  /** Core Lightning: labels are unique, so that a second try meets the first one's invoice. */
  async createInvoice(request: InvoiceRequest, signal: AbortSignal): Promise<CreatedInvoice> {
    const label = request.externalId;
    const asked = {
      amount_msat: Number(request.amountMsat),
      label,
      description: request.description,
      expiry: request.expirySeconds,
      ...(this.#o.privateHints && { exposeprivatechannels: true }),
    };
    try {
      return createdOf(await this.#api.call("invoice", asked, signal), label);
    } catch (error) {
      if (!(error instanceof ClnError) || error.code !== CODE.labelExists) throw error;
      return createdOf(await this.#find({ label }, signal), label);
    }
  }

  async lookup({ paymentHash }: InvoiceRef, signal: AbortSignal): Promise<InvoiceStatus> {
    const invoice = await this.#find({ payment_hash: paymentHash }, signal);
    if (invoice === null) return { status: "not_found" };
    if (invoice.payment_hash !== paymentHash) {
      throw new WalletError("bad_answer", "Core Lightning's answer is about another invoice");
    }
    return statusOf(invoice, this.#o.clock.now());
  }

  /** By when it was paid: Core Lightning counts payments, so that the first one since then is found by halving. */
  async listIncoming({ since, until, offset }: IncomingQuery, signal: AbortSignal): Promise<IncomingPage> {
    const { clock } = this.#o;
    const end = clock.monotonic() + PAGE_MS;
    const isTime = () => clock.monotonic() >= end;
    const paidAt = ({ paid_at }: PaidInvoice) => (paid_at ?? 0) * 1000;
    const isBefore = (one: PaidInvoice) => paidAt(one) < since;
    const settled: IncomingPayment[] = [];
    // An offset is the index after which the page begins; it may be of a payment from before, when the search isn't over.
    let after = offset;
    do {
      const paid = await nextPaid(this.#api, after, 0, signal);
      if (paid === null || paidAt(paid) > until) return { settled, next: null };
      after = paid.pay_index;
      if (settled.length > 0 || !isBefore(paid)) settled.push(incomingOf(paid));
      else after = await lastPaidIndex(this.#api, isBefore, signal, { from: after, isTime });
    } while (settled.length < PAGE && !isTime());
    return { settled, next: after };
  }

  pay(payment: OutgoingPayment, signal: AbortSignal): Promise<PaidOut> {
    return pay(this.#api, payment, signal);
  }

  lookupPayment(payment: OutgoingRef, signal: AbortSignal): Promise<OutgoingStatus> {
    return lookup(this.#api, payment, signal);
  }

  async cancel({ ref, paymentHash }: InvoiceRef, signal: AbortSignal): Promise<void> {
    const label = ref ?? (await this.#find({ payment_hash: paymentHash }, signal))?.label;
    if (label === undefined) return;
    try {
      await this.#api.call("delinvoice", { label, status: "unpaid" }, signal);
    } catch (error) {
      if (!(error instanceof ClnError)) throw error;
      if (error.code === CODE.noSuchLabel) return;
      const expired = error.code === CODE.otherStatus && statusInstead(error.data) === "expired";
      if (!expired) throw error;
    }
  }

  subscribe(onHint: (hint: PaymentHint) => void): () => void {
    return this.#following.subscribe(onHint);
  }

  async close(): Promise<void> {
    await this.#following.close();
    this.#api.close();
  }

  async #find(by: { label: string } | { payment_hash: string }, signal: AbortSignal) {
    return readFirst(await this.#api.call("listinvoices", by, signal));
  }
}

function createdOf(body: unknown, label: string): CreatedInvoice {
  const read = made.safeParse(body);
  if (!read.success) throw new WalletError("bad_answer", "Core Lightning's answer has no invoice");
  return { bolt11: read.data.bolt11, paymentHash: read.data.payment_hash.toLowerCase(), ref: label };
}
