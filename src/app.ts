import meta from "../deno.json" with { type: "json" };
import { migrations } from "../migrations/mod.ts";
import { createApi } from "./api/api.ts";
import { adminTokenPath, loadOrCreateAdminToken } from "./app/admin_token.ts";
import { checkHealth, type Health } from "./app/health.ts";
import { Housekeeping } from "./app/housekeeping.ts";
import { HttpServer } from "./app/http_server.ts";
import { merchantKey } from "./app/merchant_key.ts";
import { MerchantRegistry } from "./app/merchant_registry.ts";
import { ServedMerchant } from "./app/served_merchant.ts";
import { summarise, type Summary } from "./app/summary.ts";
import { identityPublisher } from "./catalog/identity.ts";
import type { MerchantRow } from "./catalog/merchants_store.ts";
import { catalogPublisher } from "./catalog/publisher.ts";
import type { Clock } from "./clock.ts";
import { migrateWithBackup } from "./db/backup.ts";
import type { Database } from "./db/database.ts";
import { openDatabase } from "./db/open.ts";
import { Lease } from "./jobs/lease.ts";
import { JobRunner } from "./jobs/runner.ts";
import type { Log } from "./log.ts";
import { InboxWorker } from "./messages/inbox_worker.ts";
import { replyJob } from "./messages/reply_job.ts";
import { fixedRates } from "./money/rates.ts";
import { EventStore } from "./nostr/event_store.ts";
import { Intake } from "./nostr/intake.ts";
import { parsePublicKey } from "./nostr/keys.ts";
import { OutboxWorker } from "./nostr/outbox.ts";
import { RelayPool } from "./nostr/relay_pool.ts";
import { SecretBox } from "./nostr/sealed_secrets.ts";
import { localSigner } from "./nostr/signer.ts";
import { type EventCrypto, loadVerifier } from "./nostr/verify.ts";
import { RelaySocket } from "./nostr/websocket.ts";
import { apply } from "./orders/apply.ts";
import { lockOrder } from "./orders/orders_store.ts";
import { paymentArrived } from "./orders/payment_arrived.ts";
import type { Terms } from "./orders/place.ts";
import { invoiceJobs } from "./payments/invoice_jobs.ts";
import { ObservedWallet } from "./payments/observed_wallet.ts";
import type { Wallet } from "./payments/wallet.ts";
import { openWallet } from "./payments/wallet_url.ts";
import { Settlement } from "./payments/settlement.ts";
import { PaymentWatcher } from "./payments/watcher.ts";
import { buildAdmission, type MerchantAdmission } from "./policies/admission.ts";
import type { Random } from "./random.ts";
import { RelayServer } from "./relay/relay_server.ts";
import { createMetrics } from "./reports/metrics.ts";
import type { Service } from "./service.ts";
import type { Settings } from "./settings.ts";

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
}

/** The composition root: settings in, running services out. */
export class App {
  readonly adminToken: string;
  readonly merchants: MerchantRegistry;
  readonly database: Database;
  readonly relay: RelayServer;
  readonly #o: AppOptions;
  readonly #schema: number;
  readonly #dataCreated: boolean;
  readonly #keyCreated: boolean;
  readonly #api: ReturnType<typeof createApi>;
  readonly #http: HttpServer;
  readonly #watcher: PaymentWatcher;
  /** In the order in which they start; they stop in reverse. */
  readonly #services: Service[];
  #started: Service[] = [];

  /** Opens (and migrates) the database and builds everything; nothing runs before `start()`. */
  static async open(o: AppOptions): Promise<App> {
    const { settings, clock, random } = o;
    const dataDir = settings.NCC_DATA_DIR;
    const dataCreated = makeDataDir(dataDir);
    const database = await openDatabase(settings.NCC_DATABASE_URL ?? null, dataDir);
    try {
      const { schema } = await migrateWithBackup(database, migrations, {
        dataDir,
        backedUp: o.backedUp === true,
        clock,
      });
      const key = await merchantKey(settings, random);
      const app = new App(
        o,
        database,
        await loadVerifier(),
        await SecretBox.loadOrCreate(`${dataDir}/master.key`, random),
        {
          schema,
          dataCreated,
          keyCreated: key.created,
          first: { ...key, wallet: settings.NCC_WALLET ?? null },
        },
      );
      await app.merchants.load();
      return app;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  private constructor(
    o: AppOptions,
    database: Database,
    crypto: EventCrypto,
    secrets: SecretBox,
    opened: {
      schema: number;
      dataCreated: boolean;
      keyCreated: boolean;
      first: ConstructorParameters<typeof MerchantRegistry>[0]["first"];
    },
  ) {
    const { settings, clock, random, log } = o;
    this.#o = o;
    this.database = database;
    this.#schema = opened.schema;
    this.#dataCreated = opened.dataCreated;
    this.#keyCreated = opened.keyCreated;
    this.adminToken = settings.NCC_ADMIN_TOKEN ?? loadOrCreateAdminToken(settings.NCC_DATA_DIR, random);
    // Nostrify's relays take the global WebSocket; the runtime's own stalls 45 ms on every other small frame.
    globalThis.WebSocket = RelaySocket as unknown as typeof WebSocket;

    const base = { database, clock, random, log };
    const holder = random.uuid();
    const store = new EventStore(database.kysely, { now: () => Math.floor(clock.now() / 1000) });
    const admission = buildAdmission({
      ...base,
      servedMerchants: () => this.merchants.keys(),
      maxBytes: settings.NCC_MAX_EVENT_BYTES,
      minPow: settings.NCC_MIN_POW,
    });
    this.merchants = new MerchantRegistry({
      ...base,
      secrets,
      first: opened.first,
      serve: (row, secretKey, walletUrl) => this.#serve(crypto, admission, row, secretKey, walletUrl),
    });
    const { identityOf } = this.merchants;
    this.relay = new RelayServer({
      ...base,
      store,
      verifier: crypto,
      admission,
      merchants: () => this.merchants.keys(),
      url: () => `${this.url.replace(/^http/, "ws")}/relay`,
      info: () => ({
        name: this.merchants.all()[0]?.row.name || "ncc",
        description: "The relay of a shop: messages to its merchant, and what the merchant publishes.",
        pubkey: this.merchants.all()[0]?.pubkey ?? "",
        software: "ncc",
        version: meta.version,
        minPow: settings.NCC_MIN_POW,
      }),
    });

    const walletOf = (merchant: string) => this.merchants.get(merchant)?.wallet ?? null;
    const orders = { orderOf: lockOrder, apply, paymentArrived };
    const settlement = new Settlement({ ...base, orders, walletOf });
    this.#watcher = new PaymentWatcher({
      ...base,
      settlement,
      wallets: () =>
        new Map(
          this.merchants.all().flatMap(({ pubkey, wallet }) => wallet === null ? [] : [[pubkey, wallet]]),
        ),
    });
    const jobs = new JobRunner({
      ...base,
      holder,
      handlers: {
        ...invoiceJobs({ ...base, orders, walletOf, expirySeconds: settings.NCC_INVOICE_EXPIRY / 1000 }),
        "reply.send": replyJob({ ...base, identityOf }),
        "catalog.publish": catalogPublisher({ ...base, identityOf }),
        "identity.publish": identityPublisher({ ...base, identityOf }),
      },
    });
    const inbox = new InboxWorker({
      ...base,
      verifier: crypto,
      identityOf,
      termsOf: this.#terms(),
      rate: settings.NCC_DM_RATE,
      lease: new Lease({ database, clock, log, name: "inbox", holder }),
    });

    this.#api = createApi({
      ...base,
      verifier: crypto,
      merchants: this.merchants,
      relay: this.relay,
      adminToken: this.adminToken,
      owners: new Set(settings.NCC_OWNERS.map(ownerKey)),
      baseUrl: () => this.url,
      hosts: () => this.#hosts(),
      health: () => this.health(),
      metrics: createMetrics(database, this.#figures(admission)),
    });
    this.#http = new HttpServer({
      host: settings.NCC_HOST,
      port: settings.NCC_PORT,
      log,
      handle: (request) => this.#api.fetch(request),
    });
    const relayService: Service = { start: () => Promise.resolve(), stop: () => this.relay.close() };
    this.#services = [
      new Housekeeping({ ...base, store }),
      new OutboxWorker({ ...base, identityOf }),
      jobs,
      this.#watcher,
      inbox,
      this.merchants,
      relayService,
      this.#http,
    ];
  }

  /** URL under which we are reached: the public one, or this machine's. */
  get url(): string {
    const { NCC_PUBLIC_URL, NCC_HOST, NCC_PORT } = this.#o.settings;
    return NCC_PUBLIC_URL ?? `http://${hostText(NCC_HOST)}:${this.#http.port || NCC_PORT}`;
  }

  get adminTokenPath(): string {
    return this.#o.settings.NCC_ADMIN_TOKEN === undefined
      ? adminTokenPath(this.#o.settings.NCC_DATA_DIR)
      : "NCC_ADMIN_TOKEN";
  }

  /** One request, as the HTTP port would answer it. */
  fetch(request: Request): Promise<Response> {
    return Promise.resolve(this.#api.fetch(request));
  }

  /** Starts everything; when one thing can't start, what runs already is stopped again. */
  async start(): Promise<{ url: string; port: number }> {
    try {
      for (const service of this.#services) {
        await service.start();
        this.#started.push(service);
      }
    } catch (error) {
      await this.#stopServices();
      throw error;
    }
    return { url: this.url, port: this.#http.port };
  }

  /** Takes nothing new, ends what is under way, and closes the database. Nothing is lost: what waits goes on at the next start. */
  async stop(): Promise<void> {
    await this.#stopServices();
    await this.close();
  }

  /** For an app that was never started. */
  async close(): Promise<void> {
    await this.relay.close();
    await this.merchants.close();
    await this.database.close();
  }

  health(): Promise<Health> {
    return checkHealth({
      database: this.database,
      merchants: this.merchants,
      running: this.#started.length > 0,
    });
  }

  /** What the start tells. */
  summary(): Promise<Summary> {
    return summarise({
      database: this.database,
      schema: this.#schema,
      dataCreated: this.#dataCreated,
      keyCreated: this.#keyCreated,
      merchants: this.merchants.all(),
      ratesFixed: this.#o.settings.NCC_RATES !== undefined,
    });
  }

  async #stopServices(): Promise<void> {
    for (const service of this.#started.splice(0).reverse()) await service.stop();
  }

  #serve(
    crypto: EventCrypto,
    admission: MerchantAdmission,
    row: MerchantRow,
    secretKey: Uint8Array,
    walletUrl: string | null,
  ) {
    const { settings, clock, random, log } = this.#o;
    const signer = localSigner(secretKey, crypto, { random });
    const pool = new RelayPool({ signer, clock, random, log, verifier: crypto });
    const dmRelays = settings.NCC_DM_RELAYS ?? settings.NCC_RELAYS;
    const own = row.key_source === "settings" ? this.#o.wallet : undefined;
    const wallet = own ??
      (walletUrl === null
        ? null
        : openWallet(walletUrl, { clock, random, log, crypto, dataDir: settings.NCC_DATA_DIR }));
    return new ServedMerchant({
      row,
      signer,
      pool,
      relays: settings.NCC_RELAYS,
      dmRelays,
      publicRelayUrl: settings.NCC_PUBLIC_URL
        ? `${settings.NCC_PUBLIC_URL.replace(/^http/, "ws")}/relay`
        : null,
      wallet: own ??
        (walletUrl === null
          ? null
          : openWallet(walletUrl, { clock, random, log, crypto, dataDir: settings.NCC_DATA_DIR })),
      intake: new Intake({
        database: this.database,
        clock,
        random,
        log,
        pool,
        merchant: row.pubkey,
        relays: [...new Set([...settings.NCC_RELAYS, ...dmRelays])],
        verifier: crypto,
        admission,
      }),
    });
  }

  #terms(): (merchant: string) => Terms {
    const { settings, clock } = this.#o;
    const rates = settings.NCC_RATES === undefined ? null : fixedRates(settings.NCC_RATES, clock);
    return (merchant) => ({
      closed: this.merchants.get(merchant)?.closed ?? null,
      stockPolicy: settings.NCC_STOCK_POLICY,
      invoiceExpiryMs: settings.NCC_INVOICE_EXPIRY,
      maxOpenOrders: settings.NCC_MAX_OPEN_ORDERS,
      rate: (currency) => rates?.rate(currency) ?? null,
    });
  }

  #hosts(): ReadonlySet<string> {
    const { NCC_PUBLIC_URL, NCC_HOST } = this.#o.settings;
    const named = NCC_PUBLIC_URL === undefined ? [] : [new URL(NCC_PUBLIC_URL).hostname];
    return new Set(["localhost", "127.0.0.1", "[::1]", NCC_HOST, ...named]);
  }

  #figures(admission: MerchantAdmission): Parameters<typeof createMetrics>[1] {
    const all = () => this.merchants.all();
    return {
      version: meta.version,
      startedAt: this.#o.clock.now(),
      relays: () =>
        all().flatMap((merchant) =>
          merchant.relayStatus().map((relay) => ({
            merchant: merchant.pubkey,
            ...relay,
            connected: relay.state === "connected",
          }))
        ),
      refusals: () => admission.counts(),
      events: () => {
        const sum = { received: 0, duplicates: 0, invalid: 0 };
        for (const merchant of all()) {
          const { received, duplicates, invalid } = merchant.intake.status();
          sum.received += received;
          sum.duplicates += duplicates;
          sum.invalid += invalid;
        }
        return sum;
      },
      relayConnections: () => this.relay.connections(),
      walletUp: () => {
        const known = all().flatMap(({ wallet }) => wallet === null || wallet.up === null ? [] : [wallet.up]);
        return known.length === 0 ? null : known.every((up) => up);
      },
    };
  }
}

/** True when the directory is new. Only its owner may look into it: keys and customers' data lie there. */
function makeDataDir(path: string): boolean {
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    if (error instanceof Deno.errors.NotFound) {
      Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
      return true;
    }
    throw error;
  }
}

function ownerKey(text: string): string {
  const parsed = parsePublicKey(text);
  if (!parsed.ok) throw new Error(`NCC_OWNERS: ${parsed.reason}`);
  return parsed.pubkey;
}

function hostText(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
