import type { Clock } from "../../clock.ts";
import type { Database } from "../../db/database.ts";
import type { Log } from "../../log.ts";
import type { Random } from "../../random.ts";
import type { OrdersPort } from "../orders_port.ts";
import type { Receiving } from "./account_search.ts";
import { BtcOffers } from "./btc_offers.ts";
import { ChainBooking } from "./chain_booking.ts";
import type { ServerChoice } from "./chain_server.ts";
import { ChainWatcher } from "./chain_watcher.ts";

export interface OnChainOptions {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  orders: OrdersPort;
  servers: readonly ServerChoice[];
  confirmations: number;
  /** Null: no address is given out any more, and old ones are watched. */
  receives: Receiving & { leastSat: bigint } | null;
}

/** Money that comes on-chain: what is offered with an invoice, and what watches for payments. */
export interface OnChain {
  offers: BtcOffers | null;
  watcher: ChainWatcher;
}

/** Builds it; nothing is connected before the watcher starts. */
export function onChain(o: OnChainOptions): OnChain {
  const { receives, log } = o;
  const watcher = new ChainWatcher({ ...o, booking: new ChainBooking(o) });
  const offers = receives && new BtcOffers({ ...receives, log, network: () => watcher.network });
  return { offers, watcher };
}
