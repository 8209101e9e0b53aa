import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import type { HoldInvoices, InvoiceStatus } from "../wallet.ts";
import type { NwcAsking } from "./asking.ts";
import { makeInvoice } from "./making.ts";
import { NwcError } from "./messages.ts";

type Result = Record<string, unknown>;

/** What a wallet must offer before its hold invoices are of use (NIP-47). */
const METHODS = ["make_hold_invoice", "settle_hold_invoice", "cancel_hold_invoice"];
/** On average. */
const BLOCK_MS = 600_000;

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

/**
 * When held money goes back by itself (ms since 1970): the wallet names a block (`settle_deadline`), and `get_info` how far the
 * chain is. Null when it says neither.
 */
export async function heldUntil(
  wallet: NwcAsking,
  { settle_deadline: deadline }: Result,
  signal: AbortSignal,
  now: number,
): Promise<number | null> {
  if (typeof deadline !== "number" || !(await wallet.methods(signal)).includes("get_info")) return null;
  const { block_height: height } = await wallet.ask("get_info", {}, signal);
  if (typeof height !== "number" || height <= 0) return null;
  return now + Math.max(0, deadline - height) * BLOCK_MS;
}
