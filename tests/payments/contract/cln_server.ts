import { decodeBolt11, encodeBolt11 } from "../../../src/payments/bolt11.ts";

/** An invoice in its books, as `listinvoices` shows it. */
interface Listed {
  label: string;
  bolt11: string;
  payment_hash: string;
  amount_msat: number;
  description: string;
  expires_at: number;
  created_index: number;
  status: "unpaid" | "paid" | "expired";
  pay_index?: number;
  amount_received_msat?: number;
  paid_at?: number;
  payment_preimage?: string;
}

interface Pay {
  status: "complete" | "failed" | "pending";
  preimage?: string;
}

type Params = Record<string, unknown>;

/** A refusal of a command: clnrest answers it with HTTP 500. */
class Refusal extends Error {
  constructor(readonly code: number, message: string, readonly data?: unknown) {
    super(message);
  }
}

/**
 * A Core Lightning without a network, as its documentation and clnrest's source say that it answers: HTTP 201 for what went
 * well, 500 for what a command refuses, 401 for a rune, 404 for a command that isn't there.
 */
export class ClnServer implements AsyncDisposable {
  readonly invoices: Listed[] = [];
  /** Every command and its parameters. */
  readonly asked: [string, Params][] = [];
  /** What became of payments, by hash. */
  readonly pays = new Map<string, Pay>();
  /** Commands that the rune doesn't allow. */
  forbidden: string[] = [];
  /** Commands that it doesn't have. */
  missing: string[] = [];
  /** `xpay` gives up with this code, whatever became of the payment. */
  givesUp: number | null = null;
  /** The next answer to a new invoice never comes. */
  losing = false;
  /** Called with each question. */
  onAsked: () => void = () => {};
  readonly #rune: string;
  readonly #nodeKey = crypto.getRandomValues(new Uint8Array(32));
  readonly #preimages = new Map<string, string>();
  readonly #payable = new Map<string, string>();
  readonly #waiting = new Set<() => void>();
  readonly #lost = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #paid = 0;

  constructor(rune: string, tls?: { cert: string; key: string }) {
    this.#rune = rune;
    const options = { port: 0, hostname: "127.0.0.1", onListen() {} };
    const answer = (request: Request) => this.#answer(request);
    this.#server = tls ? Deno.serve({ ...options, ...tls }, answer) : Deno.serve(options, answer);
  }

  get port(): number {
    return this.#server.addr.port;
  }

  pay(bolt11: string): Promise<void> {
    const it = this.invoices.find((one) => one.bolt11 === bolt11);
    if (it?.status !== "unpaid") return Promise.reject(new Error("incorrect_or_unknown_payment_details"));
    const seconds = Date.now() / 1000;
    it.status = "paid";
    it.pay_index = ++this.#paid;
    it.amount_received_msat = it.amount_msat;
    it.paid_at = Math.floor(seconds);
    it.payment_preimage = this.#preimages.get(it.payment_hash)!;
    for (const wake of this.#waiting) wake();
    return Promise.resolve();
  }

  /** An invoice of another node that this one can pay, or not. */
  async theirInvoice(msat: bigint, payable: boolean): Promise<string> {
    const preimage = crypto.getRandomValues(new Uint8Array(32));
    const hash = await sha256(preimage);
    if (payable) this.#payable.set(hash, preimage.toHex());
    return this.#encode(hash, msat, "theirs", 3_600);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lost.abort();
    for (const wake of this.#waiting) wake();
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const command = /^\/v1\/([a-z-]+)$/.exec(new URL(request.url).pathname)?.[1] ?? "";
    const refuse = (status: number, code: number, message: string, data?: unknown) =>
      Response.json({ code, message, ...(data !== undefined && { data }) }, { status });
    if (request.method !== "POST") return refuse(404, -32601, "Path not registered");
    const rune = request.headers.get("rune");
    if (rune === null) return refuse(403, 1501, "Not authorized: Missing rune");
    if (rune !== this.#rune) return refuse(401, 1501, "Not authorized: Not derived from master");
    if (this.forbidden.includes(command)) {
      return refuse(401, 1502, "Not permitted: method is not equal to invoice");
    }
    const params = await request.json();
    this.asked.push([command, params]);
    this.onAsked();
    try {
      const result = this.missing.includes(command) ? undefined : await this.#run(command, params);
      if (result === undefined) return refuse(404, -32601, `Unknown command '${command}'`);
      return Response.json(result, { status: 201 });
    } catch (error) {
      if (error instanceof Refusal) return refuse(500, error.code, error.message, error.data);
      throw error;
    }
  }

  async #run(command: string, params: Params): Promise<unknown> {
    switch (command) {
      case "getinfo":
        return { id: "02".repeat(33), alias: "fake", network: "regtest", version: "v26.04" };
      case "invoice":
        return await this.#invoice(params);
      case "listinvoices":
        return {
          invoices: this.invoices.filter((one) =>
            one.label === params.label || one.payment_hash === params.payment_hash
          ),
        };
      case "waitanyinvoice":
        return await this.#wait(Number(params.lastpay_index ?? 0), Number(params.timeout));
      case "delinvoice":
        return this.#delete(params);
      case "xpay":
        return this.#xpay(String(params.invstring));
      case "pay":
        return this.#xpay(String(params.bolt11));
      case "listpays": {
        const made = this.pays.get(String(params.payment_hash));
        return { pays: made ? [{ payment_hash: params.payment_hash, ...sent(made) }] : [] };
      }
      default:
        return undefined;
    }
  }

  async #invoice(params: Params): Promise<unknown> {
    const { label, description, expiry, amount_msat } = params;
    if (typeof label !== "string" || typeof amount_msat !== "number") {
      throw new Refusal(-32602, "bad parameter");
    }
    if (this.invoices.some((one) => one.label === label)) {
      throw new Refusal(900, `Duplicate label '${label}'`, {});
    }
    const preimage = crypto.getRandomValues(new Uint8Array(32));
    const payment_hash = await sha256(preimage);
    this.#preimages.set(payment_hash, preimage.toHex());
    const bolt11 = this.#encode(payment_hash, BigInt(amount_msat), String(description), Number(expiry));
    const created_index = this.invoices.length + 1;
    const expires_at = Math.floor(Date.now() / 1000) + Number(expiry);
    this.invoices.push({
      label,
      bolt11,
      payment_hash,
      amount_msat,
      description: String(description),
      expires_at,
      created_index,
      status: "unpaid",
    });
    if (this.losing) {
      this.losing = false;
      await new Promise((resolve) => this.#lost.signal.addEventListener("abort", resolve));
    }
    return { payment_hash, expires_at, bolt11, created_index, payment_secret: "ab".repeat(32) };
  }

  async #wait(last: number, seconds: number): Promise<unknown> {
    const next = () =>
      this.invoices.filter((one) => one.pay_index !== undefined && one.pay_index > last)
        .sort((one, other) => one.pay_index! - other.pay_index!)[0];
    if (!next() && seconds > 0 && !this.#lost.signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const late = setTimeout(resolve, seconds * 1000);
      this.#waiting.add(resolve);
      await promise;
      this.#waiting.delete(resolve);
      clearTimeout(late);
    }
    const found = next();
    if (!found) throw new Refusal(904, "Timed out");
    return found;
  }

  #delete({ label, status }: Params): unknown {
    const at = this.invoices.findIndex((one) => one.label === label);
    if (at < 0) throw new Refusal(905, "Unknown invoice");
    const it = this.invoices[at]!;
    if (it.status !== status) {
      const data = { current_status: it.status, expected_status: status };
      throw new Refusal(906, `Invoice status is ${it.status} not ${status}`, data);
    }
    this.invoices.splice(at, 1);
    return it;
  }

  #xpay(bolt11: string): unknown {
    const decoded = decodeBolt11(bolt11);
    if (!decoded.ok) throw new Refusal(-32602, "Invalid bolt11");
    const { paymentHash, amountMsat } = decoded.invoice;
    const preimage = this.#payable.get(paymentHash);
    const before = this.pays.get(paymentHash);
    if (!before) {
      this.pays.set(paymentHash, preimage ? { status: "complete", preimage } : { status: "failed" });
    }
    if (this.givesUp !== null) throw new Refusal(this.givesUp, "Timed out after after 1 attempts");
    if (!preimage) throw new Refusal(205, "Unknown destination");
    const amount_msat = Number(amountMsat);
    return { payment_preimage: preimage, amount_msat, amount_sent_msat: amount_msat + 3, failed_parts: 0 };
  }

  #encode(paymentHash: string, amountMsat: bigint, description: string, expirySeconds: number): string {
    const timestamp = Math.floor(Date.now() / 1000);
    const paymentSecret = crypto.getRandomValues(new Uint8Array(32)).toHex();
    const invoice = { timestamp, paymentHash, paymentSecret, amountMsat, description, expirySeconds };
    return encodeBolt11({ ...invoice, network: "bcrt" }, this.#nodeKey);
  }
}

function sent(made: Pay) {
  return { ...made, amount_msat: 2_000, amount_sent_msat: 2_003, created_at: 1_738_000_000 };
}

async function sha256(preimage: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", preimage)).toHex();
}
