import type { Tx } from "../db/database.ts";
import type { JobHandlers } from "../jobs/handler.ts";
import { Lease } from "../jobs/lease.ts";
import type { OwnMessage } from "../nostr/own_message.ts";
import { wasRead } from "../orders/said_before_store.ts";
import { OwnEvents } from "../nostr/own_events.ts";
import { ClockWatch } from "../notifications/clock_watch.ts";
import { ConditionsWatcher } from "../notifications/conditions_watcher.ts";
import { dmJob } from "../notifications/dm_job.ts";
import { haltedMerchants } from "../notifications/halt_store.ts";
import { wantedKinds } from "../notifications/kinds.ts";
import { ownerReplyJob } from "../notifications/owner_reply_job.ts";
import { judgeOwnMessage } from "../notifications/second_instance.ts";
import { tellJobs } from "../notifications/tell_jobs.ts";
import { refundsWaiting } from "../payments/refunds_store.ts";
import type { Service } from "../service.ts";
import { pullForward } from "./clock_store.ts";
import { firstMerchant } from "./btc.ts";
import { btcObservation, medusaObservation, observations } from "./observations.ts";
import { ownerKeys } from "./owners.ts";
import { restoredTells } from "./restored_tells.ts";
import { WalletPulse } from "./wallet_pulse.ts";
import type { WorkerParts } from "./workers.ts";

const LEASE_MS = 20_000;

/** What tells the owners, and what watches for that which they have to hear. */
export function notifying(
  { settings, crypto, merchants, holder, fence, rates, btc, medusa, ...base }: WorkerParts,
): {
  handlers: JobHandlers;
  services: Service[];
  /** What the inbox worker asks, and tells. */
  inbox: {
    owners: ReadonlySet<string>;
    haltedMerchants(): Promise<ReadonlySet<string>>;
    onOwnMessage(tx: Tx, own: OwnMessage, now: number): Promise<void>;
  };
} {
  const { database, clock, log } = base;
  const { identityOf } = merchants;
  const owners = ownerKeys(settings);
  const judge = async (tx: Tx, own: OwnMessage, now: number) => {
    // What we said before a backup was restored isn't in the books, and is no second instance's. Behind the fence it is
    // only being read back.
    if (fence.up || (fence.any && await saidBeforeRestore(tx, own))) return;
    await judgeOwnMessage(tx, own, now, log);
  };
  const saidBeforeRestore = async (tx: Tx, own: OwnMessage) =>
    own.created_at * 1000 <= fence.fact!.restored_at ||
    await wasRead(tx, own.merchant, [own.eventId, ...(own.rumorId === null ? [] : [own.rumorId])]);
  const tells = tellJobs({ database, clock, owners, kinds: wantedKinds(settings.NCC_NOTIFY) });
  return {
    handlers: {
      ...tells,
      "owners.tell": restoredTells({ database, clock, fence }, tells["owners.tell"]!),
      "owners.dm": dmJob({ ...base, identityOf, memory: fence }),
      "owners.reply": ownerReplyJob({ ...base, identityOf, owners }),
    },
    services: [
      new ClockWatch({ ...base, merchants: () => [...merchants.keys()], setBack: pullForward }),
      new ConditionsWatcher({
        ...base,
        lease: new Lease({ ...base, name: "conditions", holder, ttlMs: LEASE_MS }),
        observe: async () => [
          ...observations(merchants.all(), await refundsWaiting(database.kysely), rates),
          ...btcObservation(btc, firstMerchant(merchants)),
          ...await medusaObservation(medusa),
        ],
      }),
      new WalletPulse({
        ...base,
        wallets: () =>
          merchants.all().flatMap(({ wallets, spend }) => spend === null ? wallets : [...wallets, spend]),
      }),
      new OwnEvents({
        ...base,
        verifier: crypto,
        identities: () => merchants.all(),
        onForeign: (own) => database.transaction((tx) => judge(tx, own, clock.now())),
      }),
    ],
    inbox: { owners, haltedMerchants: () => haltedMerchants(database.kysely), onOwnMessage: judge },
  };
}
