import { join } from "node:path";
import postgres from "postgres";
import { freePort } from "../../support/ncc_process.ts";
import { startCluster, stopCluster } from "../../support/postgres_cluster.ts";
import { copyDatabase, newCluster, seededDatabase } from "./image.ts";
import { MedusaApi } from "./medusa_api.ts";
import { makeApp, type MedusaApp, MedusaProcess } from "./medusa_process.ts";
import { medusaIsOff, VERSION } from "./packages.ts";
import type { MedusaShop } from "./seed.ts";

/** A port is free when it is asked for, and may be taken when it is used. */
const TRIES = 3;

/** How a Medusa is started. */
export interface MedusaOptions {
  /** How many processes share the database and the work; 1 when it isn't named. */
  processes?: number;
  /** Further environment of Medusa. `MEDUSA_LOCKING: "postgres"`: its processes share their locks. */
  env?: Record<string, string>;
  /** The folder of a Medusa plugin, a package with a name, that is installed. */
  plugin?: string;
}

/** Whether tests against a real Medusa are left out; says so loudly. */
export function withoutMedusa(file: string): boolean {
  // deno-lint-ignore no-console -- a lane that is skipped says so loudly
  if (medusaIsOff()) console.warn(`SKIPPED: ${file}, by NCC_TEST_MEDUSA=off`);
  return medusaIsOff();
}

/**
 * Starts a real Medusa with a database of its own that has the tests' shop in it. What it needs is got when it isn't there yet, which
 * takes minutes. Throws when it can't be had or doesn't start, with what is missing.
 */
export async function startMedusa(o: MedusaOptions = {}): Promise<MedusaServer> {
  const stack = new AsyncDisposableStack();
  try {
    const database = await seededDatabase();
    const cluster = await newCluster();
    stack.defer(() => Deno.remove(cluster.dir, { recursive: true }));
    await copyDatabase(database, cluster);
    const url = new URL(await startCluster(cluster, database.password));
    stack.defer(() => stopCluster(cluster));
    url.pathname = "/medusa";
    const dir = await Deno.makeTempDir({ prefix: "ncc-medusa-" });
    stack.defer(() => Deno.remove(dir, { recursive: true }));
    const env = { DATABASE_URL: url.href, ...o.env };
    const app = await makeApp(dir, database.packages, {
      env,
      ...(o.plugin !== undefined && { plugin: o.plugin }),
    });
    const server = new MedusaServer({ app, shop: database.shop, database: url.href, stack });
    for (let n = 0; n < (o.processes ?? 1); n++) await server.add();
    return server;
  } catch (error) {
    await stack.disposeAsync();
    throw new Error(
      `no real Medusa ${VERSION} for the tests (deno run -A tests/real/medusa/get_medusa.ts gets it, NCC_TEST_MEDUSA=off leaves ` +
        `its tests out): ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
}

/** A real Medusa: its database, and its processes. */
export class MedusaServer implements AsyncDisposable {
  /** What the shop in it is made of. */
  readonly shop: MedusaShop;
  /** The database's address. */
  readonly database: string;
  /** Each process by its own address. */
  readonly apis: MedusaApi[] = [];
  readonly #app: MedusaApp;
  readonly #stack: AsyncDisposableStack;
  readonly #processes: MedusaProcess[] = [];

  constructor(
    o: { app: MedusaApp; shop: MedusaShop; database: string; stack: AsyncDisposableStack },
  ) {
    this.shop = o.shop;
    this.database = o.database;
    this.#app = o.app;
    this.#stack = o.stack;
    this.#stack.defer(() => this.kill());
  }

  /** Where the first process answers, without a slash at the end. */
  get url(): string {
    return this.apis[0]!.url;
  }

  /** A call to `/admin/…` by its JWT. Throws a `MedusaRefusal`. */
  call<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.apis[0]!.call<T>(method, path, body);
  }

  /** A call to `/store/…` by the publishable key. Throws a `MedusaRefusal`. */
  store<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.apis[0]!.store<T>(method, path, body);
  }

  /** Rows of Medusa's database. */
  async sql<T>(text: string): Promise<T[]> {
    const client = postgres(this.database, { max: 1, onnotice: () => {} });
    try {
      return await client.unsafe(text) as unknown as T[];
    } finally {
      await client.end();
    }
  }

  /** What its processes have logged, JSON by the line. */
  log(): Promise<string> {
    return Deno.readTextFile(this.#log);
  }

  /** Starts one more process on the same database. */
  async add(): Promise<void> {
    for (let tries = 1;; tries++) {
      const port = freePort();
      const api = new MedusaApi(`http://127.0.0.1:${port}`);
      api.publishableKey = this.shop.publishableKey;
      const process = new MedusaProcess(this.#app, { port, log: this.#log });
      try {
        await process.ready(api.url);
        this.#processes.push(process);
        this.apis.push(api);
        return;
      } catch (error) {
        await process.end("SIGKILL");
        const log = await this.log();
        if (tries < TRIES && log.includes("EADDRINUSE")) continue;
        throw new Error(`${error}: ${log.slice(-2_000)}`, { cause: error });
      }
    }
  }

  /** Ends all of its processes at once, as a power cut does; nobody answers until `start`. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends all of its processes in order; nobody answers until `start`. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Starts what was stopped or killed, at the same addresses. */
  async start(): Promise<void> {
    await Promise.all(this.apis.map(async ({ url }, n) => {
      if (!this.#processes[n]!.ended) return;
      this.#processes[n] = new MedusaProcess(this.#app, { port: Number(new URL(url).port), log: this.#log });
      await this.#processes[n].ready(url);
    }));
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.end(signal)));
  }

  get #log(): string {
    return join(this.#app.dir, "log");
  }
}
