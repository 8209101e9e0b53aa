import { ceilToSat, type Msat } from "../../money/msat.ts";

const SAT_PER_BTC = 100_000_000n;

/** BIP 21: a link that asks for an amount at an address. What is less than a sat is rounded up to one. */
export function bip21(address: string, amountMsat: Msat): string {
  return `bitcoin:${address}?amount=${btcText(ceilToSat(amountMsat))}`;
}

/** Sat as BTC: a decimal number without needless zeros. */
export function btcText(sat: bigint): string {
  const rest = String(sat % SAT_PER_BTC).padStart(8, "0").replace(/0+$/, "");
  return `${sat / SAT_PER_BTC}${rest === "" ? "" : `.${rest}`}`;
}
