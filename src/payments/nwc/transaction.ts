import type { IncomingPayment, InvoiceStatus } from "../wallet.ts";
import { isObject } from "./messages.ts";

/**
 * What a transaction of NIP-47 says of an invoice. Settled is one whose `state` says so or that has a `settled_at`; a preimage
 * alone proves nothing, some wallets show it early. Null when the transaction isn't about this invoice or pays it out.
 */
export function statusOf(transaction: unknown, paymentHash: string, now: number): InvoiceStatus | null {
  if (!isObject(transaction)) return null;
  const { payment_hash: hash, type, state, settled_at, expires_at, amount } = transaction;
  if (typeof hash !== "string" || hash.toLowerCase() !== paymentHash || type === "outgoing") return null;
  const settledAt = typeof settled_at === "number" && settled_at > 0 ? settled_at * 1000 : null;
  if (state === "settled" || (settledAt !== null && state !== "failed" && state !== "expired")) {
    const whole = typeof amount === "number" && Number.isSafeInteger(amount) && amount > 0;
    return {
      status: "settled",
      amountMsat: whole ? BigInt(amount) : null,
      settledAt: Math.floor(settledAt ?? now),
    };
  }
  if (state === "accepted") return { status: "held" };
  if (state === "expired") return { status: "expired" };
  if (state === "failed") return { status: "cancelled" };
  const over = typeof expires_at === "number" && expires_at * 1000 <= now;
  return { status: over ? "expired" : "open" };
}

/** What a transaction of NIP-47 says that came in; null for what isn't settled, went out, or has no payment hash. */
export function incomingOf(transaction: unknown, now: number): IncomingPayment | null {
  if (!isObject(transaction)) return null;
  const { payment_hash, invoice, description, created_at } = transaction;
  if (typeof payment_hash !== "string" || !/^[0-9a-f]{64}$/i.test(payment_hash)) return null;
  const paymentHash = payment_hash.toLowerCase();
  if (statusOf(transaction, paymentHash, now)?.status !== "settled") return null;
  return {
    paymentHash,
    bolt11: typeof invoice === "string" && invoice !== "" ? invoice.toLowerCase() : null,
    description: typeof description === "string" ? description : null,
    createdAt: typeof created_at === "number" && created_at > 0 ? Math.floor(created_at) * 1000 : null,
  };
}
