import type { RefundRow } from "./refunds_store.ts";
import { type LightningAddress, readLightningAddress } from "./wallets/lnaddress/address.ts";

/** The Lightning address that a refund goes to; null when it goes to an invoice, or nobody has said where. */
export function addressOf({ destination }: Pick<RefundRow, "destination">): LightningAddress | null {
  return destination === null ? null : readLightningAddress(destination);
}

/** The invoice that is paid: the one that the customer sent, or that their address gave; null: there is none yet. */
export function bolt11Of(refund: Pick<RefundRow, "destination" | "resolved">): string | null {
  return refund.resolved ?? (addressOf(refund) === null ? refund.destination : null);
}
