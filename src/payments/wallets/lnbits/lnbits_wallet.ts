import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { z } from "zod";
import { seconds } from "../../../clock.ts";
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
} from "../../wallet.ts";
import { Following } from "../following.ts";
import { listenTo } from "../hint_socket.ts";
import type { WalletDeps } from "../scheme.ts";
import { type HttpAnswer, WalletHttp } from "../wallet_http.ts";
import { wholeSats } from "../whole_sats.ts";
import { rowOf, stateIn, wordsOf } from "./books.ts";
import { hashOfMessage } from "./messages.ts";
import { LnbitsPaying } from "./paying.ts";
import { incomingStatus, listed, readRows, type Row } from "./payment.ts";

/** Payments on one page of its list. */
const LISTED_AT_ONCE = 100;

export interface LnbitsWalletOptions extends Pick<WalletDeps, "clock" | "random" | "log"> {
  base: URL;
  /** The wallet's invoice key, which can't pay. */
  key: string;
  /** The wallet's admin key: with it the wallet pays. */
  adminKey: string | null;
  /** LNbits never says it. */
  network: Network;
}

const walletAnswer = z.object({ name: z.string(), id: z.string().optional() });
const newInvoice = z.object({
  bolt11: z.string().optional(),
  payment_request: z.string().nullish(),
  payment_hash: z.string(),
});

/**
 * A wallet of an LNbits server, by its REST interface (`/api/v1`). No hold invoices, though servers over LND make them: LNbits
 * never says that the money of one has come and waits.
 */
export class LnbitsWallet implements Wallet {
  readonly id: string;
  readonly kind = "lnbits";
  readonly caps: WalletCaps;
  readonly pay?: (payment: OutgoingPayment, signal: AbortSignal) => Promise<PaidOut>;
  readonly lookupPayment?: (payment: OutgoingRef, signal: AbortSignal) => Promise<OutgoingStatus>;
  readonly #o: LnbitsWalletOptions;
  readonly #name: string;
  readonly #http: WalletHttp;
  readonly #paying: LnbitsPaying | null;
  readonly #following: Following;

  constructor(options: LnbitsWalletOptions) {
    const { base, key, adminKey } = options;
    this.#o = options;
    this.#name = `LNbits at ${base.host}`;
    // Its keys are all that tell the wallets of a server apart.
    this.id = `lnbits:${bytesToHex(sha256(utf8ToBytes(`${base.host} ${key}`))).slice(0, 16)}`;
    this.caps = {
      unit: "sat",
      expiry: true,
      descriptionHash: true,
      subscribe: "live",
      cancel: false,
      hold: false,
      pay: adminKey !== null,
    };
    this.#http = new WalletHttp({ name: this.#name, base, headers: { "x-api-key": key } });
    this.#paying = adminKey === null ? null : new LnbitsPaying({ name: this.#name, base, adminKey });
    const paying = this.#paying;
    if (paying) {
      this.pay = (payment, signal) => paying.pay(payment, signal);
      this.lookupPayment = (payment, signal) => paying.lookup(payment, signal);
    }
    this.#following = new Following({
      ...options,
      wallet: this.id,
      cursors: null,
      read: (_cursor, tell, signal) =>
        listenTo({
          url: this.#http.url(`api/v1/ws/${encodeURIComponent(key)}`),
          opened: () => tell({}),
          heard: async (text) => {
            const paymentHash = hashOfMessage(text);
            if (paymentHash !== null) await tell({ paymentHash });
          },
        }, signal),
    });
  }

  describe(): string {
    return this.#name;
  }

  async probe(signal: AbortSignal): Promise<WalletInfo> {
    const read = walletAnswer.safeParse(
      this.#known(await this.#http.ask("GET", "api/v1/wallet", {}, signal)).body,
    );
    if (!read.success) throw new WalletError("bad_answer", `${this.#name}: no LNbits answers there`);
    await this.#paying?.probe(signal);
    return {
      network: this.#o.network,
      alias: read.data.name.slice(0, 100),
      methods: [
        "make_invoice",
        "lookup_invoice",
        "list_transactions",
        ...(this.#paying ? ["pay_invoice"] : []),
      ],
      // LNbits shows the wallet's id to its admin key only.
      canSpend: this.#paying !== null || read.data.id !== undefined,
    };
  }

  async createInvoice(request: InvoiceRequest, signal: AbortSignal): Promise<CreatedInvoice> {
    const json = {
      out: false,
      unit: "sat",
      amount: Number(wholeSats(request.amountMsat, this.#name, "takes")),
      memo: request.description,
      // LNbits hashes it itself, or hands it to a node that does. It keeps no memo then: the list has it in `extra`.
      ...(request.hashedText !== undefined && {
        unhashed_description: bytesToHex(utf8ToBytes(request.hashedText)),
      }),
      expiry: request.expirySeconds,
      // The second is searchable, and older versions don't know it.
      extra: { external_id: request.externalId, description: request.description },
      external_id: request.externalId,
    };
    const answer = this.#known(
      await this.#http.ask("POST", "api/v1/payments", { json, plain: true }, signal),
    );
    // An InvoiceError; `failed` says that it will always be.
    if (answer.status === 520) {
      throw new WalletError(stateIn(answer) === "failed" ? "refused" : "busy", this.#words(answer));
    }
    this.#http.check(answer.status, {});
    if (answer.status >= 400) throw new WalletError("refused", this.#words(answer));
    const read = newInvoice.safeParse(answer.body);
    const bolt11 = read.success ? read.data.bolt11 || read.data.payment_request : null;
    if (!read.success || !bolt11) throw new WalletError("bad_answer", `${this.#name} gave no invoice`);
    return { bolt11, paymentHash: read.data.payment_hash };
  }

  async lookup({ paymentHash }: InvoiceRef, signal: AbortSignal): Promise<InvoiceStatus> {
    const row = await rowOf(this.#http, this.#name, paymentHash, signal);
    if (row === null) return { status: "not_found" };
    if (row.amount > 0) return incomingStatus(row, this.#o.clock.now());
    // The wallet has paid itself, and the answer is about what went out.
    const query = { payment_hash: paymentHash, "amount[gt]": "0" };
    const { rows } = await this.#list(query, signal);
    const came = rows.find((one) => one.payment_hash === paymentHash && one.amount > 0);
    return came ? incomingStatus(came, this.#o.clock.now()) : { status: "not_found" };
  }

  async listIncoming({ since, until, offset }: IncomingQuery, signal: AbortSignal): Promise<IncomingPage> {
    const query = {
      status: "success",
      "amount[gt]": "0",
      "time[ge]": String(seconds(since)),
      "time[le]": String(seconds(until) + 1),
      sortby: "time",
      direction: "desc",
      limit: String(LISTED_AT_ONCE),
      offset: String(offset),
    };
    const { rows, length } = await this.#list(query, signal);
    // LNbits leaves a filter that it doesn't know unheeded.
    const settled = rows.filter((row) => row.status === "success" && row.amount > 0).map(listed);
    return { settled, next: length === 0 ? null : offset + length };
  }

  subscribe(onHint: (hint: PaymentHint) => void): () => void {
    return this.#following.subscribe(onHint);
  }

  async close(): Promise<void> {
    await this.#following.close();
    this.#http.close();
    this.#paying?.close();
  }

  async #list(query: Record<string, string>, signal: AbortSignal): Promise<{ rows: Row[]; length: number }> {
    const answer = this.#known(await this.#http.ask("GET", "api/v1/payments", { query }, signal));
    if (answer.status >= 400) throw new WalletError("bad_answer", this.#words(answer));
    return readRows(answer.body);
  }

  /** LNbits says "Wallet not found." to a key that isn't any wallet's. */
  #known(answer: HttpAnswer): HttpAnswer {
    if (answer.status !== 404) return answer;
    throw new WalletError("unauthorized", `${this.#name} doesn't know the key, or isn't there (HTTP 404)`);
  }

  #words(answer: HttpAnswer): string {
    return wordsOf(this.#name, answer);
  }
}
