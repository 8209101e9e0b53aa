import { identityPublisher } from "../catalog/identity.ts";
import { catalogPublisher } from "../catalog/publisher.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { Lease } from "../jobs/lease.ts";
import { JobRunner } from "../jobs/runner.ts";
import type { Log } from "../log.ts";
import { InboxWorker } from "../messages/inbox_worker.ts";
import { refundTellJob } from "../messages/refund_tell_job.ts";
import { replyJob } from "../messages/reply_job.ts";
import { AddressGuard } from "../web/address_guard.ts";
import { GuardedFetch } from "../web/guarded_fetch.ts";
import type { IntakeStatus } from "../nostr/intake.ts";
import { OutboxWorker } from "../nostr/outbox.ts";
import { LOOK_UP_JOB, recipientLookUp } from "../nostr/recipient_look_up.ts";
import { heldBack } from "../notifications/held_back.ts";
import type { SecretBox } from "../nostr/sealed_secrets.ts";
import type { EventCrypto } from "../nostr/verify.ts";
import { apply } from "../orders/apply.ts";
import { lockOrder } from "../orders/orders_store.ts";
import { paymentArrived } from "../orders/payment_arrived.ts";
import { paymentHeld } from "../orders/payment_held.ts";
import type { Terms } from "../orders/place.ts";
import { quoteJob } from "../orders/quote_job.ts";
import { heldJobs } from "../payments/held_jobs.ts";
import { heldMoney } from "../payments/held_money.ts";
import { invoiceJobs } from "../payments/invoice_jobs.ts";
import { paymentPages } from "../payments/payment_pages.ts";
import { refundJobs } from "../payments/refund_jobs.ts";
import { refundAddressee } from "../payments/refunds_store.ts";
import { Settlement } from "../payments/settlement.ts";
import { Sweep } from "../payments/sweep.ts";
import { sweepJobs } from "../payments/sweep_jobs.ts";
import type { OnChain } from "../payments/chain/on_chain.ts";
import { type LookUpSoon, PaymentWatcher } from "../payments/watcher.ts";
import { tillCallJob } from "../till/call_job.ts";
import type { Random } from "../random.ts";
import type { Service } from "../service.ts";
import type { Settings } from "../settings.ts";
import type { MerchantRegistry } from "./merchant_registry.ts";
import { mirrorJobs } from "../medusa/orders/mirror_jobs.ts";
import { behindFence, fencedJobs, type RestoreFence } from "./restore_fence.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { MedusaBridge } from "./medusa.ts";
import { notifying } from "./notifying.ts";
import type { ShopRates } from "./shop_rates.ts";
import { shopTerms } from "./shop_terms.ts";

/** Events between the sockets and the database from which on bringing in goes before reading. */
const CROWD = 200;

/** Twice as long as the reader trusts it without asking. */
const INBOX_LEASE_MS = 6_000;

function isBehind({ queued, relays }: IntakeStatus): boolean {
  return queued > CROWD || relays.some((relay) => relay.connected && !relay.caughtUp);
}

/** What the workers stand on. */
export interface WorkerParts {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  settings: Settings;
  crypto: EventCrypto;
  merchants: MerchantRegistry;
  /** What preimages of hold invoices, and the secrets of calls to tills, follow from. */
  secrets: Pick<SecretBox, "derive">;
  /** Names this process in leases. */
  holder: string;
  /** What a bitcoin costs. */
  rates: ShopRates;
  /** Stands after a restore: nothing leaves then. */
  fence: RestoreFence;
  /** On-chain payments; null where there are none. */
  btc: OnChain | null;
  /** The first merchant's Medusa; null where there is none. */
  medusa: MedusaBridge | null;
  /** Called with how many of strangers' events were left at their relays; `wanted` as soon as there is room. */
  onShed(count: number, wanted: boolean): void;
}

/** They, and the way to those who wait for payments. */
export interface Workers {
  services: Service[];
  lookUpSoon: LookUpSoon;
  /** The terms that a merchant's orders are taken on, as of now. */
  termsOf(merchant: string): Terms;
}

/** What works through the rows: outbox, jobs, wallets, inbox; in the order in which they start. */
export function buildWorkers(parts: WorkerParts): Workers {
  const { settings, crypto, merchants, secrets, holder, fence, onShed, rates, btc, medusa, ...base } = parts;
  const { database, clock, log } = base;
  const { identityOf } = merchants;
  const walletsOf = (merchant: string) => merchants.get(merchant)?.wallets ?? [];
  const orders = { orderOf: lockOrder, apply, paymentHeld, paymentArrived };
  const termsOf = shopTerms(settings, rates, merchants, fence, medusa);
  const news = notifying(parts);
  const held = heldMoney({
    derive: (purpose) => secrets.derive(purpose),
    wanted: () => settings.NCC_STOCK_POLICY === "holdinvoice",
  });
  const settlement = new Settlement({ ...base, orders, walletsOf, held });
  const sweep = new Sweep({ ...base, orders, walletsOf, settlement });
  const watcher = new PaymentWatcher({
    ...base,
    settlement,
    wallets: () => new Map(merchants.all().map(({ pubkey, wallets }) => [pubkey, wallets])),
  });
  const jobs = new JobRunner({
    ...base,
    holder,
    handlers: fencedJobs(fence, {
      ...heldBack(
        database,
        invoiceJobs({
          ...base,
          orders,
          walletsOf,
          held,
          pages: paymentPages(settings),
          expirySeconds: settings.NCC_INVOICE_EXPIRY / 1000,
          onIssued: (invoice) => watcher.issued(invoice),
          btc: btc?.offers ?? null,
          memory: fence,
        }),
      ),
      ...heldJobs({
        ...base,
        orders,
        walletsOf,
        held,
        lookUpSoon: watcher.lookUpSoon,
      }),
      ...sweepJobs({ ...base, sweep }),
      ...refundJobs({
        ...base,
        payerOf: (merchant) => merchants.get(merchant)?.spend ?? null,
        web: new GuardedFetch(),
      }),
      ...heldBack(database, quoteJob({ ...base, termsOf })),
      ...heldBack(database, {
        "reply.send": replyJob({ ...base, identityOf, memory: fence }),
        "refund.tell": refundTellJob({ ...base, identityOf, refundOf: refundAddressee }),
      }),
      ...news.handlers,
      // Orders that wait for a Medusa that isn't set up any more wait for nothing.
      ...(medusa?.handlers ??
        mirrorJobs({ ...base, theirs: null, authority: "medusa", whenDown: "refuse" })),
      ...tillCallJob({ ...base, secrets, web: new GuardedFetch() }),
      [LOOK_UP_JOB]: recipientLookUp({ ...base, identityOf, guard: new AddressGuard() }),
      "catalog.publish": catalogPublisher({ ...base, identityOf }),
      "identity.publish": identityPublisher({ ...base, identityOf }),
    }),
  });
  const inbox = new InboxWorker({
    ...base,
    verifier: crypto,
    identityOf,
    termsOf,
    rate: settings.NCC_DM_RATE,
    onShed,
    crowded: () => merchants.all().some(({ intake }) => isBehind(intake.status())),
    ...news.inbox,
    lease: new Lease({ database, clock, log, name: "inbox", holder, ttlMs: INBOX_LEASE_MS }),
  });
  const outbox = new OutboxWorker({ ...base, identityOf });
  return {
    services: [
      new Heartbeat({ ...base, holder, onTakenOver: () => outbox.takeOver() }),
      ...news.services,
      ...medusa?.services ?? [],
      behindFence(fence, outbox),
      jobs,
      watcher,
      ...(btc ? [btc.watcher] : []),
      behindFence(fence, inbox),
    ],
    lookUpSoon: watcher.lookUpSoon,
    termsOf,
  };
}
