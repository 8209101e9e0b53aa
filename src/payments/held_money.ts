import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";

/** The shop's side of hold invoices: whoever knows a preimage can take the money that waits for it. */
export interface HeldMoney {
  /** Whether this merchant's orders are paid by hold invoices where the wallet has them. */
  wanted(merchant: string): boolean;
  /** The preimage (64 hex digits) of an invoice by its id, the same after every restart. */
  preimage(invoiceId: string): string;
}

/** Preimages that follow from the installation's secret: none is stored, none is lost with a crash. */
export function heldMoney(
  o: { derive(purpose: string): string; wanted(merchant: string): boolean },
): HeldMoney {
  return {
    wanted: o.wanted,
    preimage: (invoiceId) => bytesToHex(sha256(utf8ToBytes(o.derive(`hold invoice ${invoiceId}`)))),
  };
}

/** The payment hash of a preimage, both as 64 hex digits. */
export function hashOf(preimage: string): string {
  return bytesToHex(sha256(hexToBytes(preimage)));
}
