import type { NostrEvent, NostrFilter } from "@nostrify/types";

/** Asks a relay for one page. */
export type Ask = (filter: NostrFilter) => Promise<NostrEvent[]>;

/** A part of what was asked for. */
export interface CatchUpPage {
  events: NostrEvent[];
  /** Everything newer than this second has been given out. */
  until: number;
}

/** What was read and what may have been missed. */
export interface CaughtUp {
  events: number;
  /** Seconds that may hold more events than the relay gives out for one filter. */
  hidden: number;
}

export interface CatchUpOptions {
  /** Events asked for at once. A relay may give fewer. */
  page: number;
  /** Of the first page; each one after it is twice as long, up to `page`: the newest are there soon. */
  firstPage: number;
  /** Pages read for one and the same second; a relay can go on for ever. */
  pagesPerSecond: number;
  /** Events read in all; more is refused by an error. */
  most: number;
  /** As long as the relay's own limit isn't known, a second with as many events as this may hide some. */
  suspicious: number;
}

export const catchUpDefaults: CatchUpOptions = {
  page: 500,
  firstPage: 50,
  pagesPerSecond: 20,
  most: 500_000,
  suspicious: 50,
};

/**
 * Reads all events of `filter` from its `until`, or from now, back to `since` (seconds), page by page, newest first. A page ends anywhere inside a
 * second, so the next one starts **at** the oldest second seen, and what both have is left out. When a page brings nothing
 * else, the second is over, or holds more than the relay ever gives: then it counts as hidden.
 *
 * A relay that gives events in no order may have left out any of them: its time is halved until a part fits.
 */
export async function* catchUp(
  ask: Ask,
  filter: NostrFilter,
  since: number,
  options: Partial<CatchUpOptions> = {},
): AsyncGenerator<CatchUpPage, CaughtUp> {
  const o = { ...catchUpDefaults, ...options };
  const limit = new RelayLimit(o);
  const parts: Part[] = [{ since, until: filter.until ?? Infinity }];
  let events = 0;
  let halved = 0;
  let asked = Math.min(o.firstPage, o.page);
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    let { until } = part;
    let pagesOfSecond = 0;
    let seen = new Set<string>();
    while (until >= part.since) {
      const page = await ask({
        ...filter,
        since: part.since,
        limit: asked,
        ...(until === Infinity ? {} : { until }),
      });
      if (page.length >= IN_NO_ORDER && !isOrdered(page)) {
        if (++halved > o.most / IN_NO_ORDER) {
          throw new Error("the relay gives its events in no order, without end");
        }
        parts.push(...halves({ since: part.since, until }, page));
        break;
      }
      const fresh = page.filter((event) => !seen.has(key(event)));
      limit.read(page.length, fresh.length, asked);
      asked = Math.min(asked * 2, o.page);
      if (page.length === 0) break;
      events += fresh.length;
      if (events > o.most) throw new Error(`the relay gave more than ${o.most} events`);
      const oldest = page.reduce((second, event) => Math.min(second, event.created_at), until);
      if (fresh.length > 0) yield { events: fresh, until: oldest };
      if (oldest < until) {
        until = oldest;
        pagesOfSecond = 0;
        seen = new Set();
      } else if (fresh.length === 0 || ++pagesOfSecond >= o.pagesPerSecond) {
        limit.suspect(fresh.length === 0 ? page.length : Infinity);
        until--;
        pagesOfSecond = 0;
        seen = new Set();
        continue;
      }
      for (const event of page) if (event.created_at === until) seen.add(key(event));
    }
  }
  return { events, hidden: limit.hidden() };
}

/** Seconds, both included. */
interface Part {
  since: number;
  until: number;
}

/** A page with fewer events isn't cut short by any relay. */
export const IN_NO_ORDER = 10;

/** NIP-01: newest first. */
export function isOrdered(page: readonly NostrEvent[]): boolean {
  return page.every((event, i) => i === 0 || event.created_at <= page[i - 1]!.created_at);
}

/** The older half and, to be read first, the newer one, by what the page has. */
function halves(part: Part, page: NostrEvent[]): Part[] {
  const newest = page.reduce((second, event) => Math.max(second, event.created_at), part.since);
  const middle = Math.floor((part.since + Math.min(newest, part.until)) / 2);
  return [{ since: part.since, until: middle }, { since: middle + 1, until: part.until }];
}

/** With the signature: a forged copy that comes first mustn't hide the event itself. */
function key(event: NostrEvent): string {
  return event.id + event.sig;
}

/** Learns how many events a relay gives at most: when there is more behind a page, the page was cut. */
class RelayLimit {
  readonly #o: CatchUpOptions;
  readonly #suspects: number[] = [];
  #proven = Infinity;
  #previous: number | undefined;

  constructor(o: CatchUpOptions) {
    this.#o = o;
  }

  read(length: number, fresh: number, asked: number): void {
    if (fresh > 0 && this.#previous !== undefined) this.#proven = Math.min(this.#proven, this.#previous);
    // A page as short as we wanted it tells nothing.
    this.#previous = length < asked || asked === this.#o.page ? length : undefined;
  }

  suspect(size: number): void {
    this.#suspects.push(size);
  }

  hidden(): number {
    const limit = Math.min(this.#o.page, this.#proven === Infinity ? this.#o.suspicious : this.#proven);
    return this.#suspects.filter((size) => size >= limit).length;
  }
}
