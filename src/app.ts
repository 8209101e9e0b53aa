import { migrations } from "../migrations/mod.ts";
import { createApi } from "./api/api.ts";
import type { AppOptions } from "./app/app_options.ts";
import { adminTokenPath, loadOrCreateAdminToken } from "./app/admin_token.ts";
import { makeDataDir } from "./app/data_dir.ts";
import { btcOf } from "./app/btc.ts";
import { checkHealth, type Health } from "./app/health.ts";
import { hostText, knownHosts } from "./app/hosts.ts";
import { Housekeeping } from "./app/housekeeping.ts";
import { junkSweep } from "./app/junk_sweep.ts";
import { HttpServer } from "./app/http_server.ts";
import { liveFigures } from "./app/live_figures.ts";
import { type MedusaBridge, medusaOf } from "./app/medusa.ts";
import { MerchantRegistry } from "./app/merchant_registry.ts";
import { relayInfo } from "./app/relay_info.ts";
import { fenceCheck, restoredParts } from "./app/restored.ts";
import { RestoreFence } from "./app/restore_fence.ts";
import { Retention } from "./app/retention.ts";
import { type Keys, openKeys } from "./app/open_keys.ts";
import { ownerKeys } from "./app/owners.ts";
import { servingMerchants } from "./app/serve_merchant.ts";
import { ShopRates } from "./app/shop_rates.ts";
import { SoleProcess } from "./app/sole_process.ts";
import { StorageWatch } from "./app/storage_watch.ts";
import { summarise, type Summary } from "./app/summary.ts";
import { WalletHooks } from "./app/wallet_hooks.ts";
import { buildWorkers } from "./app/workers.ts";
import { migrateWithBackup } from "./db/backup.ts";
import type { Database } from "./db/database.ts";
import { openDatabase } from "./db/open.ts";
import { StorageFailedError } from "./db/storage_state.ts";
import { keyLimits } from "./messages/allowance.ts";
import { reception } from "./messages/reception.ts";
import { isRegularAnywhere } from "./messages/regulars_store.ts";
import { Strangers } from "./messages/strangers.ts";
import { EventStore } from "./nostr/event_store.ts";
import { type EventCrypto, loadVerifier } from "./nostr/verify.ts";
import { installRelaySocket } from "./nostr/websocket.ts";
import { buildAdmission } from "./policies/admission.ts";
import { RelayServer } from "./relay/relay_server.ts";
import { createMetrics } from "./reports/metrics.ts";
import type { OnChain } from "./payments/chain/on_chain.ts";
import type { Service } from "./service.ts";
import { walletRefusal } from "./settings_reader.ts";

/** The composition root: settings in, running services out. */
export class App {
  readonly adminToken: string;
  readonly merchants: MerchantRegistry;
  readonly database: Database;
  readonly relay: RelayServer;
  readonly #o: AppOptions;
  readonly #strangers: Strangers;
  readonly #schema: number;
  readonly #dataCreated: boolean;
  readonly #keyCreated: boolean;
  readonly #fence: RestoreFence;
  readonly #rates: ShopRates;
  readonly #btc: OnChain | null;
  readonly #medusa: MedusaBridge | null;
  readonly #api: ReturnType<typeof createApi>;
  readonly #http: HttpServer;
  /** In the order in which they start; they stop in reverse. */
  readonly #services: Service[];
  #started: Service[] = [];

  /** Opens (and migrates) the database and builds everything; nothing runs before `start()`. */
  static async open(o: AppOptions): Promise<App> {
    const { settings, clock, random, settings: { NCC_DATA_DIR: dataDir } } = o;
    const dataCreated = makeDataDir(dataDir);
    const database = await openDatabase(settings.NCC_DATABASE_URL ?? null, dataDir);
    try {
      const { schema } = await migrateWithBackup(database, migrations, {
        dataDir,
        backedUp: o.backedUp === true,
        clock,
      });
      const crypto = await loadVerifier();
      const keys = await openKeys({ ...o, database, crypto });
      const adminToken = settings.NCC_ADMIN_TOKEN ?? await loadOrCreateAdminToken(dataDir, random);
      const fence = await RestoreFence.load({ database, clock, log: o.log });
      const app = new App(o, database, crypto, keys, { schema, dataCreated, adminToken, fence });
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
    keys: Keys,
    opened: { schema: number; dataCreated: boolean; adminToken: string; fence: RestoreFence },
  ) {
    const { settings, clock, random, log } = o;
    this.#o = o;
    this.database = database;
    this.#schema = opened.schema;
    this.#dataCreated = opened.dataCreated;
    this.#keyCreated = keys.first.created;
    this.adminToken = opened.adminToken;
    const fence = this.#fence = opened.fence;
    // Nostrify's relays take the global WebSocket; the runtime's own stalls 45 ms on every other small frame.
    installRelaySocket();

    const base = { database, clock, random, log };
    const holder = random.uuid();
    const rates = this.#rates = new ShopRates({ ...base, settings, holder, hostOf: o.rateHost });
    const store = new EventStore(database.kysely, { now: () => Math.floor(clock.now() / 1000) });
    const strangers = this.#strangers = new Strangers(base);
    const receive = reception(strangers);
    const admission = buildAdmission({
      ...base,
      servedMerchants: () => this.merchants.keys(),
      maxBytes: settings.NCC_MAX_EVENT_BYTES,
      minPow: settings.NCC_MIN_POW,
    });
    this.merchants = new MerchantRegistry({
      ...base,
      ...keys,
      serve: servingMerchants({
        ...base,
        settings,
        crypto,
        admission,
        receive,
        wallet: o.wallet,
        spend: o.spend,
        bunkerOptions: o.bunkerOptions,
      }),
    });
    this.relay = new RelayServer({
      ...base,
      store,
      verifier: crypto,
      admission,
      merchants: () => this.merchants.keys(),
      url: () => `${this.url.replace(/^http/, "ws")}/relay`,
      info: () => relayInfo(this.merchants, settings),
      isRegular: (pubkey) => isRegularAnywhere(database.kysely, [...this.merchants.keys()], pubkey),
      strangers,
      onArrival: receive,
      limits: keyLimits(settings.NCC_DM_RATE),
    });

    const btc = this.#btc = btcOf({ ...base, settings, fence, merchants: this.merchants });
    const medusa = this.#medusa = medusaOf({ ...base, settings, rates, merchants: this.merchants });
    const shop = { ...base, settings, medusa };
    const workers = buildWorkers({
      ...shop,
      btc,
      crypto,
      holder,
      merchants: this.merchants,
      secrets: keys.secrets,
      rates,
      fence,
      onShed: (count, wanted) => strangers.left(count, wanted),
    });

    const owners = ownerKeys(settings);
    const restored = restoredParts({ ...base, verifier: crypto, fence, merchants: this.merchants, owners });
    const shared = {
      ...shop,
      secrets: keys.secrets,
      merchants: this.merchants,
      baseUrl: () => this.url,
    };
    this.#api = createApi({
      ...shared,
      restore: restored.desk,
      termsOf: workers.termsOf,
      hooks: new WalletHooks({ ...shared, lookUpSoon: workers.lookUpSoon }),
      verifier: crypto,
      relay: this.relay,
      adminToken: this.adminToken,
      owners,
      hosts: () => knownHosts(settings),
      walletRefusal: (url) => walletRefusal(url, settings),
      health: () => this.health(),
      metrics: createMetrics(
        database,
        liveFigures({
          merchants: this.merchants,
          admission,
          strangers,
          relay: this.relay,
          startedAt: clock.now(),
        }),
      ),
    });
    this.#http = new HttpServer({
      host: settings.NCC_HOST,
      port: settings.NCC_PORT,
      log,
      trustedProxies: settings.NCC_TRUSTED_PROXIES,
      handle: (request, address) => this.#api.fetch(request, { address }),
    });
    this.#services = [
      new SoleProcess({ ...base, settings }),
      new StorageWatch({ ...base, settings }),
      new Housekeeping({
        ...base,
        store,
        junk: junkSweep({ ...base, settings, strangers, merchants: this.merchants }),
      }),
      new Retention({ ...base, settings }),
      restored.service,
      rates,
      ...workers.services,
      this.merchants,
      { start: () => Promise.resolve(), stop: () => this.relay.close() },
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

  /** Resolves with an error when the storage has failed for good: then this process must end, acknowledging nothing more. */
  async failed(): Promise<StorageFailedError> {
    return new StorageFailedError(await this.database.storage.failed);
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
      running: this.#started.length === this.#services.length,
      rates: this.#rates.state(),
      btc: this.#btc,
      medusa: this.#medusa,
      strangers: this.#strangers,
      fenced: fenceCheck(this.#fence),
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
    });
  }

  async #stopServices(): Promise<void> {
    for (const service of this.#started.splice(0).reverse()) await service.stop();
  }
}
