import type { NostrEvent, NostrFilter } from "@nostrify/types";
import { matchFilter } from "nostr-tools/filter";

interface Entry<S> {
  subscription: S;
  filter: NostrFilter;
}

/**
 * Finds the subscriptions that an event is for, without asking each of them: every filter lies under the values of its
 * most telling condition (ids, then authors, `#p`, kinds), and only those under the event's own values are compared.
 */
export class SubscriptionIndex<S extends { readonly filters: readonly NostrFilter[] }> {
  readonly #byValue = new Map<string, Set<Entry<S>>>();
  readonly #entries = new Map<S, Entry<S>[]>();

  add(subscription: S): void {
    const entries = subscription.filters.map((filter) => ({ subscription, filter }));
    this.#entries.set(subscription, entries);
    for (const entry of entries) {
      for (const key of keysOf(entry.filter)) {
        const set = this.#byValue.get(key) ?? new Set();
        this.#byValue.set(key, set.add(entry));
      }
    }
  }

  remove(subscription: S): void {
    for (const entry of this.#entries.get(subscription) ?? []) {
      for (const key of keysOf(entry.filter)) {
        const set = this.#byValue.get(key);
        set?.delete(entry);
        if (set?.size === 0) this.#byValue.delete(key);
      }
    }
    this.#entries.delete(subscription);
  }

  /** Each subscription that `event` matches, with the filters that did it. */
  match(event: NostrEvent): Map<S, NostrFilter[]> {
    const found = new Map<S, NostrFilter[]>();
    const seen = new Set<Entry<S>>();
    for (const key of keysFor(event)) {
      for (const entry of this.#byValue.get(key) ?? []) {
        if (seen.has(entry)) continue;
        seen.add(entry);
        if (!matchFilter(entry.filter, event)) continue;
        const filters = found.get(entry.subscription) ?? [];
        filters.push(entry.filter);
        found.set(entry.subscription, filters);
      }
    }
    return found;
  }

  /** How many subscriptions there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** How many values are indexed; 0 when nothing is subscribed. */
  get values(): number {
    return this.#byValue.size;
  }
}

function keysOf(filter: NostrFilter): Iterable<string> {
  if (filter.ids) return prefixed("i", filter.ids);
  if (filter.authors) return prefixed("a", filter.authors);
  if (filter["#p"]) return prefixed("p", filter["#p"]);
  if (filter.kinds) return prefixed("k", filter.kinds);
  return ["*"];
}

function keysFor(event: NostrEvent): Set<string> {
  const recipients = event.tags.filter((tag) => tag[0] === "p").map((tag) => `p${tag[1]}`);
  return new Set([`i${event.id}`, `a${event.pubkey}`, `k${event.kind}`, "*", ...recipients]);
}

function prefixed(prefix: string, values: readonly (string | number)[]): Set<string> {
  return new Set(values.map((value) => `${prefix}${value}`));
}
