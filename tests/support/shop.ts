import type { NostrEvent } from "@nostrify/types";
import type { Database } from "../../src/db/database.ts";
import type { JobRunner } from "../../src/jobs/runner.ts";
import type { InboxBatch } from "../../src/messages/inbox_batch.ts";
import type { InboxWorker } from "../../src/messages/inbox_worker.ts";
import { fixedRates } from "../../src/money/rates.ts";
import { arrive } from "../../src/nostr/arrivals.ts";
import type { NostrIdentity } from "../../src/nostr/identity.ts";
import { localSigner, type MerchantSigner } from "../../src/nostr/signer.ts";
import { loadVerifier } from "../../src/nostr/verify.ts";
import { apply } from "../../src/orders/apply.ts";
import type { OrderRow } from "../../src/orders/orders_store.ts";
import type { Terms } from "../../src/orders/place.ts";
import type { OrderEvent } from "../../src/orders/types.ts";
import type { OnChain } from "../../src/payments/chain/on_chain.ts";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { systemRandom } from "../../src/random.ts";
import { levels } from "../../src/stock/stock.ts";
import { Shop as Shelf } from "../catalog/shop.ts";
import { Customer, type ShopFront } from "./customer.ts";
import { freshDatabase } from "./fresh_database.ts";
import { FakeClock } from "./fake_clock.ts";
import { keyPair } from "./keys.ts";
import { silentLog } from "./log.ts";
import { recordingPool } from "./recording_pool.ts";
import { ended } from "./settling.ts";
import type { Neighbour, ShopOptions } from "./shop_options.ts";
import { ShopProcess } from "./shop_process.ts";

export type { Neighbour, ShopOptions } from "./shop_options.ts";

const crypto = loadVerifier();
/** Whoever is due after a jump wakes when the clock moves on by this. */
const TICK_MS = 1;
/** Real time: a payment that isn't booked by then never is. */
const BOOKED_MS = 120_000;

/**
 * A shop with everything real but time, relays and the wallet: what a customer sends goes into the inbox as relays put it
 * there (T1), and what the shop says is read from what it published. One of them is one process.
 */
export class Shop implements AsyncDisposable {
  readonly database: Database;
  readonly clock: FakeClock;
  readonly wallet: DemoWallet;
  readonly spend: DemoWallet;
  readonly purse: DemoWallet;
  readonly merchant: string;
  readonly shelf: Shelf;
  readonly inbox: InboxWorker;
  /** What the inbox worker does with rows once it has read them, for tests of what happens without its lease. */
  readonly batch: InboxBatch;
  readonly jobs: JobRunner;
  readonly onChain: OnChain | null;
  /** The terms of now; a test changes them as it goes on. */
  readonly terms: Terms;
  /** Whether this process has the merchant's key, and a wallet to receive with. */
  served = true;
  walletThere = true;
  spendThere = true;
  /** Events that were brought to other relays: `[url, event]`. */
  readonly published: [string, NostrEvent][] = [];
  readonly identity: NostrIdentity;
  /** Other merchants that this process serves. */
  readonly #neighbours = new Map<string, Neighbour & { identity: NostrIdentity }>();
  readonly #o: ShopOptions;
  readonly #process: ShopProcess;
  /** A database that nobody else has, removed with the shop. */
  readonly #own: AsyncDisposable | null;

  /** Opens a shop with one stall `tea` that prices in sats and ships free, and 5 cups at 100 sat. */
  static async open(options: ShopOptions = {}): Promise<Shop> {
    const shop = await Shop.process(options);
    await shop.shelf.stall();
    await shop.shelf.product();
    return shop;
  }

  /** Another process of a shop that is open. */
  another(options: ShopOptions = {}): Promise<Shop> {
    const { database, clock, wallet, spend, purse } = this;
    return Shop.process({ ...this.#o, database, clock, wallet, spend, purse, ...options });
  }

  static async process(options: ShopOptions): Promise<Shop> {
    const clock = options.clock ?? new FakeClock();
    const own = options.database ? null : await freshDatabase();
    const database = options.database ?? own!;
    const { pubkey, secretKey } = keyPair("merchant");
    const signer = localSigner(secretKey, await crypto, { random: systemRandom });
    const shelf = await Shelf.open(database, pubkey, clock.now());
    const shop = new Shop(
      { ...options, clock, database },
      { shelf, signer: options.signer?.(signer) ?? signer, crypto: await crypto, own },
    );
    options.onMerchant?.(pubkey);
    await shop.#process.start();
    return shop;
  }

  private constructor(
    o: ShopOptions & { database: Database; clock: FakeClock },
    made: {
      shelf: Shelf;
      signer: MerchantSigner;
      crypto: Awaited<typeof crypto>;
      own: AsyncDisposable | null;
    },
  ) {
    const { database, clock } = o;
    const log = o.log ?? silentLog;
    const random = { ...systemRandom, fraction: () => 0.5 };
    const base = { database, clock, random, log };
    this.#o = o;
    this.#own = made.own;
    this.database = database;
    this.clock = clock;
    this.shelf = made.shelf;
    this.merchant = made.signer.pubkey;
    this.wallet = o.wallet ?? new DemoWallet(base);
    this.purse = o.purse ?? new DemoWallet(base);
    this.spend = o.spend ?? new DemoWallet(base);
    if (!o.spend) this.spend.reaches(this.purse);
    const rates = fixedRates("EUR=50000", clock);
    this.terms = {
      closed: null,
      stockPolicy: "hold",
      invoiceExpiryMs: 900_000,
      maxOpenOrders: 3,
      rate: (currency) => rates.rate(currency),
      ...(o.memory && { memory: o.memory }),
      ...o.terms,
    };
    this.identity = {
      pubkey: this.merchant,
      signer: made.signer,
      pool: o.pool ?? recordingPool(this.published),
      relays: o.relays ?? [],
      dmRelays: o.relays ?? [],
      publicRelayUrl: null,
    };
    const identityOf = (pubkey: string) => {
      if (!this.served) return undefined;
      return pubkey === this.merchant ? this.identity : this.#neighbours.get(pubkey)?.identity;
    };
    const walletsOf = (merchant: string) => {
      const other = this.#neighbours.get(merchant)?.wallet;
      return other ? [other] : this.walletThere ? [o.receives ?? this.wallet] : [];
    };
    this.#process = new ShopProcess({
      ...base,
      verifier: made.crypto,
      identityOf,
      termsOf: (merchant) => ({ ...this.terms, ...this.#neighbours.get(merchant)?.terms }),
      wallets: () => new Map([...this.#wallets().keys()].map((merchant) => [merchant, walletsOf(merchant)])),
      walletsOf,
      payer: () => this.spendThere ? this.spend : null,
    }, o);
    const { inbox, batch, jobs, onChain } = this.#process;
    this.onChain = onChain;
    this.inbox = inbox;
    this.batch = batch;
    this.jobs = jobs;
  }

  customer(name = "alice", envelope: "nip04" | "nip17" = "nip04"): Customer {
    return new Customer(this, name, envelope);
  }

  /**
   * Another merchant of the same process, with the same stall and cups, to be a customer of or to buy from ours. Without a
   * wallet of its own it uses ours.
   */
  async neighbour(name: string, its: Neighbour = {}): Promise<ShopFront & { shelf: Shelf }> {
    const { secretKey, pubkey } = keyPair(name);
    const signer = localSigner(secretKey, await crypto, { random: systemRandom });
    const identity = { ...this.identity, pubkey, signer: its.signer?.(signer) ?? signer };
    this.#neighbours.set(pubkey, { ...its, identity });
    const shelf = await Shelf.open(this.database, pubkey, this.clock.now());
    if (!its.stocked) {
      await shelf.stall();
      await shelf.product();
    }
    return {
      merchant: pubkey,
      shelf,
      clock: this.clock,
      database: this.database,
      receive: (event, relay) => this.receive(event, relay, [pubkey]),
      settle: () => this.settle(),
      paid: (bolt11, o) => this.paid(bolt11, o, its.wallet),
    };
  }

  /** An event reaches us from a relay. */
  async receive(event: NostrEvent, relay = "", merchants = [this.merchant]): Promise<void> {
    const arrivals = [{ event, relay, merchants }];
    await this.database.transaction((tx) => arrive(tx, arrivals, this.clock.now()));
  }

  /** Everything that is due has been done. */
  async settle(): Promise<void> {
    await this.#process.settle(() => this.served);
  }

  /** Time passes, at once: whoever slept wakes late, as after a machine's own sleep. */
  async pass(ms: number): Promise<void> {
    await this.sleeps(ms);
    await this.settle();
  }

  /** The same without waiting for what is under way, which may wait for more time to pass. */
  async sleeps(ms: number): Promise<void> {
    this.clock.jump(Math.max(0, ms - TICK_MS));
    await this.clock.advance(Math.min(ms, TICK_MS));
  }

  /** Somebody's wallet pays, and unless nobody notices (`silently`) what follows has been done. */
  async paid(
    bolt11: string,
    o: { late?: boolean; amountMsat?: bigint; silently?: boolean } = {},
    wallet = this.wallet,
  ): Promise<void> {
    const settled = await wallet.settle(bolt11, o);
    if (!settled.ok) throw new Error(settled.reason);
    if (!o.silently) await this.#booked(bolt11);
    await this.settle();
  }

  /** Something happens to an order that a person decides. */
  async happens(order: OrderRow, event: OrderEvent): Promise<void> {
    await this.happensLater(order, event);
    await this.settle();
  }

  /** The same without waiting for what follows. */
  async happensLater(order: OrderRow, event: OrderEvent): Promise<void> {
    await this.database.transaction((tx) => apply(tx, order.id, event, this.clock.now()));
  }

  /** The only order, or the one with this customer's id. */
  async order(customerOrderId?: string): Promise<OrderRow> {
    const all = await this.orders();
    const [found, ...others] = customerOrderId === undefined
      ? all
      : all.filter((order) => order.customer_order_id === customerOrderId);
    if (!found || others.length > 0) throw new Error(`there are ${all.length} orders`);
    return found;
  }

  /** Oldest first. */
  async orders(): Promise<OrderRow[]> {
    return await this.database.kysely.selectFrom("orders").selectAll().orderBy("created_at").orderBy("id")
      .execute();
  }

  /** What a product has on hand, and what of it is held. */
  async stock(productId = "cup"): Promise<{ onHand: number | null; held: number }> {
    return (await levels(this.database.kysely, this.merchant, [productId])).get(productId)!;
  }

  async timeline(order: OrderRow): Promise<string[]> {
    const rows = await this.database.kysely.selectFrom("order_timeline").select("text")
      .where("order_id", "=", order.id).orderBy("seq").execute();
    return rows.map((row) => row.text);
  }

  /** The process ends; database and wallet go on, for another. */
  async stops(): Promise<void> {
    await this.#process.stop();
  }

  /** The process is killed, and nothing more of it reaches the database: it gives back no lease and ends no job. */
  async isKilled(): Promise<void> {
    await this.#process.isKilled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await ended(this.stops(), this.clock);
    for (const wallet of [this.wallet, ...this.#wallets().values()]) await wallet.close();
    await this.#own?.[Symbol.asyncDispose]();
  }

  #wallets(): Map<string, DemoWallet> {
    const wallets = new Map(this.walletThere ? [[this.merchant, this.wallet]] : []);
    for (const [pubkey, { wallet }] of this.#neighbours) if (wallet) wallets.set(pubkey, wallet);
    return wallets;
  }

  async #booked(bolt11: string): Promise<void> {
    for (const end = Date.now() + BOOKED_MS; Date.now() < end;) {
      const row = await this.database.kysely.selectFrom("invoices").select("state")
        .where("bolt11", "=", bolt11.toLowerCase()).executeTakeFirst();
      if (row?.state === "paid") return;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    throw new Error(`the payment of ${bolt11} was never noticed`);
  }
}
