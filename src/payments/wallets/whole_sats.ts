import { type Msat, MSAT_PER_SAT } from "../../money/msat.ts";
import { WalletError } from "../wallet.ts";

/** The amount in sats, for a wallet that counts in nothing smaller. Throws a WalletError `refused` when it isn't whole. */
export function wholeSats(amountMsat: Msat, name: string, does: "takes" | "pays"): bigint {
  if (amountMsat % MSAT_PER_SAT === 0n) return amountMsat / MSAT_PER_SAT;
  throw new WalletError("refused", `${name} ${does} whole sats only`);
}
