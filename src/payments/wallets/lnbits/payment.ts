import { z } from "zod";
import { type IncomingPayment, type InvoiceStatus, type OutgoingStatus, WalletError } from "../../wallet.ts";

/** A row of LNbits' books: what comes in has a positive amount, what goes out a negative one. */
const row = z.object({
  payment_hash: z.string().regex(/^[0-9a-f]{64}$/i).transform((hash) => hash.toLowerCase()),
  /** msat, though invoices are asked for in sat. */
  amount: z.int(),
  /** msat; negative, too, where it was paid. */
  fee: z.int().nullish(),
  status: z.string(),
  bolt11: z.string().nullish(),
  memo: z.string().nullish(),
  preimage: z.string().nullish(),
  time: z.string().nullish(),
  updated_at: z.string().nullish(),
  expiry: z.string().nullish(),
  labels: z.array(z.string()).nullish(),
  /** Ours for an invoice that we made, anybody's for others. */
  extra: z.record(z.string(), z.unknown()).nullish().catch(null),
});
export type Row = z.output<typeof row>;

/** Reads a row of its answer; throws `bad_answer` for anything else. */
export function readRow(body: unknown): Row {
  const read = row.safeParse(body);
  if (!read.success) {
    throw new WalletError("bad_answer", "LNbits' answer isn't a payment as it documents them");
  }
  return read.data;
}

/** Reads a list; rows of another form (other versions', other units') are left out. */
export function readRows(body: unknown): { rows: Row[]; length: number } {
  if (!Array.isArray(body)) throw new WalletError("bad_answer", "LNbits' list of payments is none");
  const rows = body.flatMap((one) => {
    const read = row.safeParse(one);
    return read.success ? [read.data] : [];
  });
  return { rows, length: body.length };
}

/**
 * What a row says of an invoice. Only `success` is paid: the row shows the preimage from the beginning. LNbits marks what has
 * expired as failed without asking its node, and credits what was asked for.
 */
export function incomingStatus(row: Row, now: number): InvoiceStatus {
  if (row.status === "success") {
    // Later changes, of a label for instance, move `updated_at`; nothing else tells when it was paid.
    return {
      status: "settled",
      amountMsat: BigInt(row.amount),
      settledAt: Math.min(timeOf(row.updated_at) ?? now, now),
    };
  }
  const over = (timeOf(row.expiry) ?? Infinity) <= now || (row.labels ?? []).includes("expired");
  if (over) return { status: "expired" };
  return { status: row.status === "failed" ? "cancelled" : "open" };
}

/** What a row says of a payment that was made. */
export function outgoingStatus(row: Row): OutgoingStatus {
  switch (row.status) {
    case "success":
      return { status: "settled", preimage: preimageOf(row), feeMsat: feeOf(row) };
    case "failed":
      return { status: "failed" };
    default:
      return { status: "pending" };
  }
}

/** The row as a payment of the list. */
export function listed(row: Row): IncomingPayment {
  return {
    paymentHash: row.payment_hash,
    bolt11: row.bolt11?.toLowerCase() || null,
    description: row.memo || (typeof row.extra?.description === "string" ? row.extra.description : null),
    createdAt: timeOf(row.time),
  };
}

/** 64 hex digits; null when the row shows none. */
export function preimageOf({ preimage }: Row): string | null {
  return preimage && /^[0-9a-f]{64}$/i.test(preimage) ? preimage.toLowerCase() : null;
}

export function feeOf({ fee }: Row): bigint | null {
  return fee === null || fee === undefined ? null : BigInt(Math.abs(fee));
}

/** LNbits leaves the zone out in some answers: its times are UTC. */
function timeOf(text: string | null | undefined): number | null {
  if (!text) return null;
  const ms = Date.parse(/(Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`);
  return Number.isNaN(ms) ? null : ms;
}
