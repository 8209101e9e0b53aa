import type { Msat } from "../../money/msat.ts";
import {
  type OutgoingPayment,
  type OutgoingRef,
  type OutgoingStatus,
  type PaidOut,
  WalletError,
} from "../wallet.ts";
import type { NwcAsking } from "./asking.ts";
import { findTransaction } from "./listing.ts";
import { isObject, NwcError } from "./messages.ts";

type Result = Record<string, unknown>;

/**
 * NIP-47's codes that are given before anything is paid. `PAYMENT_FAILED`, `INTERNAL` and `OTHER` aren't among them: a payment
 * that timed out within the wallet, or was asked for twice, may still be on its way.
 */
const NOTHING_PAID = new Set([
  "RATE_LIMITED",
  "NOT_IMPLEMENTED",
  "INSUFFICIENT_BALANCE",
  "QUOTA_EXCEEDED",
  "RESTRICTED",
  "UNAUTHORIZED",
  "UNSUPPORTED_ENCRYPTION",
]);
const HASH = /^[0-9a-f]{64}$/;

/** `pay_invoice`. NIP-47 has no limit for the fee: that is the connection's own affair. */
export async function payInvoice(
  wallet: NwcAsking,
  payment: OutgoingPayment,
  signal: AbortSignal,
): Promise<PaidOut> {
  const methods = await wallet.methods(signal);
  if (!methods.includes("pay_invoice")) {
    throw new WalletError("not_implemented", "the wallet connection doesn't allow pay_invoice");
  }
  const params = {
    invoice: payment.bolt11,
    ...(payment.amountless && { amount: Number(payment.amountMsat) }),
  };
  const result = await askToPay(wallet, params, signal);
  const preimage = hashOf(result.preimage);
  if (preimage === null) {
    throw new WalletError("bad_answer", "the wallet says that it has paid, without a proof");
  }
  return { preimage, feeMsat: feeOf(result.fees_paid) };
}

/** What became of a payment, by `lookup_invoice`, or by the list where that knows only what came in. */
export async function lookUpPayment(
  wallet: NwcAsking,
  payment: OutgoingRef,
  signal: AbortSignal,
): Promise<OutgoingStatus> {
  const methods = await wallet.methods(signal);
  const lists = methods.includes("list_transactions");
  if (methods.includes("lookup_invoice") || !lists) {
    try {
      const result = await wallet.ask("lookup_invoice", { payment_hash: payment.paymentHash }, signal);
      const status = outgoingStatusOf(result, payment.paymentHash);
      if (status) return status;
    } catch (error) {
      const answer = error instanceof NwcError && ["NOT_FOUND", "NOT_IMPLEMENTED"].includes(error.code);
      if (!answer || (!lists && error.code === "NOT_IMPLEMENTED")) throw error;
    }
  }
  if (!lists) return { status: "not_found" };
  const { createdAt, paymentHash } = payment;
  const found = (one: unknown) => outgoingStatusOf(one, paymentHash);
  const status = await findTransaction(wallet, { createdAt, type: "outgoing" }, found, signal);
  return status ?? { status: "not_found" };
}

/** What a transaction of NIP-47 says of a payment; null when it isn't about this one, or came in. */
export function outgoingStatusOf(transaction: unknown, paymentHash: string): OutgoingStatus | null {
  if (!isObject(transaction)) return null;
  const { payment_hash: hash, type, state, settled_at, preimage, fees_paid } = transaction;
  if (typeof hash !== "string" || hash.toLowerCase() !== paymentHash || type !== "outgoing") return null;
  if (state === "failed") return { status: "failed" };
  const settledAt = typeof settled_at === "number" && settled_at > 0;
  if (state === "settled" || (state === undefined && settledAt)) {
    return { status: "settled", preimage: hashOf(preimage), feeMsat: feeOf(fees_paid) };
  }
  return { status: "pending" };
}

async function askToPay(wallet: NwcAsking, params: Result, signal: AbortSignal): Promise<Result> {
  try {
    return await wallet.ask("pay_invoice", params, signal, { once: true });
  } catch (error) {
    if (!(error instanceof NwcError) || NOTHING_PAID.has(error.code)) throw error;
    throw new WalletError("bad_answer", `the wallet can't say that nothing was paid: ${error.message}`);
  }
}

function hashOf(value: unknown): string | null {
  return typeof value === "string" && HASH.test(value.toLowerCase()) ? value.toLowerCase() : null;
}

function feeOf(value: unknown): Msat | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : null;
}
