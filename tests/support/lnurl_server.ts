import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { encodeBolt11, type NewBolt11 } from "../../src/payments/bolt11.ts";
import { type HttpsServer, httpsServer } from "./https_server.ts";

/** An invoice of the server's books. */
export interface LnurlBookEntry {
  bolt11: string;
  paymentHash: string;
  preimage: string;
  amountMsat: bigint;
  settled: boolean;
  /** What it was asked with besides the amount. */
  params: Record<string, string>;
}

/** How the server departs from the usual. */
export interface LnurlFaults {
  /** Fields of the LNURL-pay request. */
  request?: Record<string, unknown>;
  /** Fields of its invoices. */
  invoice?: Partial<NewBolt11>;
  /** Instead of answering a wish for an invoice. */
  callback?: () => Response | Promise<Response>;
  /** Fields beside or instead of its own; `undefined` leaves one out. */
  made?: (entry: LnurlBookEntry) => Record<string, unknown>;
  /** The same of its answers about an invoice. */
  verify?: (entry: LnurlBookEntry) => Record<string, unknown>;
}

export interface LnurlServerOptions {
  now?: () => number;
  faults?: LnurlFaults;
  /** Hears of an invoice as it is made, and gives one of its own in its place. */
  onInvoice?: (amountMsat: bigint, descriptionHash: string) => Promise<string>;
}

/** The server of Lightning addresses (LUD-06, 12, 16, 21) with books of its own, reached as `pay.example.com`. */
export class LnurlServer implements AsyncDisposable {
  readonly invoices: LnurlBookEntry[] = [];
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  readonly #server: HttpsServer;
  readonly #o: LnurlServerOptions;
  faults: LnurlFaults;

  constructor(options: LnurlServerOptions = {}) {
    this.#o = options;
    this.faults = options.faults ?? {};
    this.#server = httpsServer((request) => this.#answer(new URL(request.url)));
  }

  /** `shop@pay.example.com:<port>`. */
  get address(): string {
    return `shop@pay.example.com:${this.#server.port}`;
  }

  get port(): number {
    return this.#server.port;
  }

  /** Somebody pays. */
  pay(bolt11: string): void {
    const entry = this.invoices.find((one) => one.bolt11 === bolt11.toLowerCase());
    if (!entry) throw new Error("no such invoice");
    entry.settled = true;
  }

  /** What was paid to it. */
  received(): LnurlBookEntry[] {
    return this.invoices.filter((one) => one.settled);
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #answer(url: URL): Response | Promise<Response> {
    this.asked.push(url.pathname);
    const [, kind = "", name = "", id = ""] =
      /^\/(?:\.well-known\/)?(lnurlp|pay|verify)\/([^/]+)(?:\/([^/]+))?$/
        .exec(url.pathname) ?? [];
    if (kind === "lnurlp" && decodeURIComponent(name) === "shop") return Response.json(this.#request(url));
    if (kind === "pay") return this.faults.callback?.() ?? this.#make(url);
    if (kind === "verify") return this.#verify(id);
    return new Response("not found", { status: 404 });
  }

  #request(url: URL): Record<string, unknown> {
    return {
      status: "OK",
      tag: "payRequest",
      callback: `${url.origin}/pay/shop?session=1`,
      minSendable: 1_000,
      maxSendable: 100_000_000_000,
      metadata: METADATA,
      commentAllowed: 0,
      ...this.faults.request,
    };
  }

  async #make(url: URL): Promise<Response> {
    const { amount = "", session, ...params } = Object.fromEntries(url.searchParams);
    if (!/^\d+$/.test(amount) || session !== "1") {
      return Response.json({ status: "ERROR", reason: "Invalid amount" }, { status: 400 });
    }
    const preimage = bytesToHex(crypto.getRandomValues(new Uint8Array(32)));
    const paymentHash = bytesToHex(sha256(Uint8Array.fromHex(preimage)));
    // NIP-57: with a zap request the invoice commits to that.
    const descriptionHash = bytesToHex(sha256(utf8ToBytes(params.nostr ?? METADATA)));
    const bolt11 = await this.#o.onInvoice?.(BigInt(amount), descriptionHash) ?? encodeBolt11({
      network: "bcrt",
      amountMsat: BigInt(amount),
      timestamp: Math.floor((this.#o.now?.() ?? Date.now()) / 1000),
      paymentHash,
      paymentSecret: "cd".repeat(32),
      descriptionHash,
      expirySeconds: 86_400,
      ...this.faults.invoice,
    }, new Uint8Array(32).fill(7));
    const entry = { bolt11, paymentHash, preimage, amountMsat: BigInt(amount), settled: false, params };
    this.invoices.push(entry);
    return Response.json({
      status: "OK",
      pr: bolt11,
      routes: [],
      verify: `${url.origin}/verify/shop/${paymentHash}`,
      ...this.faults.made?.(entry),
    });
  }

  #verify(id: string): Response {
    const entry = this.invoices.find((one) => one.paymentHash === id);
    if (!entry) return Response.json({ status: "ERROR", reason: "Not found" });
    const { settled, preimage, bolt11: pr } = entry;
    return Response.json({
      status: "OK",
      settled,
      preimage: settled ? preimage : null,
      pr,
      ...this.faults.verify?.(entry),
    });
  }
}

const METADATA = JSON.stringify([["text/plain", "Pay the shop"], [
  "text/identifier",
  "shop@pay.example.com",
]]);
