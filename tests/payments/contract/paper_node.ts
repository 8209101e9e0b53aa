import { encodeBolt11 } from "../../../src/payments/bolt11.ts";
import type { Network } from "../../../src/payments/wallet.ts";

export interface PaperInvoice {
  bolt11: string;
  paymentHash: string;
  preimage: string;
  amountMsat: bigint;
  description: string;
  /** ms since 1970. */
  createdAt: number;
  expiresAt: number;
}

/** A node that only makes invoices: valid ones, and nobody reaches it. */
export class PaperNode {
  readonly #key = crypto.getRandomValues(new Uint8Array(32));

  constructor(readonly network: Network = "bc") {}

  async make(
    o: {
      amountMsat: bigint;
      description?: string;
      descriptionHash?: string | undefined;
      expirySeconds?: number;
    },
  ): Promise<PaperInvoice> {
    const { amountMsat, description = "theirs", descriptionHash, expirySeconds = 3_600 } = o;
    const preimage = crypto.getRandomValues(new Uint8Array(32));
    const paymentHash = new Uint8Array(await crypto.subtle.digest("SHA-256", preimage)).toHex();
    const timestamp = Math.floor(Date.now() / 1000);
    const bolt11 = encodeBolt11({
      network: this.network,
      amountMsat,
      timestamp,
      paymentHash,
      paymentSecret: crypto.getRandomValues(new Uint8Array(32)).toHex(),
      description,
      ...(descriptionHash !== undefined && { descriptionHash }),
      expirySeconds,
    }, this.#key);
    return {
      bolt11,
      paymentHash,
      preimage: preimage.toHex(),
      amountMsat,
      description,
      createdAt: timestamp * 1000,
      expiresAt: (timestamp + expirySeconds) * 1000,
    };
  }
}
