import { NKinds } from "@nostrify/nostrify";
import type { NostrEvent, NostrFilter } from "@nostrify/types";

/** What the event store should do, written as plainly as possible over an array: the fuzz test's reference. */
export class EventModel {
  #events: NostrEvent[] = [];

  event(event: NostrEvent, now: number): "ok" | "refused" {
    if (NKinds.ephemeral(event.kind)) return "ok";
    if (hasExpired(event, now)) return "refused";
    if (event.kind !== 5 && this.#events.some((known) => deletes(known, event))) return "refused";
    if (this.#events.some((known) => known.id === event.id)) return "ok";
    const address = addressOf(event);
    if (address !== null) {
      const known = this.#events.find((other) => addressOf(other) === address);
      if (known && newestFirst(known, event) < 0) return "ok";
      this.#events = this.#events.filter((other) => other !== known);
    }
    if (event.kind === 5) {
      this.#events = this.#events.filter((known) => known.kind === 5 || !deletes(event, known));
    }
    this.#events.push(event);
    return "ok";
  }

  query(filters: NostrFilter[], now: number, limit = Infinity): NostrEvent[] {
    const alive = this.#events.filter((event) => !hasExpired(event, now)).sort(newestFirst);
    const found = new Set(
      filters.flatMap((filter) =>
        alive.filter((event) => matches(filter, event)).slice(0, filter.limit ?? Infinity)
      ),
    );
    return [...found].sort(newestFirst).slice(0, limit);
  }

  remove(filters: NostrFilter[], now: number): void {
    const gone = new Set(this.query(filters, now));
    this.#events = this.#events.filter((event) => !gone.has(event));
  }

  removeExpired(now: number): void {
    this.#events = this.#events.filter((event) => !hasExpired(event, now));
  }
}

function matches(filter: NostrFilter, event: NostrEvent): boolean {
  const { ids, kinds, authors, since = -Infinity, until = Infinity } = filter;
  if (ids && !ids.includes(event.id)) return false;
  if (kinds && !kinds.includes(event.kind)) return false;
  if (authors && !authors.includes(event.pubkey)) return false;
  if (event.created_at < since || event.created_at > until) return false;
  return Object.entries(filter).every(([key, values]) => {
    if (!key.startsWith("#")) return true;
    const wanted = values as string[];
    if (key === "#d" && kinds?.every((kind) => NKinds.addressable(kind))) {
      return wanted.includes(event.tags.find(([name]) => name === "d")?.[1] ?? "");
    }
    return event.tags.some(([name, value]) =>
      name?.length === 1 && `#${name}` === key && value && value.length < 200 && wanted.includes(value)
    );
  });
}

function deletes(deletion: NostrEvent, event: NostrEvent): boolean {
  if (deletion.kind !== 5 || deletion.pubkey !== event.pubkey) return false;
  const address = addressOf(event);
  return deletion.tags.some(([name, value]) =>
    (name === "e" && value === event.id) ||
    (name === "a" && value === address && event.created_at <= deletion.created_at)
  );
}

function addressOf(event: NostrEvent): string | null {
  if (NKinds.replaceable(event.kind)) return `${event.kind}:${event.pubkey}:`;
  if (!NKinds.addressable(event.kind)) return null;
  return `${event.kind}:${event.pubkey}:${event.tags.find(([name]) => name === "d")?.[1] ?? ""}`;
}

function hasExpired(event: NostrEvent, now: number): boolean {
  const at = event.tags.find(([name]) => name === "expiration")?.[1];
  return at !== undefined && /^[0-9]{1,15}$/.test(at) && Number(at) <= now;
}

function newestFirst(a: NostrEvent, b: NostrEvent): number {
  return b.created_at - a.created_at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
