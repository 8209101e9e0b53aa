import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { BunkerOptions } from "../nostr/bunker/options.ts";
import type { Wallet } from "../payments/wallet.ts";
import type { Random } from "../random.ts";
import type { Settings } from "../settings.ts";
import type { ShopRatesParts } from "./shop_rates.ts";

/** What the program is made from; a test or the demo passes its own. */
export interface AppOptions {
  settings: Settings;
  clock: Clock;
  random: Random;
  log: Log;
  /** PostgreSQL: the operator says that a backup was made, so that the schema may be changed. */
  backedUp?: boolean;
  /** The first merchant's wallet, instead of the one that the settings name. */
  wallet?: Wallet;
  /** The same for what its refunds are paid from. */
  spend?: Wallet;
  /** Times of remote signers; a test has less patience. */
  bunkerOptions?: Partial<BunkerOptions>;
  /** Where sources of rates are asked; a test has its own. */
  rateHost?: ShopRatesParts["hostOf"];
  /** Ends the wait for a remote signer that is connected for the first time. */
  stopped?: AbortSignal;
}
