import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { HookRead } from "../../wallet.ts";

/** Greenfield: WebhookInvoiceEvent, as far as it is needed. */
const event = z.object({
  type: z.string().max(200),
  deliveryId: z.string().min(1).max(200).nullish(),
  storeId: z.string().max(200).nullish(),
  invoiceId: z.string().regex(/^[A-Za-z0-9_-]{1,200}$/).nullish(),
});

/** Nothing can have come yet. */
const EARLY = "InvoiceCreated";

/**
 * Reads a webhook of BTCPay. `BTCPay-Sig: sha256=<hex>` is the HMAC-SHA256 of the raw body under the webhook's secret; without
 * a secret only the URL's own says who calls.
 */
export function readBtcpayHook(
  headers: Headers,
  raw: Uint8Array,
  o: { secret: string | null; store: string },
): HookRead {
  if (o.secret !== null && !isSigned(headers.get("btcpay-sig"), raw, o.secret)) {
    return { ok: false, reason: "its BTCPay-Sig isn't the signature of this body under webhook_secret" };
  }
  const read = event.safeParse(jsonOf(raw));
  if (!read.success) return { ok: false, reason: "its body isn't an event of BTCPay" };
  const { type, deliveryId, storeId, invoiceId } = read.data;
  const concerns = (storeId ?? o.store) === o.store && type.startsWith("Invoice") && type !== EARLY;
  return {
    ok: true,
    hints: concerns && invoiceId ? [{ ref: invoiceId }] : [],
    delivery: deliveryId ?? null,
  };
}

function isSigned(header: string | null, raw: Uint8Array, secret: string): boolean {
  const [, hex = ""] = /^sha256=([0-9a-f]{64})$/i.exec(header?.trim() ?? "") ?? [];
  const right = createHmac("sha256", secret).update(raw).digest();
  const shown = hex === "" ? new Uint8Array(right.length) : Uint8Array.fromHex(hex);
  return timingSafeEqual(right, shown) && hex !== "";
}

function jsonOf(raw: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(raw));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
