import { identityPublisher } from "../catalog/identity.ts";
import { catalogPublisher } from "../catalog/publisher.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { Lease } from "../jobs/lease.ts";
import { JobRunner } from "../jobs/runner.ts";
import type { Log } from "../log.ts";
import { InboxWorker } from "../messages/inbox_worker.ts";
import { replyJob } from "../messages/reply_job.ts";
import { OutboxWorker } from "../nostr/outbox.ts";
import type { EventCrypto } from "../nostr/verify.ts";
import { apply } from "../orders/apply.ts";
import { lockOrder } from "../orders/orders_store.ts";
import { paymentArrived } from "../orders/payment_arrived.ts";
import { invoiceJobs } from "../payments/invoice_jobs.ts";
import { Settlement } from "../payments/settlement.ts";
import { PaymentWatcher } from "../payments/watcher.ts";
import type { Random } from "../random.ts";
import type { Service } from "../service.ts";
import type { Settings } from "../settings.ts";
import type { MerchantRegistry } from "./merchant_registry.ts";
import { shopTerms } from "./shop_terms.ts";

/** What the workers stand on. */
export interface WorkerParts {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  settings: Settings;
  crypto: EventCrypto;
  merchants: MerchantRegistry;
  /** Names this process in leases. */
  holder: string;
}

/** What works through the rows: outbox, jobs, wallets, inbox; in the order in which they start. */
export function buildWorkers(parts: WorkerParts): Service[] {
  const { settings, crypto, merchants, holder, ...base } = parts;
  const { database, clock, log } = base;
  const { identityOf } = merchants;
  const walletOf = (merchant: string) => merchants.get(merchant)?.wallet ?? null;
  const orders = { orderOf: lockOrder, apply, paymentArrived };
  const watcher = new PaymentWatcher({
    ...base,
    settlement: new Settlement({ ...base, orders, walletOf }),
    wallets: () =>
      new Map(merchants.all().flatMap(({ pubkey, wallet }) => wallet === null ? [] : [[pubkey, wallet]])),
  });
  const jobs = new JobRunner({
    ...base,
    holder,
    handlers: {
      ...invoiceJobs({
        ...base,
        orders,
        walletOf,
        expirySeconds: settings.NCC_INVOICE_EXPIRY / 1000,
        onIssued: (invoice) => watcher.issued(invoice),
      }),
      "reply.send": replyJob({ ...base, identityOf }),
      "catalog.publish": catalogPublisher({ ...base, identityOf }),
      "identity.publish": identityPublisher({ ...base, identityOf }),
    },
  });
  const inbox = new InboxWorker({
    ...base,
    verifier: crypto,
    identityOf,
    termsOf: shopTerms(settings, clock, merchants),
    rate: settings.NCC_DM_RATE,
    lease: new Lease({ database, clock, log, name: "inbox", holder }),
  });
  return [new OutboxWorker({ ...base, identityOf }), jobs, watcher, inbox];
}
