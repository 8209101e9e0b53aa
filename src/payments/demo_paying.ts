import type { Msat } from "../money/msat.ts";
import { type OutgoingPayment, type OutgoingStatus, type PaidOut, WalletError } from "./wallet.ts";

/** A payment that the demo wallet made. */
export interface DemoPayment {
  paymentHash: string;
  amountMsat: Msat;
  preimage: string;
}

/** Another demo wallet, as far as paying it goes. */
export interface DemoPayee {
  settle(
    ref: string,
    o: { amountMsat?: Msat },
  ): Promise<{ ok: true; preimage: string } | { ok: false; reason: string }>;
}

/** What a way to a payee costs in the demo's world. */
const FEE_MSAT = 1_000n;

/** The demo wallet's paying side, in memory. As with real wallets, a payment hash is paid once. */
export class DemoPaying {
  readonly #payees: DemoPayee[] = [];
  readonly #paid = new Map<string, DemoPayment>();

  reaches(payee: DemoPayee): void {
    this.#payees.push(payee);
  }

  all(): DemoPayment[] {
    return [...this.#paid.values()];
  }

  /** Throws a WalletError `refused` when there is no way, the invoice isn't payable, or it is paid already. */
  async pay({ paymentHash, amountMsat, maxFeeMsat }: OutgoingPayment): Promise<PaidOut> {
    if (this.#paid.has(paymentHash)) throw new WalletError("refused", "this invoice is paid already");
    if (maxFeeMsat < FEE_MSAT) throw new WalletError("refused", "the way costs more than allowed");
    let reason = "the demo wallet knows no way to this payee";
    for (const payee of this.#payees) {
      const settled = await payee.settle(paymentHash, { amountMsat });
      if (settled.ok) {
        this.#paid.set(paymentHash, { paymentHash, amountMsat, preimage: settled.preimage });
        return { preimage: settled.preimage, feeMsat: FEE_MSAT };
      }
      reason = settled.reason;
    }
    throw new WalletError("refused", reason);
  }

  lookup(paymentHash: string): Promise<OutgoingStatus> {
    const paid = this.#paid.get(paymentHash);
    return Promise.resolve(
      paid ? { status: "settled", preimage: paid.preimage, feeMsat: FEE_MSAT } : { status: "not_found" },
    );
  }
}
