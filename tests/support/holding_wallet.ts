import { encodeBolt11 } from "../../src/payments/bolt11.ts";
import { DemoWallet, type Settled } from "../../src/payments/demo_wallet.ts";
import { hashOf } from "../../src/payments/held_money.ts";
import {
  type CreatedInvoice,
  type HoldInvoices,
  type InvoiceRef,
  type InvoiceStatus,
  WalletError,
  type WalletInfo,
} from "../../src/payments/wallet.ts";
import type { FakeClock } from "./fake_clock.ts";
import { silentLog } from "./log.ts";
import { systemRandom } from "../../src/random.ts";

interface HoldInvoice {
  bolt11: string;
  amountMsat: bigint;
  state: "open" | "held" | "settled" | "cancelled";
  at: number;
}

/** The demo wallet with hold invoices: what is paid to one waits. It keeps books of its own. */
export class HoldingWallet extends DemoWallet {
  override readonly caps = {
    unit: "msat",
    expiry: true,
    descriptionHash: false,
    subscribe: "live",
    cancel: false,
    hold: true,
    pay: true,
  } as const;
  readonly #clock: FakeClock;
  readonly #holds = new Map<string, HoldInvoice>();
  /** Called when a hold is to be settled or cancelled; it may throw. */
  onEnd: (how: "settle" | "cancel") => void = () => {};
  /** Whether it does as it is asked, and nobody hears of it: no answer comes, and no hint. */
  mute = false;

  /** Whether it has said what it can: some tell only with their first answer. */
  #told: boolean;

  constructor(clock: FakeClock, o: { tellsAtOnce?: boolean } = {}) {
    super({ clock, random: systemRandom, log: silentLog });
    this.#clock = clock;
    this.#told = o.tellsAtOnce ?? true;
  }

  override async probe(signal: AbortSignal): Promise<WalletInfo> {
    const info = await super.probe(signal);
    this.#told = true;
    return info;
  }

  get hold(): HoldInvoices | undefined {
    return this.#told ? this.holding : undefined;
  }

  readonly holding: HoldInvoices = {
    create: (request): Promise<CreatedInvoice> => {
      const { paymentHash, amountMsat } = request;
      const bolt11 = encodeBolt11({
        network: "bcrt",
        amountMsat,
        timestamp: Math.floor(this.#clock.now() / 1000),
        paymentHash,
        paymentSecret: "11".repeat(32),
        description: request.description,
        expirySeconds: request.expirySeconds,
      }, new Uint8Array(32).fill(7));
      this.#holds.set(paymentHash, { bolt11, amountMsat, state: "open", at: 0 });
      return Promise.resolve({ bolt11, paymentHash });
    },
    settle: (preimage) => this.#end(hashOf(preimage), "settle"),
    cancel: (paymentHash) => this.#end(paymentHash, "cancel"),
  };

  /** The states of its hold invoices, oldest first. */
  get holds(): HoldInvoice["state"][] {
    return [...this.#holds.values()].map(({ state }) => state);
  }

  /** The deadline has passed: every payment that still waits goes back. */
  letsGo(): void {
    for (const one of this.#holds.values()) if (one.state === "held") one.state = "cancelled";
  }

  override async lookup(ref: InvoiceRef, signal: AbortSignal): Promise<InvoiceStatus> {
    const one = this.#holds.get(ref.paymentHash);
    if (!one) return await super.lookup(ref, signal);
    if (one.state !== "settled") return { status: one.state };
    return { status: "settled", amountMsat: one.amountMsat, settledAt: one.at };
  }

  /** Somebody pays: the money waits. */
  override async settle(ref: string, o: { silently?: boolean } = {}): Promise<Settled> {
    const found = [...this.#holds].find(([hash, one]) => ref === hash || ref.toLowerCase() === one.bolt11);
    if (!found) return await super.settle(ref, o);
    const [paymentHash, one] = found;
    if (one.state !== "open") return { ok: false, reason: `it is ${one.state}` };
    Object.assign(one, { state: "held", at: this.#clock.now() });
    if (!o.silently) this.hint({ paymentHash });
    return { ok: true, preimage: "", amountMsat: one.amountMsat };
  }

  #end(paymentHash: string, how: "settle" | "cancel"): Promise<void> {
    this.onEnd(how);
    const one = this.#holds.get(paymentHash);
    const end = how === "settle" ? "settled" : "cancelled";
    if (!one) return Promise.reject(new WalletError("refused", "no such invoice"));
    if (one.state === end) return Promise.resolve();
    if (one.state !== "held" && !(one.state === "open" && how === "cancel")) {
      return Promise.reject(new WalletError("refused", `it is ${one.state}`));
    }
    Object.assign(one, { state: end, at: this.#clock.now() });
    if (this.mute) return Promise.reject(new WalletError("no_answer", "it doesn't say"));
    this.hint({ paymentHash });
    return Promise.resolve();
  }
}
