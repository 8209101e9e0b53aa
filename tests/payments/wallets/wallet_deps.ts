import { type Clock, systemClock } from "../../../src/clock.ts";
import type { WalletDeps } from "../../../src/payments/wallets/scheme.ts";
import { systemRandom } from "../../../src/random.ts";
import { silentLog } from "../../support/log.ts";

/** The machine's clock, but that nobody waits by it. */
export const impatientClock: Clock = { ...systemClock, sleep: () => Promise.resolve() };

/** What wallets that speak HTTP are built of; the parts that only others need fail when they are used. */
export function walletDeps(): WalletDeps {
  const missing = () => {
    throw new Error("this wallet needs no relays");
  };
  return {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    verifier: { verify: missing } as unknown as WalletDeps["verifier"],
    signer: missing,
    pool: missing,
    demoJournal: null,
  } as unknown as WalletDeps;
}
