import { App } from "../../src/app.ts";
import type { AppOptions } from "../../src/app/app_options.ts";
import type { Insertable } from "kysely";
import type { OrdersTable } from "../../src/db/tables.ts";
import type { Log } from "../../src/log.ts";
import type { Wallet } from "../../src/payments/wallet.ts";
import { systemClock } from "../../src/clock.ts";
import { systemRandom } from "../../src/random.ts";
import { readSettings } from "../../src/settings_reader.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { freshUrl } from "../support/fresh_database.ts";
import { silentLog } from "../support/log.ts";

/** The address that requests of tests go to. */
export const BASE = "http://127.0.0.1:8787";

/** An answer, read. */
export interface Answer {
  status: number;
  headers: Headers;
  // deno-lint-ignore no-explicit-any -- what the server says is looked at by the test
  body: any;
}

/** What a request has beside method and path. */
export interface Ask {
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is. */
  raw?: BodyInit;
  /** `Authorization`; the admin token unless given, none when null. */
  authorization?: string | null;
  headers?: Record<string, string>;
}

/**
 * The whole program on a database of its own, asked through its HTTP door, on a clock that stands still. Nothing runs in
 * it, unless the test opens it `live`, on the machine's clock, and starts it.
 */
export class TestApi implements AsyncDisposable {
  readonly app: App;
  readonly clock: FakeClock;
  readonly #dir: string;
  readonly #socket: typeof WebSocket;
  readonly #fresh: AsyncDisposable;
  #started = false;

  private constructor(
    app: App,
    clock: FakeClock,
    dir: string,
    socket: typeof WebSocket,
    fresh: AsyncDisposable,
  ) {
    this.app = app;
    this.#fresh = fresh;
    this.clock = clock;
    this.#dir = dir;
    this.#socket = socket;
  }

  static async open(
    o: {
      settings?: Record<string, string>;
      wallet?: Wallet;
      spend?: Wallet;
      log?: Log;
      live?: boolean;
      /** That the wallets have, too. */
      clock?: FakeClock;
      rateHost?: AppOptions["rateHost"];
    } = {},
  ): Promise<TestApi> {
    const dir = await Deno.makeTempDir({ prefix: "ncc-api-" });
    const socket = globalThis.WebSocket;
    const clock = o.clock ?? new FakeClock(Date.now());
    const fresh = await freshUrl();
    const read = readSettings({
      NCC_DATA_DIR: dir,
      NCC_DATABASE_URL: fresh.url,
      // No test asks the world for prices.
      NCC_RATES: "none",
      ...o.settings,
    }, () => "");
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    const app = await App.open({
      settings: read.settings,
      clock: o.live ? systemClock : clock,
      random: systemRandom,
      log: o.log ?? silentLog,
      rateHost: o.rateHost,
      ...(o.wallet && { wallet: o.wallet }),
      ...(o.spend && { spend: o.spend }),
    });
    return new TestApi(app, clock, dir, socket, fresh);
  }

  /** The first merchant's public key. */
  get merchant(): string {
    return this.app.merchants.all()[0]!.pubkey;
  }

  async ask(method: string, path: string, o: Ask = {}): Promise<Answer> {
    const headers = new Headers(o.headers);
    const authorization = o.authorization === undefined ? `Bearer ${this.app.adminToken}` : o.authorization;
    if (authorization !== null) headers.set("authorization", authorization);
    if (o.body !== undefined) headers.set("content-type", "application/json");
    const response = await this.app.fetch(
      new Request(path.startsWith("http") ? path : `${BASE}${path}`, {
        method,
        headers,
        body: o.raw ?? (o.body === undefined ? null : JSON.stringify(o.body)),
      }),
    );
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") ?? false;
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== "" ? JSON.parse(text) : text,
    };
  }

  /** Under `/api/v1`. */
  get(path: string, o: Ask = {}): Promise<Answer> {
    return this.ask("GET", `/api/v1${path}`, o);
  }

  post(path: string, body: unknown = {}, o: Ask = {}): Promise<Answer> {
    return this.ask("POST", `/api/v1${path}`, { body, ...o });
  }

  /** An order of the first merchant in the books, paid and to be sent unless the test says more. */
  async order(change: Partial<Insertable<OrdersTable>> = {}): Promise<string> {
    const id = crypto.randomUUID();
    const now = this.clock.now();
    await this.app.database.transaction((tx) =>
      tx.insertInto("orders").values({
        id,
        merchant: this.merchant,
        customer: "b".repeat(64),
        customer_order_id: id,
        dialect: "nip15",
        envelope: "nip04",
        relay: "",
        payment: "paid",
        fulfilment: "unfulfilled",
        contact: "{}",
        content_hash: "",
        traits: JSON.stringify({ stallKey: "none" }),
        revision: 1,
        total_msat: 21_000,
        received_msat: 21_000,
        asked_at_seconds: 0,
        created_at: now,
        updated_at: now,
        ...change,
      }).execute()
    );
    return id;
  }

  /** Starts what is open; its URL with the port that it got. */
  async start(): Promise<string> {
    this.#started = true;
    return (await this.app.start()).url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#started) await this.app.stop();
    else await this.app.close();
    globalThis.WebSocket = this.#socket;
    await this.#fresh[Symbol.asyncDispose]();
    await Deno.remove(this.#dir, { recursive: true });
  }
}
