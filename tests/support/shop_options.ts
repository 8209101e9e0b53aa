import type { Database } from "../../src/db/database.ts";
import type { Log } from "../../src/log.ts";
import type { RelayPool } from "../../src/nostr/relay_pool.ts";
import type { MerchantSigner } from "../../src/nostr/signer.ts";
import type { Terms } from "../../src/orders/place.ts";
import type { DemoWallet } from "../../src/payments/demo_wallet.ts";
import type { Wallet } from "../../src/payments/wallet.ts";
import type { FakeClock } from "./fake_clock.ts";
import type { ProcessOptions } from "./shop_process.ts";

/** What a shop of a test has otherwise than usual. */
export interface ShopOptions extends ProcessOptions {
  /** Shared with other processes, or PostgreSQL; the shop doesn't close it. Default: SQLite in memory, closed with the shop. */
  database?: Database;
  clock?: FakeClock;
  wallet?: DemoWallet;
  /** What the shop receives with instead; the test pays its invoices by itself, and closes it. */
  receives?: Wallet;
  /** What refunds are paid from; it reaches `purse`, which is where customers make invoices. */
  spend?: DemoWallet;
  purse?: DemoWallet;
  log?: Log;
  terms?: Partial<Terms>;
  relays?: string[];
  /** Told whose shop it is, before it works. */
  onMerchant?(pubkey: string): void;
  /** Instead of one that only records; the test closes it. */
  pool?: RelayPool;
  /** Instead of the merchant's own, to make it fail. */
  signer?(own: MerchantSigner): MerchantSigner;
}

/** What another merchant has of its own; everything else is as ours. */
export interface Neighbour {
  /** Another process has opened it: stall and cups are there. */
  stocked?: boolean;
  wallet?: DemoWallet;
  terms?: Partial<Terms>;
  signer?(own: MerchantSigner): MerchantSigner;
}
