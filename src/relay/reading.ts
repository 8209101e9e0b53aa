import type { NostrEvent, NostrFilter } from "@nostrify/types";
import { matchFilter } from "nostr-tools/filter";
import type { Connection } from "./connection.ts";
import { Gate } from "./gate.ts";
import type { RelayLimits } from "./limits.ts";
import type { LiveFeed, LiveSubscription } from "./live_feed.ts";
import type { Quotas } from "./quotas.ts";
import { judgeFilter, mayMatchGuarded, mayRead, type Reader } from "./read_rules.ts";
import { closedMessage, countMessage, eventMessage } from "./replies.ts";

/** REQs whose results are in memory at once. */
const READERS = 16;
/** Events that a COUNT looks at one by one; beyond that its answer says "approximate". */
const COUNTED = 2_000;

/** What is asked of the event store. */
export interface ReadableStore {
  query(filters: NostrFilter[], opts?: { limit?: number }): Promise<NostrEvent[]>;
  count(filters: NostrFilter[]): Promise<{ count: number; approximate?: boolean }>;
}

/** Answers REQ (NIP-01) and COUNT (NIP-45), each within the read rules. */
export class Reading {
  readonly #store: ReadableStore;
  readonly #feed: LiveFeed;
  readonly #quotas: Quotas;
  readonly #limits: RelayLimits;
  readonly #merchants: () => ReadonlySet<string>;
  readonly #gate = new Gate(READERS);

  constructor(o: {
    store: ReadableStore;
    feed: LiveFeed;
    quotas: Quotas;
    limits: RelayLimits;
    merchants: () => ReadonlySet<string>;
  }) {
    this.#store = o.store;
    this.#feed = o.feed;
    this.#quotas = o.quotas;
    this.#limits = o.limits;
    this.#merchants = o.merchants;
  }

  /** Stored events, EOSE, then live ones; or CLOSED with the reason. A REQ replaces one with the same id (NIP-01). */
  async req(connection: Connection, id: string, asked: NostrFilter[]): Promise<void> {
    this.#feed.unsubscribe(connection, id);
    if (connection.subscriptions.size >= this.#limits.subscriptions) {
      const reason = `rate-limited: at most ${this.#limits.subscriptions} subscriptions, close one`;
      return connection.send(closedMessage(id, reason));
    }
    const filters = this.#judge(connection, id, asked);
    if (!filters) return;
    // Before the query: an event that is committed meanwhile is in the result, or waits for EOSE, or both.
    const subscription = this.#feed.subscribe(connection, id, filters);
    try {
      await this.#gate.run(() => this.#answer(subscription, filters));
    } catch (error) {
      this.#feed.unsubscribe(connection, id);
      connection.send(closedMessage(id, "error: the events can't be read now, try again later"));
      throw error;
    }
  }

  async count(connection: Connection, id: string, asked: NostrFilter[]): Promise<void> {
    const filters = this.#judge(connection, id, asked);
    if (!filters) return;
    try {
      const result = await this.#gate.run(() => this.#countVisible(connection, filters));
      connection.send(countMessage(id, result));
    } catch (error) {
      connection.send(closedMessage(id, "error: the events can't be counted now, try again later"));
      throw error;
    }
  }

  async #answer(subscription: LiveSubscription, filters: NostrFilter[]): Promise<void> {
    const { connection, id } = subscription;
    if (!this.#feed.isOpen(subscription)) return;
    const limit = this.#limits.results;
    const bounded = filters.map((filter) => ({ ...filter, limit: Math.min(filter.limit ?? limit, limit) }));
    const events = await this.#store.query(bounded, { limit });
    const shown = new Set<string>();
    for (const event of events) {
      if (!this.#mayRead(event, filters, connection)) continue;
      if (!await connection.writable() || !this.#feed.isOpen(subscription)) return;
      connection.send(eventMessage(id, JSON.stringify(event)));
      shown.add(event.id);
    }
    this.#feed.goLive(subscription, shown);
  }

  async #countVisible(
    connection: Connection,
    filters: NostrFilter[],
  ): Promise<{ count: number; approximate?: boolean }> {
    if (!filters.some(mayMatchGuarded)) return await this.#store.count(filters);
    const bounded = filters.map((filter) => ({
      ...filter,
      limit: Math.min(filter.limit ?? COUNTED, COUNTED),
    }));
    const events = await this.#store.query(bounded, { limit: COUNTED });
    const count = events.filter((event) => this.#mayRead(event, filters, connection)).length;
    return { count, ...(events.length >= COUNTED ? { approximate: true } : {}) };
  }

  /** The filters to ask, or undefined when CLOSED was sent. */
  #judge(connection: Connection, id: string, asked: NostrFilter[]): NostrFilter[] | undefined {
    const refuse = (reason: string) => connection.send(closedMessage(id, reason));
    if (!this.#quotas.takeQuestion(connection.address)) {
      refuse("rate-limited: too many questions, slow down");
      return undefined;
    }
    const filters = [];
    for (const filter of asked) {
      const judged = judgeFilter(filter, this.#reader(connection));
      if (!judged.ok) {
        refuse(judged.reason);
        return undefined;
      }
      filters.push(judged.filter);
    }
    return filters;
  }

  #mayRead(event: NostrEvent, filters: readonly NostrFilter[], connection: Connection): boolean {
    const reader = this.#reader(connection);
    return filters.some((filter) => matchFilter(filter, event) && mayRead(event, filter, reader));
  }

  #reader(connection: Connection): Reader {
    return { keys: connection.keys, merchants: this.#merchants() };
  }
}
