import type { Clock } from "../../clock.ts";
import type { Database } from "../../db/database.ts";
import { errorText, type Log } from "../../log.ts";
import { Deadline } from "../../nostr/deadline.ts";
import type { Service } from "../../service.ts";
import type { Network } from "../wallet.ts";
import { AccountSearch, type Receiving } from "./account_search.ts";
import type { ChainBooking } from "./chain_booking.ts";
import type { ChainServer, ServerChoice } from "./chain_server.ts";
import {
  anyDue,
  type ChainAddressRow,
  claimDue,
  makeDue,
  makeWaitingDue,
  makeYoungDue,
} from "./chain_store.ts";
import { agreed, OtherServers } from "./second_opinion.ts";

const TICK_MS = 1_000;
const ANSWER_MS = 20_000;
const PAUSES_MS = [1_000, 2_000, 5_000, 15_000, 60_000];
/** The nightly look-ups of all addresses ever given out are spread by it: so many a second. */
const BUDGET = 10;
/** Look-ups in a row; then the server is asked no more. */
const MOST_FAILURES = 3;
/** Until when a look-up is whoever's who took it. */
const CLAIMED_MS = 60_000;
/** Of addresses as young as this the server's news are wanted. */
const YOUNG_MS = 48 * 3_600_000;
/** What waits is looked up every minute; another process may have gone on with it. */
const ALONE_MS = 5 * 60_000;
/** A block that deep isn't lost any more. */
const DEEP = 6;

export interface ChainWatcherOptions {
  database: Database;
  clock: Clock;
  log: Log;
  booking: ChainBooking;
  /** The first that answers is asked; the others are there for when it doesn't, and for a second opinion. */
  servers: readonly ServerChoice[];
  /** Whose addresses are given out; null: none are any more, and old ones are watched. */
  receives: Receiving | null;
}

/**
 * Sees to it that no on-chain payment goes unnoticed: an address is looked up as soon as a server tells of it or there is another
 * block, and without that by the schedule that its row carries, for ever.
 */
export class ChainWatcher implements Service {
  readonly #o: ChainWatcherOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #server: ChainServer | null = null;
  readonly #others: OtherServers;
  readonly #search: AccountSearch | null;
  /** Addresses with a large payment that one server alone has in a block, and when (ms) that was found last. */
  readonly #alone = new Map<string, number>();
  /** Whether addresses may be given out: the account was searched. */
  #ready = false;
  #error: string | null = null;
  #asked = false;

  constructor(options: ChainWatcherOptions) {
    this.#o = options;
    this.#others = new OtherServers(options);
    const { receives } = options;
    this.#search = receives && new AccountSearch({ ...options, receives });
  }

  /** The chain that is watched now; null: none, or its account hasn't been searched yet. */
  get network(): Network | null {
    return this.#ready ? this.#server?.network ?? null : null;
  }

  /** Null: nobody knows yet. */
  get up(): boolean | null {
    return this.#server !== null ? true : this.#asked ? false : null;
  }

  /** For people. */
  get detail(): string {
    if (this.#server === null) return this.#error ?? "not asked yet";
    if (this.#search && !this.#ready) return `${this.#server.name}: the account is being searched`;
    return this.#server.name;
  }

  /** What keeps money from coming or from being booked, for people; null: nothing. */
  get problem(): string | null {
    const unsearched = this.#ready ? null : this.#search?.error ?? null;
    if (unsearched !== null) return `no address is offered, for the account can't be searched: ${unsearched}`;
    const since = this.#o.clock.now() - ALONE_MS;
    const alone = [...this.#alone.values()].filter((at) => at >= since).length;
    if (alone === 0) return null;
    return `${alone === 1 ? "a large payment is" : `${alone} large payments are`} in a block, and no other ` +
      "server of NCC_BTC_SERVERS confirms it";
  }

  start(): Promise<void> {
    this.#running = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the program stops"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log, servers } = this.#o;
    for (let failures = 0, n = 0; !this.#stop.signal.aborted; n++) {
      const choice = servers[n % servers.length]!;
      let served = false;
      try {
        const server = await this.#within(ANSWER_MS, (signal) => choice.open(signal));
        await this.#serve(server, () => served = true);
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        this.#error = `${choice.name}: ${errorText(error)}`;
        log.warn("btc.server_away", { server: choice.name, error: errorText(error) });
      }
      this.#asked = true;
      // The first one is asked first again once it has worked.
      if (served) [failures, n] = [0, -1];
      // One that is away is no reason to wait for the next.
      const pause = served || n % servers.length === servers.length - 1
        ? PAUSES_MS[Math.min(failures++, PAUSES_MS.length - 1)]!
        : 0;
      await clock.sleep(pause, this.#stop.signal);
    }
  }

  async #serve(server: ChainServer, onWork: () => void): Promise<void> {
    const { database, clock, log } = this.#o;
    const { network } = server;
    const ended = new AbortController();
    let searching: Promise<void> | undefined;
    try {
      this.#fits(network);
      const since = clock.now() - YOUNG_MS;
      await database.transaction((tx) => makeYoungDue(tx, { network, since, now: clock.now() }));
      this.#server = server;
      this.#asked = true;
      this.#error = null;
      log.info("btc.server", { server: server.name, network });
      // Beside the watch, which waits for no account.
      searching = this.#search?.run(server, ended.signal).then((ready) => void (this.#ready = ready));
      for (let tip = 0; !this.#stop.signal.aborted;) {
        const height = await this.#within(ANSWER_MS, (signal) => server.tip(signal));
        await this.#newsOf(server, height !== tip ? height : null);
        tip = height;
        await this.#lookUpDue(server, tip);
        onWork();
        await clock.sleep(TICK_MS, this.#stop.signal);
      }
    } finally {
      this.#server = null;
      ended.abort(new Error("the server isn't asked any more"));
      await server.close();
      await searching;
      this.#ready = false;
      await this.#others.close();
    }
  }

  #fits(network: Network): void {
    if (this.#o.receives?.account.networks.includes(network) !== false) return;
    throw new Error(`it follows another network (${network}) than the key is for`);
  }

  async #newsOf(server: ChainServer, height: number | null): Promise<void> {
    const { database, clock } = this.#o;
    const news = server.news();
    if (news.length === 0 && height === null) return;
    const now = clock.now();
    const { network } = server;
    await database.transaction(async (tx) => {
      await makeDue(tx, news, now);
      if (height !== null) await makeWaitingDue(tx, { network, below: height - DEEP, now });
    });
  }

  async #lookUpDue(server: ChainServer, tip: number): Promise<void> {
    const { database, clock, log } = this.#o;
    const now = clock.now();
    const { network } = server;
    if (!await anyDue(database.kysely, { network, now })) return;
    const due = await database.transaction((tx) =>
      claimDue(tx, { network, now, limit: BUDGET, until: now + CLAIMED_MS })
    );
    for (let i = 0, failures = 0; i < due.length && !this.#stop.signal.aborted; i++) {
      const row = due[i]!;
      try {
        await this.#lookUp(server, row, tip);
        failures = 0;
      } catch (error) {
        // What a server doesn't say of one address (somebody may have sent dust to it without end) holds up no other.
        if (this.#stop.signal.aborted || ++failures >= MOST_FAILURES) throw error;
        log.warn("btc.look_up_failed", { order: row.order_id, error: errorText(error) });
      }
    }
  }

  async #lookUp(server: ChainServer, row: ChainAddressRow, tip: number): Promise<void> {
    const { clock, booking, servers } = this.#o;
    const script = { address: row.address, scriptHash: row.script_hash };
    const follow = row.created_at >= clock.now() - YOUNG_MS;
    const one = await this.#within(ANSWER_MS, (signal) => server.outputs(script, { follow }, signal));
    const said = servers.length < 2
      ? one
      : await agreed(one, () => this.#others.outputs(server, script, this.#stop.signal));
    const waits = await booking.book(row, said, tip);
    this.#alone.delete(row.address);
    const doubted = said.some((output) => output.doubted && output.height !== null);
    if (waits && doubted) this.#alone.set(row.address, clock.now());
  }

  async #within<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    using deadline = new Deadline(this.#o.clock, ms, this.#stop.signal);
    return await work(deadline.signal);
  }
}
