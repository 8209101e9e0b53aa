import { NWCWalletService, NWCWalletServiceKeyPair } from "@getalby/sdk/nwc";
import type { Nip47Transaction } from "@getalby/sdk/nwc";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, randomBytes } from "@noble/hashes/utils.js";
import * as nip04 from "nostr-tools/nip04";
import * as nip44 from "nostr-tools/nip44";
import { finalizeEvent, generateSecretKey, getPublicKey, type NostrEvent } from "nostr-tools/pure";
import { decodeBolt11, encodeBolt11 } from "../../src/payments/bolt11.ts";

/** An invoice in the wallet's own books. */
export interface WalletEntry {
  bolt11: string;
  paymentHash: string;
  description: string;
  amountMsat: number;
  /** Seconds. */
  createdAt: number;
  expiresAt: number;
  /** Seconds; null while unpaid. */
  settledAt: number | null;
}

/** A payment that the wallet made, or tried to. */
export interface WalletPayment {
  paymentHash: string;
  amountMsat: number;
  state: "settled" | "failed";
}

/** What becomes of the next payment: `lost` is its answer, whether it was made (`paid`) or not. */
export type Paying = "paid" | "failed" | "paid, answer lost" | "not paid, answer lost";

/** The wallet's methods, as its info event names them. */
const METHODS = ["get_info", "make_invoice", "lookup_invoice", "pay_invoice"] as const;
const LIST = "list_transactions" as const;

/**
 * A wallet that isn't ours behind NIP-47: the wallet service of the npm package `@getalby/sdk`, with books of its own. What the
 * package lacks is added by nostr-tools: the notification of a payment. No money moves; `settle()` says that somebody paid.
 */
export class NwcService implements AsyncDisposable {
  readonly #relay: string;
  readonly #methods: ((typeof METHODS)[number] | typeof LIST)[];
  readonly #walletKey = generateSecretKey();
  readonly #clientKey = generateSecretKey();
  readonly #nodeKey = generateSecretKey();
  readonly #books = new Map<string, WalletEntry & { preimage: string }>();
  readonly #payments = new Map<string, WalletPayment & { bolt11: string; preimage: string }>();
  /** What becomes of payments. */
  paying: Paying = "paid";
  /** What it says instead of doing what it is asked; null: it does it. */
  refusal: { code: string; message: string } | null = null;
  /** How often it was asked to pay. */
  asked = 0;
  /** The preimage of an invoice that can be paid; null: there is no way. */
  way: (bolt11: string) => Promise<string | null> = () => Promise.resolve(null);
  readonly #service: NWCWalletService;
  readonly #outlet: Outlet;
  #unsubscribe: () => void = () => {};

  private constructor(relay: string, lists: boolean) {
    this.#relay = relay;
    this.#methods = lists ? [...METHODS, LIST] : [...METHODS];
    this.#service = new NWCWalletService({ relayUrls: [relay] });
    this.#outlet = new Outlet(relay);
  }

  /** Serves one connection over that relay. `lists`: it keeps a list of what came in. */
  static async start(relay: string, o: { lists?: boolean } = {}): Promise<NwcService> {
    const wallet = new NwcService(relay, o.lists ?? false);
    await wallet.#outlet.connect();
    const secret = bytesToHex(wallet.#walletKey);
    await wallet.#service.publishWalletServiceInfoEvent(secret, wallet.#methods, ["payment_received"]);
    wallet.#unsubscribe = await wallet.#service.subscribe(
      new NWCWalletServiceKeyPair(secret, getPublicKey(wallet.#clientKey)),
      {
        getInfo: () => wallet.#refused() ?? answer(wallet.#info()),
        makeInvoice: (request) => wallet.#refused() ?? answer(wallet.#make(request)),
        payInvoice: (request) => wallet.#refused() ?? wallet.#pay(request),
        lookupInvoice: (request) => {
          const refused = wallet.#refused();
          if (refused) return refused;
          const payment = wallet.#payments.get(request.payment_hash ?? "");
          if (payment) return answer(outgoing(payment));
          const entry = wallet.#find(request.payment_hash ?? request.invoice ?? "");
          return entry ? answer(transaction(entry)) : refuse("NOT_FOUND", "no such invoice");
        },
        listTransactions: (request) => wallet.#refused() ?? answer(wallet.#list(request)),
      },
    );
    return wallet;
  }

  /** The connection's secret, as a person would paste it. */
  get url(): string {
    const query = new URLSearchParams({ relay: this.#relay, secret: bytesToHex(this.#clientKey) });
    return `nostr+walletconnect://${getPublicKey(this.#walletKey)}?${query}`;
  }

  /** Somebody pays; the client is notified unless `silently`. Answers why not, or null. */
  async settle(bolt11: string, o: { silently?: boolean } = {}): Promise<string | null> {
    const entry = this.#find(bolt11);
    const now = seconds();
    if (!entry) return "no such invoice";
    if (entry.settledAt !== null) return "paid already";
    if (entry.expiresAt <= now) return "expired";
    entry.settledAt = now;
    if (!o.silently) await this.#notify(entry);
    return null;
  }

  /** What it paid, or tried to: books of its own. */
  payments(): WalletPayment[] {
    return [...this.#payments.values()].map(({ paymentHash, amountMsat, state }) => ({
      paymentHash,
      amountMsat,
      state,
    }));
  }

  books(): WalletEntry[] {
    return [...this.#books.values()].map(({ preimage: _, ...entry }) => entry);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    this.#service.close();
    await this.#outlet.close();
  }

  #refused() {
    return this.refusal && refuse(this.refusal.code, this.refusal.message);
  }

  async #pay({ invoice, amount }: { invoice: string; amount?: number }) {
    this.asked++;
    const read = decodeBolt11(invoice);
    if (!read.ok) return await refuse("OTHER", read.reason);
    const { paymentHash, amountMsat } = read.invoice;
    if (this.#payments.get(paymentHash)?.state === "settled") {
      return await refuse("OTHER", "this invoice has already been paid");
    }
    const lost = this.paying.endsWith("lost");
    const state = this.paying.startsWith("paid") ? "settled" : "failed";
    const preimage = state === "settled" ? await this.way(invoice) ?? "" : "";
    const made = {
      paymentHash,
      amountMsat: Number(amountMsat ?? amount ?? 0),
      state,
      bolt11: invoice,
      preimage,
    };
    this.#payments.set(paymentHash, { ...made, state: preimage === "" ? "failed" : "settled" });
    if (lost) return await new Promise<never>(() => {});
    if (preimage === "") return await refuse("PAYMENT_FAILED", "no route");
    return await answer({ preimage, fees_paid: 2_000 });
  }

  #find(ref: string): (WalletEntry & { preimage: string }) | undefined {
    return this.#books.get(ref) ?? this.#books.values().find((entry) => entry.bolt11 === ref);
  }

  #info() {
    return {
      alias: "test wallet",
      color: "#000000",
      pubkey: "",
      network: "regtest",
      block_height: 1,
      block_hash: "",
      methods: this.#methods,
      notifications: ["payment_received" as const],
    };
  }

  #make(request: { amount: number; description?: string; expiry?: number }): Nip47Transaction {
    const preimage = randomBytes(32);
    const paymentHash = bytesToHex(sha256(preimage));
    const now = seconds();
    const expirySeconds = request.expiry ?? 3600;
    const description = request.description ?? "";
    const entry = {
      bolt11: encodeBolt11({
        network: "bcrt",
        amountMsat: BigInt(request.amount),
        timestamp: now,
        paymentHash,
        paymentSecret: bytesToHex(randomBytes(32)),
        description,
        expirySeconds,
      }, this.#nodeKey),
      paymentHash,
      preimage: bytesToHex(preimage),
      description,
      amountMsat: request.amount,
      createdAt: now,
      expiresAt: now + expirySeconds,
      settledAt: null,
    };
    this.#books.set(paymentHash, entry);
    return transaction(entry);
  }

  /** NIP-47: the newest first. */
  #list(o: { from?: number; until?: number; limit?: number; offset?: number; unpaid?: boolean }) {
    const { from = 0, until = Infinity, limit = 20, offset = 0 } = o;
    const fitting = [...this.#books.values()].reverse().filter((entry) =>
      entry.createdAt >= from && entry.createdAt <= until && (o.unpaid || entry.settledAt !== null)
    );
    const transactions = fitting.slice(offset, offset + limit).map(transaction);
    return { transactions, total_count: fitting.length };
  }

  /** NIP-47: both kinds, since nothing says which of them the client reads. */
  async #notify(entry: WalletEntry & { preimage: string }): Promise<void> {
    const client = getPublicKey(this.#clientKey);
    const text = JSON.stringify({ notification_type: "payment_received", notification: transaction(entry) });
    const secret = this.#walletKey;
    for (
      const [kind, content] of [
        [23196, nip04.encrypt(secret, client, text)],
        [23197, nip44.encrypt(text, nip44.getConversationKey(secret, client))],
      ] as const
    ) {
      this.#outlet.publish(
        finalizeEvent({ kind, created_at: seconds(), tags: [["p", client]], content: await content }, secret),
      );
    }
  }
}

/** Publishes and doesn't ask what became of it, as notifications are sent. */
class Outlet {
  readonly #url: string;
  #socket!: WebSocket;

  constructor(url: string) {
    this.#url = url;
  }

  async connect(): Promise<void> {
    const open = Promise.withResolvers<void>();
    this.#socket = new WebSocket(this.#url);
    this.#socket.onopen = () => open.resolve();
    this.#socket.onerror = () => open.reject(new Error(`the wallet can't reach ${this.#url}`));
    await open.promise;
  }

  publish(event: NostrEvent): void {
    this.#socket.send(JSON.stringify(["EVENT", event]));
  }

  async close(): Promise<void> {
    const closed = Promise.withResolvers<void>();
    this.#socket.onclose = () => closed.resolve();
    this.#socket.close();
    await closed.promise;
  }
}

function transaction(entry: WalletEntry & { preimage: string }): Nip47Transaction {
  const isSettled = entry.settledAt !== null;
  return {
    type: "incoming",
    state: isSettled ? "settled" : "pending",
    invoice: entry.bolt11,
    description: entry.description,
    payment_hash: entry.paymentHash,
    amount: entry.amountMsat,
    fees_paid: 0,
    created_at: entry.createdAt,
    expires_at: entry.expiresAt,
    ...(isSettled ? { settled_at: entry.settledAt!, preimage: entry.preimage } : {}),
  } as Nip47Transaction;
}

function outgoing(
  payment: WalletPayment & { bolt11: string; preimage: string },
): Nip47Transaction {
  return {
    type: "outgoing",
    state: payment.state,
    invoice: payment.bolt11,
    payment_hash: payment.paymentHash,
    amount: payment.amountMsat,
    fees_paid: 2_000,
    created_at: seconds(),
    ...(payment.state === "settled" ? { settled_at: seconds(), preimage: payment.preimage } : {}),
  } as Nip47Transaction;
}

function answer<T>(result: T) {
  return Promise.resolve({ result, error: undefined });
}

function refuse(code: string, message: string) {
  return Promise.resolve({ result: undefined, error: { code, message } });
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
