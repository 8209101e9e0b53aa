import type { NostrEvent, NostrFilter } from "@nostrify/types";
import type { Clock } from "../clock.ts";
import { errorText, type Log } from "../log.ts";
import type { Connection } from "./connection.ts";
import { mayRead } from "./read_rules.ts";
import { closedMessage, eoseMessage, eventMessage } from "./replies.ts";
import { SubscriptionIndex } from "./subscription_index.ts";

/** Ids that were handed out lately: the same event can be woken by two ways of arriving. */
const RECENT = 10_000;
/** New events that a subscription may collect while its stored ones are read. */
const MAX_WAITING = 1_000;
/** How long after EOSE the wake-up of an event that the stored part already showed may still come (PostgreSQL's NOTIFY). */
const OVERLAP_MS = 60_000;
const LOAD = 500;

/** A REQ that is open. */
export interface LiveSubscription {
  readonly connection: Connection;
  readonly id: string;
  readonly filters: readonly NostrFilter[];
  /** New events while the stored ones are still being read; null once it is live. */
  waiting: NostrEvent[] | null;
  /** What the stored part showed, kept for a while. */
  shown: Set<string> | null;
}

/** Hands new events to open subscriptions: each event once, and only to those who may read it. */
export class LiveFeed {
  readonly #query: (filters: NostrFilter[]) => Promise<NostrEvent[]>;
  readonly #merchants: () => ReadonlySet<string>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #index = new SubscriptionIndex<LiveSubscription>();
  readonly #recent = new Set<string>();
  /** Events of this process whose commit is awaited, so that they needn't be read back. */
  readonly #coming = new Map<string, NostrEvent>();
  #shown: { subscription: LiveSubscription; at: number }[] = [];

  constructor(o: {
    query: (filters: NostrFilter[]) => Promise<NostrEvent[]>;
    merchants: () => ReadonlySet<string>;
    clock: Clock;
    log: Log;
  }) {
    this.#query = o.query;
    this.#merchants = o.merchants;
    this.#clock = o.clock;
    this.#log = o.log;
  }

  /** Opens a subscription, which collects new events until `goLive`. It takes the place of one with the same id. */
  subscribe(connection: Connection, id: string, filters: readonly NostrFilter[]): LiveSubscription {
    this.unsubscribe(connection, id);
    const subscription: LiveSubscription = { connection, id, filters, waiting: [], shown: null };
    connection.subscriptions.set(id, subscription);
    this.#index.add(subscription);
    return subscription;
  }

  /** Whether it is still the one that its connection has under its id. */
  isOpen(subscription: LiveSubscription): boolean {
    const { connection, id } = subscription;
    return connection.open && connection.subscriptions.get(id) === subscription;
  }

  unsubscribe(connection: Connection, id: string): void {
    const subscription = connection.subscriptions.get(id);
    if (!subscription) return;
    subscription.shown = null;
    subscription.waiting = null;
    connection.subscriptions.delete(id);
    this.#index.remove(subscription);
  }

  /** Ends the stored part: EOSE, then what was new meanwhile. */
  goLive(subscription: LiveSubscription, shown: Set<string>): void {
    if (!this.isOpen(subscription)) return;
    const { connection, id } = subscription;
    connection.send(eoseMessage(id));
    const waiting = subscription.waiting ?? [];
    subscription.waiting = null;
    subscription.shown = shown;
    this.#shown.push({ subscription, at: this.#clock.now() });
    for (const event of waiting) {
      if (!shown.has(event.id)) connection.send(eventMessage(id, JSON.stringify(event)));
    }
    this.#forgetShown();
  }

  /** Announces an event that is about to be committed. */
  expect(event: NostrEvent): void {
    this.#coming.set(event.id, event);
  }

  /** Ends `expect`, whatever became of it. */
  settled(event: NostrEvent): void {
    this.#coming.delete(event.id);
  }

  /** Hands out the events that a commit stored. Resolves when all were; it never rejects. */
  async woken(ids: readonly string[]): Promise<void> {
    const unknown = [];
    for (const id of new Set(ids)) {
      const event = this.#coming.get(id);
      if (event) this.deliver(event);
      else if (!this.#recent.has(id)) unknown.push(id);
    }
    if (this.#index.size === 0) return;
    try {
      for (let i = 0; i < unknown.length; i += LOAD) {
        const events = await this.#query([{ ids: unknown.slice(i, i + LOAD) }]);
        for (const event of events.reverse()) this.deliver(event);
      }
    } catch (error) {
      this.#log.error("relay.live_events_not_read", { count: unknown.length, error: errorText(error) });
    }
  }

  /** Hands out one event, unless it was before. */
  deliver(event: NostrEvent): void {
    if (this.#recent.has(event.id)) return;
    this.#recent.add(event.id);
    if (this.#recent.size > RECENT) this.#recent.delete(this.#recent.keys().next().value!);
    this.#forgetShown();
    const merchants = this.#merchants();
    const json = JSON.stringify(event);
    for (const [subscription, filters] of this.#index.match(event)) {
      const { connection, id, waiting, shown } = subscription;
      if (!filters.some((filter) => mayRead(event, filter, { keys: connection.keys, merchants }))) continue;
      if (shown?.has(event.id)) continue;
      if (waiting === null) connection.send(eventMessage(id, json));
      else if (waiting.length < MAX_WAITING) waiting.push(event);
      else {
        this.unsubscribe(connection, id);
        connection.send(
          closedMessage(id, "error: too many new events while the stored ones were read, ask again"),
        );
      }
    }
  }

  #forgetShown(): void {
    const until = this.#clock.now() - OVERLAP_MS;
    const kept = this.#shown.findIndex((entry) => entry.at > until);
    const ended = this.#shown.splice(0, kept === -1 ? this.#shown.length : kept);
    for (const { subscription } of ended) subscription.shown = null;
  }
}
