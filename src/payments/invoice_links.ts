import type { Tx } from "../db/database.ts";
import { decodeBolt11 } from "./bolt11.ts";
import type { BtcOffers } from "./chain/btc_offers.ts";
import type { InvoiceRow, Issued } from "./invoices_store.ts";

/**
 * The invoice with an on-chain address beside it, where the shop has any to give and the wallet offers none itself. Hold invoices
 * have none: what is paid on-chain can't be given back when the goods are gone.
 */
export async function withAddress(
  btc: Pick<BtcOffers, "link"> | null | undefined,
  tx: Tx,
  invoice: InvoiceRow,
  issued: Issued,
  now: number,
): Promise<Issued> {
  const links = issued.links ?? [];
  const read = decodeBolt11(issued.bolt11);
  if (!btc || !read.ok || issued.hold || links.some(({ type }) => type === "btc")) return issued;
  const link = await btc.link(tx, {
    merchant: invoice.merchant,
    orderId: invoice.order_id,
    amountMsat: BigInt(invoice.amount_msat),
    network: read.invoice.network,
    now,
  });
  return link === null ? issued : { ...issued, links: [link, ...links] };
}
