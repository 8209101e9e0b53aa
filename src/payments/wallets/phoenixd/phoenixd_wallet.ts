import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { z } from "zod";
import {
  type CreatedInvoice,
  type HookRead,
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
import { descriptionHash } from "../../lnurl.ts";
import { Following } from "../following.ts";
import { listenTo } from "../hint_socket.ts";
import { paidAfterAll } from "../paid_after_all.ts";
import type { WalletDeps } from "../scheme.ts";
import { type HttpAnswer, WalletHttp } from "../wallet_http.ts";
import { wholeSats } from "../whole_sats.ts";
import {
  incoming,
  incomingStatus,
  listed,
  notSent,
  outgoing,
  outgoingStatus,
  sent,
  toldBy,
} from "./payment.ts";
import { readWebhook } from "./webhook.ts";

/** Payments on one page of its list. */
const LISTED_AT_ONCE = 100;
const LONGEST_WORDS = 300;
const NETWORKS = new Map<string, Network>([
  ["mainnet", "bc"],
  ["testnet", "tb"],
  ["testnet3", "tb"],
  ["testnet4", "tb"],
  ["signet", "tbs"],
  ["regtest", "bcrt"],
]);

export interface PhoenixdWalletOptions extends Pick<WalletDeps, "clock" | "random" | "log"> {
  base: URL;
  /** The limited-access one makes and looks up invoices; the full one pays, too. */
  password: string;
  webhookSecret: string | null;
}

const info = z.object({ chain: z.string(), version: z.string().optional() });
const generated = z.object({ serialized: z.string(), paymentHash: z.string() });

/** A phoenixd server by its HTTP interface: bodies are forms, the user name doesn't matter. */
export class PhoenixdWallet implements Wallet {
  readonly id: string;
  readonly kind = "phoenixd";
  readonly caps: WalletCaps = {
    unit: "sat",
    expiry: true,
    descriptionHash: true,
    subscribe: "live",
    cancel: false,
    hold: false,
    pay: true,
  };
  readonly #o: PhoenixdWalletOptions;
  readonly #name: string;
  readonly #http: WalletHttp;
  readonly #following: Following;
  /** What kind of password it is never changes. */
  #canSpend: boolean | null = null;

  constructor(options: PhoenixdWalletOptions) {
    const { base, password } = options;
    this.#o = options;
    this.#name = `phoenixd at ${base.host}`;
    // A server is one wallet, and the same one under a new password.
    this.id = `phoenixd:${bytesToHex(sha256(utf8ToBytes(base.host + base.pathname))).slice(0, 16)}`;
    const headers = { authorization: `Basic ${utf8ToBytes(`:${password}`).toBase64()}` };
    this.#http = new WalletHttp({ name: this.#name, base, headers });
    this.#following = new Following({
      ...options,
      wallet: this.id,
      cursors: null,
      read: (_cursor, tell, signal) =>
        listenTo({
          url: this.#http.url("websocket"),
          headers,
          opened: () => tell({}),
          heard: async (text) => {
            const paymentHash = toldBy(text);
            if (paymentHash !== null) await tell({ paymentHash });
          },
        }, signal),
    });
  }

  describe(): string {
    return this.#name;
  }

  async probe(signal: AbortSignal): Promise<WalletInfo> {
    const { chain, version } = this.#read(info, await this.#http.ask("GET", "getinfo", {}, signal));
    this.#canSpend ??= await this.#mayPay(signal);
    return {
      network: NETWORKS.get(chain.toLowerCase()) ?? null,
      alias: version?.slice(0, 100) ?? null,
      methods: ["createinvoice", "payments/incoming", ...(this.#canSpend ? ["payinvoice"] : [])],
      canSpend: this.#canSpend,
    };
  }

  async createInvoice(request: InvoiceRequest, signal: AbortSignal): Promise<CreatedInvoice> {
    const form = {
      amountSat: String(wholeSats(request.amountMsat, this.#name, "takes")),
      // phoenixd: one or the other.
      ...(request.hashedText === undefined
        ? { description: request.description }
        : { descriptionHash: descriptionHash(request.hashedText) }),
      expirySeconds: String(request.expirySeconds),
      externalId: request.externalId,
    };
    const answer = await this.#http.ask("POST", "createinvoice", { form }, signal);
    if (answer.status >= 400) throw new WalletError("refused", this.#words(answer));
    const { serialized, paymentHash } = this.#read(generated, answer);
    return { bolt11: serialized, paymentHash };
  }

  async lookup({ paymentHash }: InvoiceRef, signal: AbortSignal): Promise<InvoiceStatus> {
    const answer = await this.#http.ask("GET", `payments/incoming/${paymentHash}`, {}, signal);
    if (answer.status === 404) return { status: "not_found" };
    const payment = this.#read(incoming, answer);
    if (payment.paymentHash !== paymentHash) throw this.#bad("it answers about another payment");
    return incomingStatus(payment, this.#o.clock.now());
  }

  /** By when they were paid. */
  async listIncoming({ since, until, offset }: IncomingQuery, signal: AbortSignal): Promise<IncomingPage> {
    const query = {
      from: String(Math.floor(since)),
      to: String(Math.ceil(until)),
      limit: String(LISTED_AT_ONCE),
      offset: String(offset),
    };
    const answer = await this.#http.ask("GET", "payments/incoming", { query }, signal);
    const payments = this.#read(z.array(incoming), answer);
    return {
      settled: payments.flatMap((payment) => listed(payment) ?? []),
      // What came on-chain is counted by the offset and left out of the page.
      next: payments.length === 0 ? null : offset + LISTED_AT_ONCE,
    };
  }

  async pay(payment: OutgoingPayment, signal: AbortSignal): Promise<PaidOut> {
    const form = {
      invoice: payment.bolt11,
      ...(payment.amountless && { amountSat: String(wholeSats(payment.amountMsat, this.#name, "pays")) }),
    };
    const answer = await this.#http.ask("POST", "payinvoice", { form, moves: true }, signal);
    if (answer.status >= 400) throw new WalletError("refused", this.#words(answer));
    const paid = sent.safeParse(answer.body);
    if (paid.success && paid.data.paymentHash === payment.paymentHash) {
      return { preimage: paid.data.paymentPreimage, feeMsat: BigInt(paid.data.routingFeeSat) * 1000n };
    }
    const failed = notSent.safeParse(answer.body);
    if (!failed.success) throw this.#bad("it doesn't say clearly whether it has paid");
    // It says so of a payment that is under way or was made before, too.
    return await paidAfterAll(
      `${this.#name}: ${failed.data.reason.slice(0, LONGEST_WORDS)}`,
      () => this.lookupPayment(payment, signal),
    );
  }

  async lookupPayment(
    { paymentHash }: Pick<OutgoingRef, "paymentHash">,
    signal: AbortSignal,
  ): Promise<OutgoingStatus> {
    const answer = await this.#http.ask("GET", `payments/outgoingbyhash/${paymentHash}`, {}, signal);
    if (answer.status === 404) return { status: "not_found" };
    const payment = this.#read(outgoing, answer);
    if (payment.paymentHash !== paymentHash) throw this.#bad("it answers about another payment");
    return outgoingStatus(payment);
  }

  readHook(headers: Headers, raw: Uint8Array): HookRead {
    return readWebhook(headers, raw, this.#o.webhookSecret);
  }

  subscribe(onHint: (hint: PaymentHint) => void): () => void {
    return this.#following.subscribe(onHint);
  }

  async close(): Promise<void> {
    await this.#following.close();
    this.#http.close();
  }

  /** A payment of nothing at all: the full password is told that the invoice is missing, the limited one that it may not. */
  async #mayPay(signal: AbortSignal): Promise<boolean | null> {
    try {
      const { status } = await this.#http.ask("POST", "payinvoice", { form: {} }, signal);
      return status === 400 ? true : null;
    } catch (error) {
      if (error instanceof WalletError && error.kind === "unauthorized") return false;
      throw error;
    }
  }

  #read<T>(form: z.ZodType<T>, answer: HttpAnswer): T {
    const read = answer.status === 200 ? form.safeParse(answer.body) : null;
    if (read?.success) return read.data;
    throw this.#bad(`it doesn't answer as phoenixd does (HTTP ${answer.status})`);
  }

  #bad(why: string): WalletError {
    return new WalletError("bad_answer", `${this.#name}: ${why}`);
  }

  /** phoenixd refuses in plain text. */
  #words({ status, body }: HttpAnswer): string {
    const words = typeof body === "string" ? body.slice(0, LONGEST_WORDS) : "it refused";
    return `${this.#name}: ${words} (HTTP ${status})`;
  }
}
