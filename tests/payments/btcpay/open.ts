import { type Clock, systemClock } from "../../../src/clock.ts";
import { loadVerifier } from "../../../src/nostr/verify.ts";
import type { Wallet } from "../../../src/payments/wallet.ts";
import { btcpayScheme } from "../../../src/payments/wallets/btcpay/btcpay_scheme.ts";
import { systemRandom } from "../../../src/random.ts";
import { silentLog } from "../../support/log.ts";

const verifier = await loadVerifier();
const none = () => {
  throw new Error("no relay is needed");
};

/** The wallet that a URL names, as the program opens it. */
export function openBtcpay(url: string, clock: Clock = systemClock): Wallet {
  const read = btcpayScheme.read(url);
  if (!read.ok) throw new Error(read.reason);
  return read.open({ clock, random: systemRandom, log: silentLog, verifier, signer: none, pool: none });
}
