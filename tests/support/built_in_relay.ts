import { seconds } from "../../src/clock.ts";
import type { Database } from "../../src/db/database.ts";
import { EventStore } from "../../src/nostr/event_store.ts";
import { loadVerifier } from "../../src/nostr/verify.ts";
import { systemRandom } from "../../src/random.ts";
import { RelayServer, type RelayServerOptions } from "../../src/relay/relay_server.ts";
import { freshDatabase } from "./fresh_database.ts";
import { FakeClock } from "./fake_clock.ts";
import { silentLog } from "./log.ts";
import { type Key, newKey, NostrClient } from "./nostr_client.ts";

/** The built-in relay on a port of its own, with what it stands on. `await using` ends everything. */
export class BuiltInRelay implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly database: Database;
  readonly store: EventStore;
  readonly server: RelayServer;
  readonly merchants: Set<string>;
  readonly #http: Deno.HttpServer<Deno.NetAddr>;
  /** A database that nobody else has, removed with the relay. */
  readonly #own: AsyncDisposable | null;

  private constructor(o: {
    clock: FakeClock;
    database: Database;
    store: EventStore;
    merchants: Set<string>;
    own: AsyncDisposable | null;
    options: RelayServerOptions;
  }) {
    this.clock = o.clock;
    this.database = o.database;
    this.store = o.store;
    this.merchants = o.merchants;
    this.#own = o.own;
    this.server = new RelayServer({ ...o.options, url: () => this.url });
    this.#http = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      (request, info) => this.server.handle(request, info.remoteAddr.hostname),
    );
  }

  /** Starts one; `admission` may need the parts that are made here. */
  static async serve(
    o: Omit<Partial<RelayServerOptions>, "admission" | "clock" | "merchants"> & {
      merchants?: Set<string>;
      admission?: (
        parts: { database: Database; clock: FakeClock; merchants: () => ReadonlySet<string> },
      ) => RelayServerOptions["admission"];
    } = {},
  ): Promise<BuiltInRelay> {
    const clock = new FakeClock();
    const own = o.database ? null : await freshDatabase();
    const database = o.database ?? own!;
    const merchants = o.merchants ?? new Set<string>();
    const parts = { database, clock, merchants: () => merchants };
    const store = new EventStore(database.kysely, { now: () => seconds(clock.now()) });
    const options: RelayServerOptions = {
      store,
      verifier: await loadVerifier(),
      random: systemRandom,
      log: silentLog,
      info: () => ({ name: "Lamp shop", version: "1.2.3" }),
      url: () => "",
      ...o,
      ...parts,
      admission: o.admission?.(parts) ?? "open",
    };
    return new BuiltInRelay({ clock, database, store, merchants, own, options });
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#http.addr.port}/relay`;
  }

  /** Seconds on the relay's clock. */
  readonly now = (): number => seconds(this.clock.now());

  connect(): Promise<NostrClient> {
    return NostrClient.connect(this.url);
  }

  key(): Key {
    return newKey(this.now);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await this.#http.shutdown();
    await this.#own?.[Symbol.asyncDispose]();
  }
}
