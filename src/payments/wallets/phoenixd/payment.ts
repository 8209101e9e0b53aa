import { z } from "zod";
import { parseBounded } from "../../../bounded_json.ts";
import type { IncomingPayment, InvoiceStatus, OutgoingStatus } from "../../wallet.ts";

const hash = z.string().regex(/^[0-9a-f]{64}$/i).transform((text) => text.toLowerCase());
const time = z.int().nonnegative();

/** phoenixd's `incoming_payment`: absent fields are left out, times are ms since 1970. */
export const incoming = z.object({
  paymentHash: hash,
  isPaid: z.boolean(),
  isExpired: z.boolean().optional(),
  /** What is left after the fees. */
  receivedSat: z.int().nonnegative(),
  /** msat. */
  fees: z.int().nonnegative(),
  invoice: z.string().nullish(),
  description: z.string().nullish(),
  completedAt: time.nullish(),
  createdAt: time,
});

/** phoenixd's `outgoing_payment`. */
export const outgoing = z.object({
  paymentHash: hash.nullish(),
  preimage: hash.nullish(),
  isPaid: z.boolean(),
  fees: z.int().nonnegative(),
  completedAt: time.nullish(),
});

/** What was paid: with its proof. Its fee is in sat. */
export const sent = z.object({
  paymentHash: hash,
  paymentPreimage: hash,
  routingFeeSat: z.int().nonnegative(),
});

/** What wasn't. */
export const notSent = z.object({ reason: z.string() });

const told = z.object({ type: z.literal("payment_received"), paymentHash: hash });

/** The payment hash in a message of the WebSocket or a webhook's body; null when it tells of something else. */
export function toldBy(text: string): string | null {
  const json = parseBounded(text, { chars: 100_000, depth: 20 });
  const read = told.safeParse(json.ok ? json.value : undefined);
  return read.success ? read.data.paymentHash : null;
}

/** What phoenixd says of an invoice. The preimage is there before anything is paid. */
export function incomingStatus(payment: z.output<typeof incoming>, now: number): InvoiceStatus {
  if (!payment.isPaid) return { status: payment.isExpired ? "expired" : "open" };
  // The fees of new liquidity were taken from what the customer paid. phoenixd cuts to whole sats, and nobody can pay less than
  // the invoice says: a part of a sat is no underpayment.
  const paid = BigInt(payment.receivedSat) * 1000n + BigInt(payment.fees);
  const amountMsat = (paid + 999n) / 1000n * 1000n;
  return { status: "settled", amountMsat, settledAt: payment.completedAt ?? now };
}

/** What phoenixd says of a payment that it was asked to make. */
export function outgoingStatus(payment: z.output<typeof outgoing>): OutgoingStatus {
  if (payment.isPaid) {
    return { status: "settled", preimage: payment.preimage ?? null, feeMsat: BigInt(payment.fees) };
  }
  return { status: payment.completedAt ? "failed" : "pending" };
}

/** A payment of the list; null for one that isn't paid. */
export function listed(payment: z.output<typeof incoming>): IncomingPayment | null {
  if (!payment.isPaid) return null;
  return {
    paymentHash: payment.paymentHash,
    bolt11: payment.invoice?.toLowerCase() || null,
    description: payment.description ?? null,
    createdAt: payment.createdAt,
  };
}
