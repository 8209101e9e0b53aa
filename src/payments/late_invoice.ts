import { errorText } from "../log.ts";
import type { OrderRow } from "../orders/orders_store.ts";
import { decodeBolt11 } from "./bolt11.ts";
import { issued } from "./invoice_attempt.ts";
import type { InvoiceJobOptions } from "./invoice_jobs.ts";
import { findInvoiceByHash, type InvoiceRow, type Issued, keepVoid } from "./invoices_store.ts";
import { nextLookUpAt } from "./look_up_schedule.ts";
import type { CreatedInvoice } from "./wallet.ts";

/** An answer that came after the wait: nobody sees that invoice, but it exists and is watched. Never rejects. */
export async function keepLateInvoice(
  { log, clock, database, onIssued }: Pick<InvoiceJobOptions, "log" | "clock" | "database" | "onIssued">,
  order: OrderRow,
  invoice: InvoiceRow,
  created: CreatedInvoice,
  holdHash: string | null,
): Promise<void> {
  const fields = { order: order.id, attempt: invoice.attempt };
  try {
    const decoded = decodeBolt11(created.bolt11);
    if (!decoded.ok) {
      return log.warn("invoice.late_answer_unreadable", { ...fields, reason: decoded.reason });
    }
    const late = issued(created, { ok: true, decoded: decoded.invoice }, holdHash);
    await database.transaction(async (tx) => {
      if (await findInvoiceByHash(tx, late.paymentHash)) return;
      await keepVoid(tx, invoice.id, scheduled(late, invoice, order.expires_at, clock.now()), clock.now());
    });
    log.info("invoice.late_answer_kept", fields);
    onIssued?.({ merchant: invoice.merchant, id: invoice.id, paymentHash: late.paymentHash });
  } catch (error) {
    log.error("invoice.late_answer_lost", { ...fields, error: errorText(error) });
  }
}

/** What is stored of an invoice, with when it is looked up first. */
export function scheduled(
  issued: Issued,
  invoice: InvoiceRow,
  orderExpiresAt: number | null,
  now: number,
): Issued {
  const watched = { createdAt: invoice.created_at, expiresAt: issued.expiresAt, orderExpiresAt };
  return { ...issued, nextLookUpAt: nextLookUpAt(watched, now) };
}
