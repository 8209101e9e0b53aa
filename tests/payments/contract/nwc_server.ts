import { sha256 } from "@noble/hashes/sha2.js";
import { decodeBolt11, encodeBolt11 } from "../../../src/payments/bolt11.ts";
import { type Request, ScriptedWallet } from "../nwc/scripted_wallet.ts";

type Body = Record<string, unknown>;

interface Entry {
  type: "incoming" | "outgoing";
  state: "pending" | "accepted" | "settled" | "failed";
  invoice: string;
  description: string;
  payment_hash: string;
  amount: number;
  created_at: number;
  expires_at: number;
  settled_at?: number;
  settle_deadline?: number;
  preimage?: string;
}

const METHODS = [
  "get_info",
  "make_invoice",
  "lookup_invoice",
  "list_transactions",
  "pay_invoice",
  "make_hold_invoice",
  "settle_hold_invoice",
  "cancel_hold_invoice",
];
const HEIGHT = 800_000;
/** Blocks until held money goes back. */
const HELD_BLOCKS = 40;

/**
 * A wallet service with all of NIP-47 that shops use, hold invoices among it, and books of its own. No money moves: `pay()` is
 * somebody's payment, and `theirs()` an invoice that this wallet can pay.
 */
export class NwcServer implements AsyncDisposable {
  readonly service: ScriptedWallet;
  readonly #books = new Map<string, Entry>();
  readonly #preimages = new Map<string, string>();
  /** Those who wait for what becomes of their held money. */
  readonly #held = new Map<string, PromiseWithResolvers<boolean>>();
  readonly #nodeKey = crypto.getRandomValues(new Uint8Array(32));
  #lateMs = 0;

  private constructor(relay: string) {
    this.service = new ScriptedWallet(relay);
    this.service.answer = (request) => this.#answer(request);
  }

  static async start(relay: string, methods: readonly string[] = METHODS): Promise<NwcServer> {
    const server = new NwcServer(relay);
    await server.service.serve({ methods: methods.join(" "), encryption: "nip44_v2 nip04" });
    return server;
  }

  /** The next answer comes so much later. */
  delay(ms: number): void {
    this.#lateMs = ms;
  }

  /** Somebody pays; resolves when the money is the wallet's, and throws when it went back. */
  async pay(bolt11: string): Promise<void> {
    const entry = this.#books.values().find(({ invoice }) => invoice === bolt11);
    if (!entry || entry.state !== "pending") throw new Error("it can't be paid");
    if (this.#preimages.has(entry.payment_hash)) return await this.#settle(entry);
    entry.state = "accepted";
    entry.settle_deadline = HEIGHT + HELD_BLOCKS;
    const end = Promise.withResolvers<boolean>();
    this.#held.set(entry.payment_hash, end);
    await this.#notify("hold_invoice_accepted", entry);
    if (!await end.promise) throw new Error("it was given back");
  }

  /** An invoice of somebody's; one that isn't `payable` has no way to it. */
  theirs(amountMsat: bigint, payable: boolean): string {
    const preimage = hex32();
    const invoice = this.#invoice({ amount: Number(amountMsat) }, hashOf(preimage));
    if (payable) this.#preimages.set(hashOf(preimage), preimage);
    return invoice;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]();
  }

  async #answer({ method, params }: Request): Promise<Body> {
    const late = this.#lateMs;
    this.#lateMs = 0;
    if (late > 0) await new Promise((resolve) => setTimeout(resolve, late));
    try {
      return { result_type: method, result: await this.#do(method, params) };
    } catch (error) {
      const [code = "OTHER", message = ""] = (error as Error).message.split(": ");
      return { result_type: method, error: { code, message } };
    }
  }

  async #do(method: string, params: Body): Promise<Body> {
    switch (method) {
      case "get_info":
        return { network: "regtest", alias: "test wallet", block_height: HEIGHT, methods: METHODS };
      case "make_invoice": {
        const preimage = hex32();
        this.#preimages.set(hashOf(preimage), preimage);
        return { ...this.#make(params, hashOf(preimage)) };
      }
      case "make_hold_invoice":
        return { ...this.#make(params, String(params.payment_hash)) };
      case "settle_hold_invoice": {
        const hash = hashOf(String(params.preimage));
        const entry = this.#find(hash);
        // As some do, it refuses what it has done.
        if (entry.state !== "accepted") throw new Error("OTHER: no held payment");
        this.#preimages.set(hash, String(params.preimage));
        await this.#settle(entry);
        this.#held.get(hash)?.resolve(true);
        return {};
      }
      case "cancel_hold_invoice": {
        const entry = this.#find(String(params.payment_hash));
        if (entry.state !== "accepted" && entry.state !== "pending") throw new Error("OTHER: not held");
        entry.state = "failed";
        this.#held.get(entry.payment_hash)?.resolve(false);
        return {};
      }
      case "lookup_invoice":
        return { ...this.#find(String(params.payment_hash)) };
      case "list_transactions":
        return { transactions: this.#list(params) };
      case "pay_invoice":
        return this.#payOut(String(params.invoice));
      default:
        throw new Error(`NOT_IMPLEMENTED: ${method}`);
    }
  }

  #find(hash: string): Entry {
    const entry = this.#books.get(hash);
    if (!entry) throw new Error("NOT_FOUND: no such invoice");
    return entry;
  }

  #make(params: Body, paymentHash: string): Entry {
    const now = seconds();
    const entry: Entry = {
      type: "incoming",
      state: "pending",
      invoice: this.#invoice(params, paymentHash),
      description: String(params.description ?? ""),
      payment_hash: paymentHash,
      amount: Number(params.amount),
      created_at: now,
      expires_at: now + Number(params.expiry ?? 3600),
    };
    this.#books.set(paymentHash, entry);
    return entry;
  }

  #invoice(params: Body, paymentHash: string): string {
    return encodeBolt11({
      network: "bcrt",
      amountMsat: BigInt(Number(params.amount)),
      timestamp: seconds(),
      paymentHash,
      paymentSecret: hex32(),
      description: String(params.description ?? ""),
      ...(params.description_hash !== undefined && { descriptionHash: String(params.description_hash) }),
      expirySeconds: Number(params.expiry ?? 3600),
    }, this.#nodeKey);
  }

  async #settle(entry: Entry): Promise<void> {
    Object.assign(entry, {
      state: "settled",
      settled_at: seconds(),
      preimage: this.#preimages.get(entry.payment_hash),
    });
    await this.#notify("payment_received", entry);
  }

  #list({ from = 0, until = Infinity, limit = 10, offset = 0, unpaid = false, type }: Body): Entry[] {
    const fits = (entry: Entry) =>
      entry.created_at >= Number(from) && entry.created_at <= Number(until) &&
      (unpaid === true || entry.state === "settled") && (type === undefined || entry.type === type);
    return [...this.#books.values()].filter(fits).reverse().slice(
      Number(offset),
      Number(offset) + Number(limit),
    );
  }

  #payOut(invoice: string): Body {
    const read = decodeBolt11(invoice);
    if (!read.ok) throw new Error(`OTHER: ${read.reason}`);
    const { paymentHash, amountMsat } = read.invoice;
    if (this.#books.get(paymentHash)?.state === "settled") throw new Error("OTHER: paid already");
    const preimage = this.#preimages.get(paymentHash);
    const now = seconds();
    this.#books.set(paymentHash, {
      type: "outgoing",
      state: preimage === undefined ? "failed" : "settled",
      invoice,
      description: "",
      payment_hash: paymentHash,
      amount: Number(amountMsat),
      created_at: now,
      expires_at: now + 3600,
      ...(preimage !== undefined && { settled_at: now, preimage }),
    });
    if (preimage === undefined) throw new Error("PAYMENT_FAILED: no route");
    return { preimage, fees_paid: 1_000 };
  }

  async #notify(type: string, entry: Entry): Promise<void> {
    const body = { notification_type: type, notification: { ...entry } };
    await this.service.send(23197, body, "nip44");
  }
}

function hashOf(preimage: string): string {
  return sha256(Uint8Array.fromHex(preimage)).toHex();
}

function hex32(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
