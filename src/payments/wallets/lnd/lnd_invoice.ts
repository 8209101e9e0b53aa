import { z } from "zod";
import type { IncomingPayment, InvoiceStatus } from "../../wallet.ts";
import { WalletError } from "../../wallet.ts";
import { readBase64 } from "../encoded.ts";

/** protobuf's JSON: 64-bit integers are strings, so that nobody's floating point numbers round them. */
const int64 = z.union([z.string().regex(/^-?\d{1,19}$/), z.number().int()]).transform((value) =>
  BigInt(value)
);
const bytes = z.string().transform((text) => readBase64(text)?.toHex() ?? "");

const invoice = z.object({
  memo: z.string().default(""),
  r_hash: bytes,
  creation_date: int64.default(0n),
  settle_date: int64.default(0n),
  payment_request: z.string().default(""),
  expiry: int64.default(0n),
  settle_index: int64.default(0n),
  amt_paid_msat: int64.default(0n),
  state: z.string().default("OPEN"),
});

/** An invoice as LND tells it. */
export type LndInvoice = z.infer<typeof invoice>;

const page = z.object({ invoices: z.array(invoice).default([]), last_index_offset: int64.default(0n) });

/** Reads an invoice of LND's. Throws `bad_answer`. */
export function readInvoice(body: unknown): LndInvoice {
  const read = invoice.safeParse(body);
  if (!read.success || read.data.r_hash.length !== 64) {
    throw new WalletError("bad_answer", "LND's answer is no invoice");
  }
  return read.data;
}

/** Reads a page of invoices. Throws `bad_answer`. */
export function readPage(body: unknown): { invoices: LndInvoice[]; last: bigint } {
  const read = page.safeParse(body);
  if (!read.success) throw new WalletError("bad_answer", "LND's answer is no list of invoices");
  return { invoices: read.data.invoices, last: read.data.last_index_offset };
}

/** What LND says of an invoice. `now` in ms. */
export function statusOf(it: LndInvoice, now: number): InvoiceStatus {
  switch (it.state) {
    case "SETTLED":
      return { status: "settled", amountMsat: it.amt_paid_msat, settledAt: Number(it.settle_date) * 1000 };
    case "ACCEPTED":
      return { status: "held" };
    case "CANCELED":
      // LND cancels by itself what has expired.
      return { status: Number(it.creation_date + it.expiry) * 1000 <= now ? "expired" : "cancelled" };
    case "OPEN":
      return { status: "open" };
    default:
      throw new WalletError("bad_answer", "LND's invoice is in a state that isn't known");
  }
}

/** What came in, for the list; null for what isn't paid. */
export function incomingOf(it: LndInvoice): IncomingPayment | null {
  if (it.state !== "SETTLED") return null;
  return {
    paymentHash: it.r_hash,
    bolt11: it.payment_request === "" ? null : it.payment_request.toLowerCase(),
    description: it.memo === "" ? null : it.memo,
    createdAt: it.creation_date > 0n ? Number(it.creation_date) * 1000 : null,
  };
}
