import { base64urlnopad } from "@scure/base";
import type { Tx } from "../db/database.ts";
import { type OrderRow, updateOrder } from "../orders/orders_store.ts";
import type { Random } from "../random.ts";
import type { Settings } from "../settings.ts";
import { decodeBolt11 } from "./bolt11.ts";
import { invoiceText } from "./invoice_text.ts";
import type { Issued } from "./invoices_store.ts";
import { descriptionHash, encodeLnurl, metadataOf } from "./lnurl.ts";
import { offerable } from "./payment_links.ts";
import type { InvoiceRequest, PaymentLink, Wallet } from "./wallet.ts";

const TOKEN_BYTES = 16;

/** Ways to pay that we offer ourselves besides Lightning: an order's page, and its LNURL. */
export interface PaymentPages {
  /** URL under which customers reach us, without a slash at the end. */
  url: string;
  offers: ReadonlySet<"url" | "lnurl">;
}

/** What the settings have us offer; null: Lightning alone. */
export function paymentPages(
  { NCC_PUBLIC_URL: url, NCC_PAYMENT_OPTIONS: options }: Pick<
    Settings,
    "NCC_PUBLIC_URL" | "NCC_PAYMENT_OPTIONS"
  >,
): PaymentPages | null {
  const offers = new Set(options.filter((one) => one !== "ln"));
  return url === undefined || offers.size === 0 ? null : { url, offers };
}

/**
 * What is asked of the wallet so that the order can have an LNURL: the invoice then commits to the LNURL's metadata. A wallet
 * that can't commit to a hash makes a plain invoice, and no LNURL is offered.
 */
export function commitment(
  pages: PaymentPages | null | undefined,
  { merchant, id }: Pick<OrderRow, "merchant" | "id">,
  { caps }: Pick<Wallet, "caps">,
): Pick<InvoiceRequest, "hashedText"> {
  if (!pages?.offers.has("lnurl") || !caps.descriptionHash) return {};
  return { hashedText: metadataOf(invoiceText(merchant, id)) };
}

/** What an invoice has to commit to so that its order's LNURL may answer with it: LUD-06 has wallets check that. */
export function lnurlHash({ merchant, id }: Pick<OrderRow, "merchant" | "id">): string {
  return descriptionHash(metadataOf(invoiceText(merchant, id)));
}

/** Whether an LNURL of its order may answer with this invoice. */
export function fitsLnurl(bolt11: string, order: Pick<OrderRow, "merchant" | "id">): boolean {
  const read = decodeBolt11(bolt11);
  return read.ok && read.invoice.descriptionHash === lnurlHash(order);
}

/**
 * The invoice with our own ways to pay it, behind the wallet's. The order is locked; at its first invoice it gets what its
 * pages are found by: 128 bits of chance, which say nothing of it.
 */
export async function withOwnLinks(
  tx: Tx,
  { pages, random }: { pages?: PaymentPages | null | undefined; random: Random },
  order: OrderRow,
  issued: Issued,
): Promise<Issued> {
  if (!pages) return issued;
  const token = order.pay_token ?? base64urlnopad.encode(random.bytes(TOKEN_BYTES));
  const own: PaymentLink[] = [];
  if (pages.offers.has("url")) own.push({ type: "url", link: `${pages.url}/pay/${token}` });
  if (pages.offers.has("lnurl") && fitsLnurl(issued.bolt11, order)) {
    own.push({ type: "lnurl", link: encodeLnurl(`${pages.url}/lnurl/${token}`) });
  }
  if (own.length === 0) return issued;
  if (order.pay_token === null) await updateOrder(tx, order.id, { pay_token: token });
  return { ...issued, links: offerable([...issued.links ?? [], ...own]) };
}
