import { NKinds } from "@nostrify/nostrify";
import type { NostrEvent } from "@nostrify/types";
import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { Lease } from "../jobs/lease.ts";
import { errorText, type Log } from "../log.ts";
import type { Random } from "../random.ts";
import type { IdentityOf } from "./identity.ts";
import { type Accepted, NOT_STORED, notStored, recentlyAccepted, stillStands } from "./read_back_store.ts";

/** A relay is asked for what it accepted this long ago, up to twice as long. */
const AFTER_MS = 10_000;
/** Of each relay in one round; above that a sample. A crash, or a relay's return, sends many at once. */
const MOST_ASKED = 500;
/** In one REQ: few enough for any relay's own limits. */
const ASKED_AT_ONCE = 50;
/** What was accepted so long before the start is asked for, too: the process before may have ended before it could. */
const RECALLED_MS = 60_000;
/** The same of those that are asked for a second time: some relays show no more than a few, however many are named. */
const DOUBTED_AT_ONCE = 10;
const MOST_LANES = 200;
const RECALL_LEASE = "outbox.recall";
const TIMEOUT_MS = 10_000;
const DELETION = 5;
const GIFT_WRAP = 1059;

interface Asked {
  accepted: Accepted;
  /** It wasn't there the first time. */
  doubted: boolean;
  /** It may be asked for already. */
  recalled?: boolean;
}

export interface ReadBackParts {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  identityOf: IdentityOf;
}

/**
 * Asks relays for what they accepted, because some say OK and store nothing: some small REQs per relay every 10 s at most, and
 * none when nothing was sent. What is missing twice is sent again. Above 500 events in a round it is a sample.
 */
export class ReadBack {
  readonly #parts: ReadBackParts;
  readonly #stop = new AbortController();
  readonly #recalling: Lease;
  #young = new Map<string, Asked[]>();
  /** How many were accepted by each lane since the round began. */
  #seen = new Map<string, number>();
  /** Lanes that have shown us a gift wrap for somebody else: only there a missing one means anything. */
  readonly #showsWraps = new Set<string>();
  #loop: Promise<void> | undefined;

  constructor(parts: ReadBackParts) {
    this.#parts = parts;
    const holder = parts.random.uuid();
    this.#recalling = new Lease({ ...parts, name: RECALL_LEASE, holder, ttlMs: RECALLED_MS });
  }

  /** An event was accepted, and that is recorded. */
  accepted(accepted: Accepted): void {
    this.#take({ accepted, doubted: false });
  }

  #take(asked: Asked): void {
    if (this.#stop.signal.aborted || !stays(asked.accepted.event)) return;
    this.#keep(asked);
    this.#loop ??= this.#run();
  }

  /** At a start: takes up what processes before had accepted and not asked for. One of several that start together does it. */
  async recallAtStart(): Promise<void> {
    // Others that start soon would only ask for the same; after a crash of ours who takes over does it.
    if (this.#parts.database.dialect === "postgres" && !await this.#recalling.acquire()) return;
    await this.recall();
  }

  /** Takes up what a process that has ended had accepted and not asked for. */
  async recall(): Promise<void> {
    const { database, clock } = this.#parts;
    for (const one of await recentlyAccepted(database, clock.now() - RECALLED_MS, MOST_ASKED)) {
      this.#take({ accepted: one, doubted: false, recalled: true });
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the worker stopped"));
    await this.#loop;
    const { log } = this.#parts;
    await this.#recalling.release().catch((error) =>
      log.warn("outbox.recall_not_released", { error: errorText(error) })
    );
  }

  #keep(asked: Asked): void {
    const lane = laneOf(asked.accepted);
    const list = this.#young.get(lane) ?? [];
    if (asked.recalled && list.some(({ accepted }) => accepted.event.id === asked.accepted.event.id)) return;
    if (list.length === 0 && this.#young.size >= MOST_LANES) return;
    this.#young.set(lane, list);
    const seen = (this.#seen.get(lane) ?? 0) + 1;
    this.#seen.set(lane, seen);
    if (list.length < MOST_ASKED) return void list.push(asked);
    const place = Math.floor(this.#parts.random.fraction() * seen);
    if (place < MOST_ASKED) list[place] = asked;
  }

  /** Runs as long as there is something to ask for. */
  async #run(): Promise<void> {
    const { clock, log } = this.#parts;
    let ripe = new Map<string, Asked[]>();
    while (this.#young.size + ripe.size > 0) {
      await clock.sleep(AFTER_MS, this.#stop.signal);
      if (this.#stop.signal.aborted) break;
      const [asking, lanes] = [ripe, this.#young];
      ripe = lanes;
      this.#young = new Map();
      this.#seen.clear();
      const round = [...asking.values()].map((list) => this.#ask(list));
      for (const done of await Promise.allSettled(round)) {
        if (done.status === "rejected" && !this.#stop.signal.aborted) {
          log.error("outbox.read_back_failed", { error: errorText(done.reason) });
        }
      }
    }
    this.#loop = undefined;
  }

  /** All of one lane. */
  async #ask(list: Asked[]): Promise<void> {
    const fresh = list.filter(({ doubted }) => !doubted);
    for (let i = 0; i < fresh.length; i += ASKED_AT_ONCE) {
      for (const accepted of await this.#missing(fresh.slice(i, i + ASKED_AT_ONCE))) {
        this.#keep({ accepted, doubted: true });
      }
    }
    const doubted = list.filter(({ doubted }) => doubted);
    const missing: Accepted[] = [];
    for (let i = 0; i < doubted.length; i += DOUBTED_AT_ONCE) {
      missing.push(...await this.#missing(doubted.slice(i, i + DOUBTED_AT_ONCE)));
    }
    if (missing.length === 0) return;
    const { merchant, relay } = missing[0]!;
    const { database, clock, log } = this.#parts;
    const eventIds = missing.map(({ event }) => event.id);
    const again = await database.transaction((tx) =>
      notStored(tx, { relay, merchant, eventIds }, clock.now())
    );
    log.warn("outbox.not_stored", { relay, events: eventIds.length, again, answer: NOT_STORED });
  }

  /** What the relay should have and doesn't show. Empty when it can't be asked: that proves nothing. */
  async #missing(list: Asked[]): Promise<Accepted[]> {
    const first = list[0]?.accepted;
    const pool = first && this.#parts.identityOf(first.merchant)?.pool;
    if (!pool) return [];
    const ids = list.map(({ accepted }) => accepted.event.id);
    const [answer] = await pool.queryEach([first.relay], [{ ids, limit: ids.length }], {
      timeoutMs: TIMEOUT_MS,
      signal: this.#stop.signal,
    });
    if (!answer?.ok) return [];
    const shown = new Set(answer.events.map((event) => event.id));
    const lane = laneOf(first);
    if (list.some(({ accepted }) => shown.has(accepted.event.id) && isOthersWrap(accepted))) {
      this.#showsWraps.add(lane);
    }
    const missing = list.map(({ accepted }) => accepted).filter((accepted) =>
      !shown.has(accepted.event.id) && (!isOthersWrap(accepted) || this.#showsWraps.has(lane))
    );
    if (missing.length === 0) return [];
    const standing = await stillStands(this.#parts.database, missing.map(({ event }) => event.id));
    return missing.filter(({ event }) => standing.has(event.id));
  }
}

function laneOf({ merchant, relay }: Accepted): string {
  return `${merchant} ${relay}`;
}

/** Relays may drop by themselves what is ephemeral, expires or has done its deleting. */
function stays(event: NostrEvent): boolean {
  return !NKinds.ephemeral(event.kind) && event.kind !== DELETION &&
    !event.tags.some(([name]) => name === "expiration");
}

/** Many relays show a gift wrap to its recipient only (NIP-42). */
function isOthersWrap({ merchant, event }: Accepted): boolean {
  return event.kind === GIFT_WRAP && !event.tags.some(([name, value]) => name === "p" && value === merchant);
}
