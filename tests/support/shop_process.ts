import { catalogPublisher } from "../../src/catalog/publisher.ts";
import type { Database } from "../../src/db/database.ts";
import { Lease } from "../../src/jobs/lease.ts";
import { type JobHandlers, JobRunner } from "../../src/jobs/runner.ts";
import type { Log } from "../../src/log.ts";
import { InboxBatch } from "../../src/messages/inbox_batch.ts";
import { InboxWorker } from "../../src/messages/inbox_worker.ts";
import { refundTellJob } from "../../src/messages/refund_tell_job.ts";
import { replyJob } from "../../src/messages/reply_job.ts";
import type { SenderRate } from "../../src/messages/sender_rates_store.ts";
import type { IdentityOf } from "../../src/nostr/identity.ts";
import { OutboxWorker } from "../../src/nostr/outbox.ts";
import { LOOK_UP_JOB, recipientLookUp } from "../../src/nostr/recipient_look_up.ts";
import type { Verifier } from "../../src/nostr/verify.ts";
import { heldBack } from "../../src/notifications/held_back.ts";
import { apply } from "../../src/orders/apply.ts";
import { LATE_JOB, MIRROR_JOB } from "../../src/orders/mirror.ts";
import { lockOrder } from "../../src/orders/orders_store.ts";
import { paymentArrived } from "../../src/orders/payment_arrived.ts";
import { paymentHeld } from "../../src/orders/payment_held.ts";
import type { Terms } from "../../src/orders/place.ts";
import { quoteJob } from "../../src/orders/quote_job.ts";
import type { Memory } from "../../src/orders/said_before_store.ts";
import { QUOTE_JOB } from "../../src/orders/waiting.ts";
import { type OnChain, onChain, type OnChainOptions } from "../../src/payments/chain/on_chain.ts";
import type { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { heldJobs } from "../../src/payments/held_jobs.ts";
import { heldMoney } from "../../src/payments/held_money.ts";
import type { PaymentPages } from "../../src/payments/payment_pages.ts";
import { invoiceJobs } from "../../src/payments/invoice_jobs.ts";
import { REFUND_PAY_JOB } from "../../src/payments/refund_approval.ts";
import { refundJobs } from "../../src/payments/refund_jobs.ts";
import { REFUND_TELL_JOB } from "../../src/payments/refund_telling.ts";
import { refundAddressee } from "../../src/payments/refunds_store.ts";
import { Settlement } from "../../src/payments/settlement.ts";
import { Sweep } from "../../src/payments/sweep.ts";
import { sweepJobs } from "../../src/payments/sweep_jobs.ts";
import type { Wallet } from "../../src/payments/wallet.ts";
import { PaymentWatcher } from "../../src/payments/watcher.ts";
import type { Random } from "../../src/random.ts";
import { AddressGuard } from "../../src/web/address_guard.ts";
import { GuardedFetch } from "../../src/web/guarded_fetch.ts";
import type { Service } from "../../src/service.ts";
import type { FakeClock } from "./fake_clock.ts";
import { NEWS_KINDS, newsOf, type NewsOptions } from "./news.ts";
import { settled } from "./settling.ts";

/** Real time: after this a test hangs. */
const SETTLES_MS = 120_000;
const KINDS = [
  LOOK_UP_JOB,
  "invoice.create",
  "invoice.settle",
  "invoice.give_back",
  QUOTE_JOB,
  "reply.send",
  REFUND_PAY_JOB,
  REFUND_TELL_JOB,
  "catalog.publish",
  "payments.sweep",
  MIRROR_JOB,
  LATE_JOB,
  ...NEWS_KINDS,
];

/** What a process of a test works otherwise than usual. */
export interface ProcessOptions extends NewsOptions {
  rate?: SenderRate;
  /** On-chain payments. */
  chain?: Pick<OnChainOptions, "servers" | "confirmations" | "receives">;
  /** A backup was restored: what was said before counts. */
  memory?: Memory;
  /** Looks at relays that customers name. */
  guard?: AddressGuard;
  /** Asks the servers of customers' Lightning addresses. */
  web?: GuardedFetch;
  /** Ways to pay that the shop offers itself. */
  pages?: PaymentPages;
  /** What else it works off. */
  handlers?(base: { database: Database; clock: FakeClock; log: Log }): JobHandlers;
}

/** What it works with. */
export interface ProcessParts {
  database: Database;
  clock: FakeClock;
  random: Random;
  log: Log;
  verifier: Verifier;
  identityOf: IdentityOf;
  termsOf(merchant: string): Terms;
  /** The wallets that there are now, by merchant. */
  wallets(): Map<string, Wallet[]>;
  walletsOf(merchant: string): Wallet[];
  /** What pays refunds. */
  payer(): DemoWallet | null;
}

/** The services of one process of a test's shop. */
export class ShopProcess {
  readonly inbox: InboxWorker;
  readonly batch: InboxBatch;
  readonly jobs: JobRunner;
  readonly #database: Database;
  readonly #clock: FakeClock;
  readonly #watcher: PaymentWatcher;
  readonly #outbox: OutboxWorker;
  readonly onChain: OnChain | null;
  readonly #chain: Service[];

  constructor(parts: ProcessParts, o: ProcessOptions) {
    const { database, clock, random, log, identityOf, walletsOf } = parts;
    const base = { database, clock, random, log };
    const memory = o.memory && { memory: o.memory };
    const pages = o.pages && { pages: o.pages };
    this.#database = database;
    this.#clock = clock;
    const orders = { orderOf: lockOrder, apply, paymentHeld, paymentArrived };
    const held = heldMoney({
      derive: (purpose) => `secret for ${purpose}`,
      wanted: (merchant) => parts.termsOf(merchant).stockPolicy === "holdinvoice",
    });
    const settlement = new Settlement({ ...base, orders, walletsOf, held });
    this.#watcher = new PaymentWatcher({ ...base, settlement, wallets: () => parts.wallets() });
    const chain = this.onChain = o.chain ? onChain({ ...base, orders, ...o.chain }) : null;
    this.#chain = chain ? [chain.watcher] : [];
    const holder = random.uuid();
    const termsOf = (merchant: string) => parts.termsOf(merchant);
    const news = newsOf({ ...base, identityOf }, o);
    const onIssued: PaymentWatcher["issued"] = (invoice) => this.#watcher.issued(invoice);
    this.jobs = new JobRunner({
      ...base,
      holder,
      handlers: {
        ...heldBack(database, {
          ...quoteJob({ ...base, termsOf }),
          ...invoiceJobs({
            ...base,
            orders,
            walletsOf,
            held,
            onIssued,
            ...memory,
            ...pages,
            btc: chain?.offers ?? null,
          }),
          "reply.send": replyJob({ ...base, identityOf, ...memory }),
          [REFUND_TELL_JOB]: refundTellJob({ ...base, identityOf, refundOf: refundAddressee }),
        }),
        ...heldJobs({
          ...base,
          orders,
          walletsOf,
          held,
          lookUpSoon: this.#watcher.lookUpSoon,
        }),
        ...sweepJobs({ ...base, sweep: new Sweep({ ...base, orders, walletsOf, settlement }) }),
        ...refundJobs({ ...base, payerOf: () => parts.payer(), web: o.web ?? new GuardedFetch() }),
        ...news.handlers,
        ...o.handlers?.(base),
        [LOOK_UP_JOB]: recipientLookUp({ ...base, identityOf, guard: o.guard ?? new AddressGuard() }),
        "catalog.publish": catalogPublisher({ ...base, identityOf }),
      },
    });
    const inbox = {
      ...base,
      verifier: parts.verifier,
      identityOf,
      termsOf,
      rate: o.rate ?? { count: 100, perMs: 60_000 },
      ...news.inbox,
    };
    this.batch = new InboxBatch(inbox);
    this.inbox = new InboxWorker({
      ...inbox,
      lease: new Lease({ database, clock, log, name: "inbox", holder }),
    });
    this.#outbox = new OutboxWorker({ ...base, identityOf });
  }

  async start(): Promise<void> {
    for (const service of [this.#outbox, this.jobs, this.#watcher, ...this.#chain, this.inbox]) {
      await service.start();
    }
  }

  async stop(): Promise<void> {
    for (const service of this.#last) await service.stop();
  }

  /** Nothing more of it reaches the database: it gives back no lease and ends no job. */
  async isKilled(): Promise<void> {
    for (const service of this.#last) {
      await service.stop().catch((error) => {
        if (!String(error).includes("dead")) throw error;
      });
    }
  }

  /** Everything that is due has been done; messages only if the process `reads`. */
  async settle(reads: () => boolean): Promise<void> {
    const end = Date.now() + SETTLES_MS;
    do {
      await settled(this.inbox, end);
      await settled(this.jobs, end);
      await settled(this.#watcher, end);
    } while (await this.#anythingDue(reads));
  }

  /** In the order of stopping. */
  get #last() {
    return [this.inbox, ...this.#chain, this.#watcher, this.jobs, this.#outbox];
  }

  async #anythingDue(reads: () => boolean): Promise<boolean> {
    const now = this.#clock.now();
    const row = await this.#database.kysely.selectFrom("inbox").select("seq").where("state", "=", "new")
      .where("next_at", "<=", now).limit(1).executeTakeFirst();
    if (row) return reads();
    const jobs = await this.#database.kysely.selectFrom("jobs").select(["kind", "state", "run_at"])
      .where("state", "!=", "dead").execute();
    return jobs.some((job) => KINDS.includes(job.kind) && (job.state === "running" || job.run_at <= now));
  }
}
