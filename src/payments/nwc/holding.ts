import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import type { HoldInvoices, InvoiceStatus } from "../wallet.ts";
import type { NwcAsking } from "./asking.ts";
import { makeInvoice } from "./making.ts";
import { NwcError } from "./messages.ts";

/** What a wallet must offer before its hold invoices are of use (NIP-47). */
const METHODS = ["make_hold_invoice", "settle_hold_invoice", "cancel_hold_invoice"];

/** Whether these methods are enough for hold invoices. */
export function canHold(methods: readonly string[]): boolean {
  return METHODS.every((method) => methods.includes(method));
}

/** Hold invoices by NIP-47. `statusOf` looks one up: some wallets refuse to do again what they have done. */
export function holdInvoices(
  wallet: NwcAsking,
  statusOf: (paymentHash: string, signal: AbortSignal) => Promise<InvoiceStatus>,
): HoldInvoices {
  const unlessDone = async (
    ask: Promise<unknown>,
    paymentHash: string,
    done: InvoiceStatus["status"][],
    signal: AbortSignal,
  ) => {
    try {
      await ask;
    } catch (error) {
      // Only what the wallet has answered can mean that it was done before.
      if (!(error instanceof NwcError) || error.code === "RATE_LIMITED") throw error;
      if (!done.includes((await statusOf(paymentHash, signal)).status)) throw error;
    }
  };
  return {
    create: (request, signal) =>
      makeInvoice(wallet, request, signal, "make_hold_invoice", { payment_hash: request.paymentHash }),
    settle: (preimage, signal) =>
      unlessDone(
        wallet.ask("settle_hold_invoice", { preimage }, signal),
        bytesToHex(sha256(hexToBytes(preimage))),
        ["settled"],
        signal,
      ),
    cancel: (paymentHash, signal) =>
      unlessDone(
        wallet.ask("cancel_hold_invoice", { payment_hash: paymentHash }, signal),
        paymentHash,
        ["cancelled", "expired", "not_found"],
        signal,
      ),
  };
}
