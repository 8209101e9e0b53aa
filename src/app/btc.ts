import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../log.ts";
import { apply } from "../orders/apply.ts";
import { lockOrder } from "../orders/orders_store.ts";
import { paymentArrived } from "../orders/payment_arrived.ts";
import { paymentHeld } from "../orders/payment_held.ts";
import { readAccount } from "../payments/chain/account.ts";
import { type OnChain, onChain } from "../payments/chain/on_chain.ts";
import { readServer } from "../payments/chain/server_address.ts";
import type { Random } from "../random.ts";
import type { Settings } from "../settings.ts";
import type { Check } from "./health.ts";
import type { MerchantRegistry } from "./merchant_registry.ts";
import type { RestoreFence } from "./restore_fence.ts";

export interface BtcParts {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  settings: Settings;
  merchants: MerchantRegistry;
  fence: Pick<RestoreFence, "fact">;
}

/**
 * On-chain payments as the settings have them; null without servers that watch the chain. Throws when a setting can't be read. The
 * wallet is the first merchant's, as NCC_WALLET is.
 */
export function btcOf({ settings, merchants, fence, ...base }: BtcParts): OnChain | null {
  const servers = settings.NCC_BTC_SERVERS.map((text) => {
    const read = readServer(text);
    if (!read.ok) throw new Error(`NCC_BTC_SERVERS contains ${JSON.stringify(text)}, which ${read.reason}`);
    return read.open(base.clock);
  });
  if (servers.length === 0) return null;
  const read = settings.NCC_BTC === undefined ? null : readAccount(settings.NCC_BTC);
  if (read?.ok === false) throw new Error(`NCC_BTC ${read.reason}`);
  const receives = read && {
    account: read.account,
    merchant: () => firstMerchant(merchants),
    leastSat: BigInt(settings.NCC_BTC_MIN),
    gapLimit: settings.NCC_BTC_GAP,
    restored: () => fence.fact && { at: fence.fact.restored_at, over: fence.fact.lifted_at !== null },
  };
  const orders = { orderOf: lockOrder, apply, paymentHeld, paymentArrived };
  return onChain({ ...base, orders, servers, confirmations: settings.NCC_BTC_CONFIRMATIONS, receives });
}

/** How it is; null where nothing is watched. */
export function checkBtc(btc: OnChain | null): Check | null {
  if (btc === null) return null;
  const { up, detail, problem } = btc.watcher;
  if (problem !== null) return { ok: false, detail: `${detail}: ${problem}` };
  if (btc.offers?.exhausted) {
    const why = "so many addresses in a row are unpaid that no further one is offered (NCC_BTC_GAP)";
    return { ok: false, detail: `${detail}: ${why}` };
  }
  return { ok: up !== false, detail };
}

/** The one whose key the settings have; or who has its shop now. */
export function firstMerchant(merchants: Pick<MerchantRegistry, "all" | "get">): string | null {
  let row = merchants.all().find(({ row }) => row.key_source === "settings")?.row;
  const seen = new Set<string>();
  while (row?.moved_to && !seen.has(row.pubkey)) {
    seen.add(row.pubkey);
    row = merchants.get(row.moved_to)?.row;
  }
  return row?.pubkey ?? null;
}
