import { createHmac } from "node:crypto";
import { formatDecimal, parseDecimal } from "../../../src/money/decimal.ts";
import { encodeBolt11 } from "../../../src/payments/bolt11.ts";
import { BtcpayPayoutDesk } from "./btcpay_payouts.ts";

export const STORE = "9CiNzKoANXxmk5ayZngSXrHTiVvvgCrwrpFQd4m2K776";
export const KEY = "b40a0a5b9b1f2d4cba6fbd2c9a6f0c2d6a7e8f90";
export const WEBHOOK_SECRET = "3vWgKMLqxYx9TJ2w";
const NODE_KEY = new Uint8Array(32).fill(7);
const ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

interface Payment {
  id: string;
  receivedDate: number;
  value: string;
  fee: string;
  status: "Processing" | "Settled" | "Invalid";
  destination: string;
}

interface Invoice {
  id: string;
  orderId: string;
  itemDesc: string;
  amount: string;
  createdTime: number;
  expirationTime: number;
  status: "New" | "Processing" | "Settled" | "Expired" | "Invalid";
  additionalStatus: "None" | "PaidPartial" | "PaidOver" | "PaidLate" | "Marked";
  bolt11: string;
  lightning: Payment[];
  chain: Payment[];
}

/** How this server differs from one that is well. */
export interface BtcpayFaults {
  /** Its Lightning node is away: invoices come with the chain alone. */
  withoutLightning?: boolean;
  /** It makes the next invoice, and the answer never arrives. */
  loseAnswer?: boolean;
  /** The same, after the invoice was answered: its ways to pay. */
  loseMethods?: boolean;
  /** The same, and it says that it is overloaded. */
  failMethods?: boolean;
  /** Its ways to pay wait until somebody opens the page. */
  lazy?: boolean;
  /** Another coin came for every invoice, too. */
  litecoin?: string;
  /** It leaves unheeded what it is asked to list by. */
  unfiltered?: boolean;
  /** It is too old for `includePaymentMethods`. */
  old?: boolean;
  /** What it answers to the next question instead. */
  instead?: { status: number; body: string };
}

/** A BTCPay Server with one store, as its Greenfield API is documented (v1, of BTCPay 2): own books, valid BOLT11 of regtest. */
export class BtcpayServer implements AsyncDisposable {
  readonly invoices = new Map<string, Invoice>();
  /** Bodies of what it was asked to make. */
  readonly asked: Record<string, unknown>[] = [];
  readonly faults: BtcpayFaults = {};
  readonly desk = new BtcpayPayoutDesk();
  permissions = [`btcpay.store.cancreateinvoice:${STORE}`, `btcpay.store.canviewinvoices:${STORE}`];
  /** Under which the server believes that it is reached, as behind a proxy. */
  publicUrl = "https://pay.example";
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #over = Promise.withResolvers<void>();

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  /** The wallet's URL that leads here. */
  url(key = KEY, more = ""): string {
    const { port } = this.#server.addr;
    return `btcpay+http://127.0.0.1:${port}/?store=${STORE}&key=${key}&network=regtest${more}`;
  }

  async stop(): Promise<void> {
    this.#over.resolve();
    await this.#server.shutdown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Somebody's Lightning wallet pays. Throws when the node wouldn't take it. */
  pay(bolt11: string): Promise<void> {
    const invoice = [...this.invoices.values()].find((one) => one.bolt11 === bolt11);
    if (invoice?.status !== "New") {
      return Promise.reject(new Error(`no such open invoice (${invoice?.status})`));
    }
    invoice.lightning.push(payment(invoice.amount, "Settled", bolt11));
    invoice.status = "Settled";
    return Promise.resolve();
  }

  /** Something arrives on the chain, unconfirmed. */
  arrives(id: string, value: string): Payment {
    const one = payment(value, "Processing", ADDRESS);
    this.invoices.get(id)!.chain.push(one);
    return one;
  }

  /** A part was paid: from then on it asks for the rest by another BOLT11. */
  replaceBolt11(id: string): void {
    const invoice = this.invoices.get(id)!;
    invoice.bolt11 = bolt11Of(invoice.amount, invoice.orderId, invoice.expirationTime - invoice.createdTime);
  }

  /** A delivery of its webhook: raw body and headers. */
  delivery(type: string, invoiceId: string, more: Record<string, unknown> = {}, secret = WEBHOOK_SECRET) {
    const body = JSON.stringify({
      deliveryId: crypto.randomUUID().replaceAll("-", "").slice(0, 22),
      webhookId: "5TzGmBMv1Bt7HeGPKCQCyT",
      originalDeliveryId: "2gLRyEK3Sgx3NG1bFgqSUG",
      isRedelivery: false,
      type,
      timestamp: Math.floor(Date.now() / 1000),
      storeId: STORE,
      invoiceId,
      metadata: { orderId: "contract#1" },
      ...more,
    });
    const raw = new TextEncoder().encode(body);
    const hex = createHmac("sha256", secret).update(raw).digest("hex");
    return {
      raw,
      headers: new Headers({ "content-type": "application/json", "btcpay-sig": `sha256=${hex}` }),
    };
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const { instead } = this.faults;
    if (instead) {
      delete this.faults.instead;
      return new Response(instead.body, { status: instead.status });
    }
    if (request.headers.get("authorization") !== `token ${KEY}`) {
      return json(401, {
        code: "unauthenticated",
        message: "Authentication is required for accessing this endpoint",
      });
    }
    const path = `${request.method} ${pathname}`;
    if (path === "GET /api/v1/api-keys/current") {
      return json(200, { permissions: this.permissions, apiKey: KEY, label: "shop" });
    }
    if (path === `POST /api/v1/stores/${STORE}/invoices`) return await this.#make(await request.json());
    if (path === `GET /api/v1/stores/${STORE}/invoices`) return json(200, this.#list(searchParams));
    const ofDesk = await this.desk.answer(request, STORE);
    if (ofDesk !== null) return ofDesk;
    const [, id = "", sub = ""] = new RegExp(`^GET /api/v1/stores/${STORE}/invoices/([^/]+)(/[a-z-]+)?$`)
      .exec(path) ?? [];
    const invoice = this.invoices.get(id);
    if (!invoice) return json(404, { code: "invoice-not-found", message: "The invoice was not found" });
    if (sub === "") return json(200, this.#model(invoice));
    if (this.faults.loseMethods) {
      delete this.faults.loseMethods;
      await this.#over.promise;
    }
    if (this.faults.failMethods) {
      delete this.faults.failMethods;
      return json(503, {});
    }
    return json(200, this.#methods(invoice));
  }

  async #make(body: Record<string, unknown>): Promise<Response> {
    this.asked.push(body);
    const { amount, currency, metadata, checkout } = body as {
      amount: string;
      currency: string;
      metadata: { orderId: string; itemDesc: string };
      checkout: { expirationMinutes: number };
    };
    if (currency !== "BTC" || !Number.isInteger(checkout.expirationMinutes)) {
      return json(422, [{ path: "checkout.expirationMinutes", message: "Invalid timespan" }]);
    }
    const now = Math.floor(Date.now() / 1000);
    const seconds = checkout.expirationMinutes * 60;
    const invoice: Invoice = {
      id: crypto.randomUUID().replaceAll("-", "").slice(0, 22),
      orderId: metadata.orderId,
      itemDesc: metadata.itemDesc,
      amount,
      createdTime: now,
      expirationTime: now + seconds,
      status: "New",
      additionalStatus: "None",
      bolt11: bolt11Of(amount, metadata.orderId, seconds),
      lightning: [],
      chain: [],
    };
    this.invoices.set(invoice.id, invoice);
    if (this.faults.loseAnswer) {
      delete this.faults.loseAnswer;
      await this.#over.promise;
    }
    return json(200, this.#model(invoice));
  }

  #list(query: URLSearchParams) {
    const [skip, take] = [Number(query.get("skip") ?? 0), Number(query.get("take") ?? 1_000)];
    const [orderId, status, text] = ["orderId", "status", "textSearch"].map((name) => query.get(name));
    const [start, end] = [Number(query.get("startDate") ?? 0), Number(query.get("endDate") ?? Infinity)];
    const full = query.get("includePaymentMethods") === "true" && !this.faults.old;
    return [...this.invoices.values()].reverse().filter((one) =>
      this.faults.unfiltered ||
      (orderId === null || one.orderId === orderId) && (status === null || one.status === status) &&
        (text === null || one.bolt11.startsWith(text!)) && one.createdTime >= start && one.createdTime <= end
    ).slice(skip, skip + take).map((one) => ({
      ...this.#model(one),
      ...(full && { paymentMethods: this.#methods(one) }),
    }));
  }

  #model(one: Invoice) {
    return {
      id: one.id,
      storeId: STORE,
      amount: one.amount,
      paidAmount: "0.00000000",
      currency: "BTC",
      type: "Standard",
      checkoutLink: `${this.publicUrl}/i/${one.id}`,
      createdTime: one.createdTime,
      expirationTime: one.expirationTime,
      monitoringExpiration: one.expirationTime + 86_400,
      status: one.status,
      additionalStatus: one.additionalStatus,
      availableStatusesForManualMarking: ["Settled", "Invalid"],
      archived: false,
      metadata: { orderId: one.orderId, itemDesc: one.itemDesc },
      checkout: { speedPolicy: "MediumSpeed", paymentMethods: ["BTC-LN", "BTC-CHAIN"] },
    };
  }

  #methods({ bolt11, amount, lightning, chain }: Invoice) {
    const common = {
      currency: "BTC",
      rate: "1.0",
      amount,
      paymentMethodFee: "0.00000000",
      activated: !this.faults.lazy,
    };
    const ln = {
      ...common,
      paymentMethodId: "BTC-LN",
      destination: bolt11,
      paymentLink: `lightning:${bolt11}`,
      due: amount,
      payments: lightning,
    };
    const onChain = {
      ...common,
      paymentMethodId: "BTC-CHAIN",
      destination: ADDRESS,
      paymentLink: `bitcoin:${ADDRESS}?amount=${amount}`,
      due: amount,
      payments: chain,
    };
    const other = { ...onChain, paymentMethodId: "LTC-CHAIN", currency: "LTC" };
    return [
      onChain,
      ...(this.faults.litecoin
        ? [{ ...other, payments: [payment(this.faults.litecoin, "Settled", "ltc1")] }]
        : []),
      ...(this.faults.withoutLightning ? [] : [ln]),
    ];
  }
}

function bolt11Of(amount: string, orderId: string, expirySeconds: number): string {
  const { units, scale } = parseDecimal(amount)!;
  return encodeBolt11({
    network: "bcrt",
    amountMsat: units * 10n ** BigInt(11 - scale),
    timestamp: Math.floor(Date.now() / 1000),
    paymentHash: random(),
    paymentSecret: random(),
    description: `Paid to Tea Shop (Order ID: ${orderId})`,
    expirySeconds,
  }, NODE_KEY);
}

function payment(value: string, status: Payment["status"], destination: string): Payment {
  return {
    id: crypto.randomUUID(),
    receivedDate: Math.floor(Date.now() / 1000),
    value: formatDecimal(parseDecimal(value)!),
    fee: "0.0",
    status,
    destination,
  };
}

function json(status: number, body: unknown): Response {
  return Response.json(body, { status });
}

function random(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}
