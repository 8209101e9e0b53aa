import type { NostrEvent, NostrFilter } from "@nostrify/types";
import { matchFilter } from "nostr-tools/filter";
import type { Clock } from "../clock.ts";
import type { Connection } from "./connection.ts";
import { FairQueue } from "./fair_queue.ts";
import type { RelayLimits } from "./limits.ts";
import type { LiveFeed, LiveSubscription } from "./live_feed.ts";
import { PUBLIC_KINDS } from "./public_kinds.ts";
import { addressKey } from "./quotas.ts";
import {
  judgeFilter,
  mayMatchGuarded,
  mayRead,
  namesTooMany,
  type Reader,
  visibleParts,
} from "./read_rules.ts";
import { closedMessage, countMessage, eventMessage } from "./replies.ts";

const BUSY = "rate-limited: too many questions at once, try again in a minute";
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
  readonly #limits: RelayLimits;
  readonly #merchants: () => ReadonlySet<string>;
  readonly #anyKind: boolean;
  /** Going round the addresses: one that asks much doesn't hold up the others. */
  readonly #turns: FairQueue;

  constructor(o: {
    store: ReadableStore;
    feed: LiveFeed;
    limits: RelayLimits;
    merchants: () => ReadonlySet<string>;
    clock: Clock;
    /** Anybody may write any kind here. */
    anyKind: boolean;
  }) {
    this.#store = o.store;
    this.#feed = o.feed;
    this.#limits = o.limits;
    this.#merchants = o.merchants;
    this.#anyKind = o.anyKind;
    this.#turns = new FairQueue({ limits: o.limits.readers, clock: o.clock });
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
      const turn = await this.#turns.run(
        addressKey(connection.address),
        () => this.#answer(subscription, filters),
      );
      if (!turn.ok && this.#feed.isOpen(subscription)) {
        this.#feed.unsubscribe(connection, id);
        connection.send(closedMessage(id, BUSY));
      }
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
      const work = () => this.#countVisible(connection, filters);
      const turn = await this.#turns.run(addressKey(connection.address), work);
      connection.send(turn.ok ? countMessage(id, turn.value) : closedMessage(id, BUSY));
    } catch (error) {
      connection.send(closedMessage(id, "error: the events can't be counted now, try again later"));
      throw error;
    }
  }

  async #answer(subscription: LiveSubscription, filters: NostrFilter[]): Promise<void> {
    const { connection, id } = subscription;
    if (!this.#feed.isOpen(subscription)) return;
    const shown = new Set<string>();
    for (const event of await this.#visible(filters, connection, this.#limits.results)) {
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
    const count = (await this.#visible(filters, connection, COUNTED)).length;
    return { count, ...(count >= COUNTED ? { approximate: true } : {}) };
  }

  /** The newest `most` events that match and may be seen, of each filter no more than its own limit. */
  async #visible(filters: NostrFilter[], connection: Connection, most: number): Promise<NostrEvent[]> {
    const reader = this.#reader(connection);
    const left = filters.map((filter) => Math.min(filter.limit ?? most, most));
    const parts = filters.flatMap((filter, i) => this.#parts({ ...filter, limit: left[i]! }, reader));
    if (parts.length === 0) return [];
    // The parts of one filter may bring more than its limit together.
    const events = await this.#store.query(parts, { limit: 2 * most });
    const visible: NostrEvent[] = [];
    for (const event of events) {
      let wanted = false;
      for (const [i, filter] of filters.entries()) {
        if (left[i] === 0 || !matchFilter(filter, event) || !mayRead(event, filter, reader)) continue;
        left[i]!--;
        wanted = true;
      }
      if (wanted) visible.push(event);
      if (visible.length >= most) break;
    }
    return visible;
  }

  #parts(filter: NostrFilter, reader: Reader): NostrFilter[] {
    if (filter.limit === 0) return [];
    // Whoever knows ids gets those, however few there was room for: an unseen one takes nobody's place.
    if (filter.ids) return [{ ...filter, limit: filter.ids.length }];
    if (this.#anyKind && filter.kinds === undefined) return [filter];
    return visibleParts(filter, reader, PUBLIC_KINDS);
  }

  /** The filters to ask, or undefined when CLOSED was sent. */
  #judge(connection: Connection, id: string, asked: NostrFilter[]): NostrFilter[] | undefined {
    const refuse = (reason: string) => connection.send(closedMessage(id, reason));
    if (namesTooMany(asked, this.#reader(connection))) {
      refuse("restricted: too many customers are named at once");
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

  #reader(connection: Connection): Reader {
    return { keys: connection.keys, merchants: this.#merchants() };
  }
}
