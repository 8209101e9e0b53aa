import { sha256 } from "@noble/hashes/sha2.js";
import {
  type CreatedInvoice,
  type HoldInvoices,
  type InvoiceRef,
  type InvoiceRequest,
  type InvoiceStatus,
  type Wallet,
  type WalletCaps,
  WalletError,
  type WalletInfo,
} from "../../../src/payments/wallet.ts";
import { btc, ElectrumError, type ElectrumNode } from "./electrum_node.ts";

/** Electrum's PR_PAID, PR_EXPIRED. */
const [EXPIRED, PAID] = [1, 3];

interface HoldState {
  status: "unpaid" | "paid" | "settled" | "unknown";
  received_amount_sat: number;
}

/**
 * A real node by its own JSON-RPC, for what its NIP-47 service hasn't: hold invoices. For tests alone; Electrum isn't one of the
 * wallets that shops are offered but by NIP-47.
 */
export class ElectrumWallet implements Wallet {
  readonly id = "electrum:test";
  readonly kind = "electrum";
  readonly caps: WalletCaps = {
    unit: "sat",
    expiry: true,
    descriptionHash: false,
    subscribe: "none",
    cancel: false,
    hold: true,
    pay: false,
  };
  readonly #node: ElectrumNode;
  /** Its hold invoices; the node forgets the cancelled ones. */
  readonly #held = new Set<string>();
  readonly hold: HoldInvoices = {
    create: async (request) => {
      const made = await this.#ask<{ invoice: string }>("add_hold_invoice", {
        payment_hash: request.paymentHash,
        ...asked(request),
      });
      this.#held.add(request.paymentHash);
      return { bolt11: made.invoice, paymentHash: request.paymentHash };
    },
    settle: async (preimage) => {
      const paymentHash = sha256(Uint8Array.fromHex(preimage)).toHex();
      if ((await this.#state(paymentHash)).status === "settled") return;
      await this.#ask("settle_hold_invoice", { preimage });
    },
    cancel: async (paymentHash) => {
      if ((await this.#state(paymentHash)).status === "unknown") return;
      await this.#ask("cancel_hold_invoice", { payment_hash: paymentHash });
    },
  };

  constructor(node: ElectrumNode) {
    this.#node = node;
  }

  describe(): string {
    return "Electrum";
  }

  async probe(): Promise<WalletInfo> {
    const { network } = await this.#ask<{ network: string }>("getinfo");
    if (network !== "regtest") throw new WalletError("refused", `it is on ${network}`);
    return { network: "bcrt", alias: null, methods: [] };
  }

  async createInvoice(request: InvoiceRequest): Promise<CreatedInvoice> {
    const made = await this.#ask<{ lightning_invoice: string; rhash: string }>("add_request", {
      ...asked(request),
      lightning: true,
    });
    return { bolt11: made.lightning_invoice, paymentHash: made.rhash };
  }

  async lookup({ paymentHash }: InvoiceRef): Promise<InvoiceStatus> {
    if (this.#held.has(paymentHash)) return await this.#holdStatus(paymentHash);
    try {
      const request = await this.#ask<{ status: number; amount_msat: number }>("get_request", {
        request_id: paymentHash,
      });
      if (request.status === PAID) return settled(BigInt(request.amount_msat));
      return { status: request.status === EXPIRED ? "expired" : "open" };
    } catch (error) {
      if (error instanceof WalletError && error.message.includes("Request not found")) {
        return { status: "not_found" };
      }
      throw error;
    }
  }

  /** How many blocks its chain has. */
  async height(): Promise<number> {
    return (await this.#ask<{ blockchain_height: number }>("getinfo")).blockchain_height;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #holdStatus(paymentHash: string): Promise<InvoiceStatus> {
    const state = await this.#state(paymentHash);
    if (state.status === "settled") return settled(BigInt(state.received_amount_sat) * 1000n);
    if (state.status === "unknown") return { status: "cancelled" };
    if (state.status === "unpaid") return { status: "open" };
    return { status: "held" };
  }

  #state(paymentHash: string): Promise<HoldState> {
    return this.#ask<HoldState>("check_hold_invoice", { payment_hash: paymentHash });
  }

  async #ask<T>(method: string, params: Record<string, unknown> = {}): Promise<T> {
    try {
      return await this.#node.rpc<T>(method, params);
    } catch (error) {
      if (error instanceof ElectrumError) throw new WalletError("refused", error.message);
      throw new WalletError("unreachable", String(error));
    }
  }
}

function asked(request: InvoiceRequest): { amount: string; memo: string; expiry: number } {
  const { amountMsat, description, expirySeconds } = request;
  return { amount: btc(amountMsat / 1000n), memo: description, expiry: expirySeconds };
}

/** It doesn't say when; it is asked at once. */
function settled(amountMsat: bigint): InvoiceStatus {
  return { status: "settled", amountMsat, settledAt: Date.now() };
}
