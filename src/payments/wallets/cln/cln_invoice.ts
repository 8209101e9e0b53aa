import { z } from "zod";
import { type IncomingPayment, type InvoiceStatus, WalletError } from "../../wallet.ts";

/** Amounts are numbers; before version 23.05 they were texts as `1000msat`. */
export const msat = z.union([
  z.number().int().nonnegative().transform((value) => BigInt(value)),
  z.string().regex(/^\d{1,19}(msat)?$/).transform((text) => BigInt(text.replace("msat", ""))),
]);

const invoice = z.object({
  label: z.string(),
  payment_hash: z.string().regex(/^[0-9a-f]{64}$/i).transform((hash) => hash.toLowerCase()),
  status: z.enum(["unpaid", "paid", "expired"]),
  bolt11: z.string().optional(),
  description: z.string().optional(),
  pay_index: z.number().int().positive().optional(),
  paid_at: z.number().positive().optional(),
  amount_received_msat: msat.optional(),
});
const list = z.object({ invoices: z.array(invoice) });
const current = z.object({ current_status: z.string() });

/** An invoice as `listinvoices` tells it. */
export type ClnInvoice = z.infer<typeof invoice>;

/** Reads one. Throws `bad_answer`. */
export function readInvoice(body: unknown): ClnInvoice {
  const read = invoice.safeParse(body);
  if (!read.success) throw new WalletError("bad_answer", "Core Lightning's answer is no invoice");
  return read.data;
}

/** The first invoice of a list; null when it is empty. Throws `bad_answer`. */
export function readFirst(body: unknown): ClnInvoice | null {
  const read = list.safeParse(body);
  if (!read.success) throw new WalletError("bad_answer", "Core Lightning's answer is no list of invoices");
  return read.data.invoices[0] ?? null;
}

/** What `delinvoice` says that an invoice's status is instead; null when it doesn't. */
export function statusInstead(data: unknown): string | null {
  return current.safeParse(data).data?.current_status ?? null;
}

/** What Core Lightning says of an invoice. `now` in ms. */
export function statusOf(it: ClnInvoice, now: number): InvoiceStatus {
  if (it.status !== "paid") return { status: it.status === "expired" ? "expired" : "open" };
  return {
    status: "settled",
    amountMsat: it.amount_received_msat ?? null,
    settledAt: it.paid_at === undefined ? now : Math.floor(it.paid_at * 1000),
  };
}

/** The same for the list of what came in. It doesn't say when an invoice was made. */
export function incomingOf(it: ClnInvoice): IncomingPayment {
  return {
    paymentHash: it.payment_hash,
    bolt11: it.bolt11?.toLowerCase() ?? null,
    ref: it.label,
    description: it.description ?? null,
    createdAt: null,
  };
}
