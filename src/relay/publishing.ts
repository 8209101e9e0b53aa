import { RelayError } from "@nostrify/nostrify";
import type { NostrEvent } from "@nostrify/types";
import { isAddressableKind, isEphemeralKind, isReplaceableKind } from "nostr-tools/kinds";
import { type Clock, seconds } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import type { Arrival } from "../nostr/arrivals.ts";
import { EventStore } from "../nostr/event_store.ts";
import { LruMap } from "../nostr/lru_map.ts";
import type { Verifier } from "../nostr/verify.ts";
import type { Admitted, AdmittedFor } from "../policies/admission.ts";
import { addressedTo } from "../policies/addressee_policy.ts";
import { INTAKE_KINDS } from "../policies/kind_policy.ts";
import { AUTH_KIND } from "./auth.ts";
import type { Connection } from "./connection.ts";
import type { FairQueue } from "./fair_queue.ts";
import type { RelayLimits } from "./limits.ts";
import type { LiveFeed } from "./live_feed.ts";
import { addressKey, type Quotas } from "./quotas.ts";

/** What decides on events from outside; `MerchantAdmission` is one. */
export interface RelayAdmission {
  screen(event: NostrEvent): Promise<Admitted>;
  admitForAll(event: NostrEvent): Promise<AdmittedFor>;
  counts(): Record<string, number>;
}

/** Puts an event that is stored into the merchants' inboxes, in the transaction that stores it. */
export type OnArrival = (tx: Tx, arrivals: Arrival[], now: number) => Promise<unknown>;

/** The answer to an EVENT: accepted or not, and the reason with NIP-01's prefix. */
export type Answer = [accepted: boolean, reason: string];

/** What room is left for the events of people who are no regulars. */
export interface StrangersRoom {
  /** Nothing more of theirs can be kept. */
  readonly full: boolean;
}

/** How long a key's standing is believed without asking again. */
const STANDING_MS = 10_000;
const STANDINGS = 10_000;
const CROWDED = "too many messages at once, try again in a minute";
/** Events refused for lack of room or quota, by what was full. */
export type PublishingCounts = Record<"quota" | "crowded" | "full" | "forged" | "key", number>;

interface Options {
  database: Database;
  verifier: Verifier;
  clock: Clock;
  log: Log;
  admission: "open" | RelayAdmission;
  merchants: () => ReadonlySet<string>;
  onArrival: OnArrival;
  isRegular: (pubkey: string) => Promise<boolean>;
  strangers: StrangersRoom;
  /** Turns at what costs most, the signature check and what follows. */
  turns: FairQueue;
  feed: LiveFeed;
  quotas: Quotas;
  limits: RelayLimits;
}

/** Takes EVENTs: what is accepted is committed, in the store and in the inboxes, before the client hears `OK`. */
export class Publishing {
  readonly #o: Options;
  readonly #standings = new LruMap<string, { regular: boolean; at: number }>(STANDINGS);
  readonly #counts: PublishingCounts = { quota: 0, crowded: 0, full: 0, forged: 0, key: 0 };

  constructor(o: Options) {
    this.#o = o;
  }

  /** `bytes` is the length of the client's message. It rejects only for a fault that was answered with nothing. */
  async publish(connection: Connection, event: NostrEvent, bytes: number): Promise<Answer> {
    if (connection.pending >= this.#o.limits.pendingEvents) {
      return [false, "rate-limited: wait for the answers to earlier events"];
    }
    connection.pending++;
    try {
      return await this.#publish(connection, event, bytes);
    } catch (error) {
      // The store's own refusals, as of an event that its author has deleted (NIP-09).
      if (error instanceof RelayError) return [false, error.message];
      this.#o.log.error("relay.event_not_stored", { event_id: event.id, error: errorText(error) });
      return [false, "error: the event can't be stored now, try again later"];
    } finally {
      connection.pending--;
    }
  }

  /** Events refused for lack of room, quota or a signature since the start. */
  counts(): PublishingCounts {
    return { ...this.#counts };
  }

  async #publish(connection: Connection, event: NostrEvent, bytes: number): Promise<Answer> {
    const { admission, quotas, strangers, turns } = this.#o;
    const { address } = connection;
    const within = quotas.takeEvent(address, bytes);
    const crowded = turns.busy || strangers.full;
    // Who orders here regularly comes in when others have to wait; the question is only asked when it matters.
    const regular = (!within || crowded) && await this.#isRegulars(connection, event);
    if (!within && !regular) return this.#refuse("quota", "too many events, slow down");
    const refusal = this.#refusal(event, connection);
    if (refusal) return [false, refusal];
    // Cheap checks first: a flood of what isn't wanted costs no signature check.
    if (admission !== "open") {
      const screened = await admission.screen(event);
      if (!screened.ok) return [false, screened.reason];
    }
    if (!quotas.believes(address)) return this.#refuse("forged", "too many wrong signatures, slow down");
    if (regular) return await this.#take(connection, event);
    if (strangers.full) return this.#refuse("full", "no room for messages of new customers, try again later");
    if (admission !== "open" && !quotas.takeKept(address)) {
      return this.#refuse("full", "too many messages from there today");
    }
    const turn = await turns.run(addressKey(address), () => this.#take(connection, event), bytes);
    return turn.ok ? turn.value : this.#refuse("crowded", CROWDED);
  }

  #refuse(why: keyof PublishingCounts, reason: string): Answer {
    this.#counts[why]++;
    return [false, `rate-limited: ${reason}`];
  }

  /** What an event can't be taken for whoever sends it. */
  #refusal(event: NostrEvent, connection: Connection): string | null {
    if (event.kind === AUTH_KIND) return `invalid: kind ${AUTH_KIND} is for AUTH and isn't published`;
    if (hasExpired(event, seconds(this.#o.clock.now()))) return "invalid: the event has expired";
    return protectedRefusal(event, connection);
  }

  /** Whether an event from there can only be refused: so nothing of it needs reading but its id. */
  turnsAway(address: string): boolean {
    const { quotas, turns } = this.#o;
    if (quotas.mayClaim(address)) return false;
    return !quotas.hasEvent(address) || turns.fullFor(addressKey(address));
  }

  /** The answer to such an event. */
  turnAway(): Answer {
    return this.#refuse("crowded", CROWDED);
  }

  /**
   * Whether the event says that it is a regular's: its author, or who the connection authenticated as (of a wrap's author
   * nothing is known). A forgery is found out by the signature check. To ask costs something, and so an address may be
   * wrong only so often.
   */
  async #isRegulars(connection: Connection, event: NostrEvent): Promise<boolean> {
    for (const key of [...connection.keys, event.pubkey]) {
      const known = this.#standings.get(key);
      const fresh = known && this.#o.clock.monotonic() - known.at < STANDING_MS;
      if (fresh ? known.regular : await this.#ask(connection.address, key)) return true;
    }
    return false;
  }

  async #ask(address: string, key: string): Promise<boolean> {
    if (!this.#o.quotas.takeClaim(address)) return false;
    const regular = await this.#o.isRegular(key);
    this.#standings.set(key, { regular, at: this.#o.clock.monotonic() });
    return regular;
  }

  async #take(connection: Connection, event: NostrEvent): Promise<Answer> {
    const { admission, quotas, verifier } = this.#o;
    if (!verifier.verify(event)) {
      this.#counts.forged++;
      quotas.forged(connection.address);
      return [false, "invalid: the id or the signature is wrong"];
    }
    if (admission !== "open" && !quotas.takeKey(event.pubkey)) {
      return this.#refuse("key", "too many events from this key, slow down");
    }
    const admitted = admission === "open" ? this.#openAdmission(event) : await admission.admitForAll(event);
    if (!admitted.ok) return [false, admitted.reason];
    if (isEphemeralKind(event.kind)) {
      this.#o.feed.deliver(event);
      return [true, ""];
    }
    return await this.#store(event, {
      relay: "",
      merchants: admitted.merchants,
      authenticated: [...connection.keys],
    });
  }

  #openAdmission(event: NostrEvent): { ok: true; merchants: string[] } {
    const wanted = INTAKE_KINDS.includes(event.kind);
    return { ok: true, merchants: wanted ? addressedTo(event, this.#o.merchants()) : [] };
  }

  async #store(event: NostrEvent, arrival: Omit<Arrival, "event">): Promise<Answer> {
    const { database, feed, onArrival, clock } = this.#o;
    database.storage.checkRoom();
    // A replaceable event may lose against a newer one: only the store knows what there is to show.
    if (!hasVersions(event.kind)) feed.expect(event);
    try {
      return await database.transaction(async (tx): Promise<Answer> => {
        const store = new EventStore(tx, { now: () => seconds(clock.now()) });
        const known = await isStored(store, event.id);
        // Also for a known event: the inbox dedupes by itself, and a merchant may be served only since today.
        if (arrival.merchants.length > 0) await onArrival(tx, [{ event, ...arrival }], clock.now());
        if (known) return [true, "duplicate: already here"];
        await store.event(event);
        if (hasVersions(event.kind) && !await isStored(store, event.id)) {
          return [true, "duplicate: a newer version is here"];
        }
        tx.wake("event", event.id);
        return [true, ""];
      });
    } finally {
      feed.settled(event);
    }
  }
}

async function isStored(store: EventStore, id: string): Promise<boolean> {
  return (await store.query([{ ids: [id] }])).length > 0;
}

/** NIP-70: an event with a `-` tag is taken from its author only. */
function protectedRefusal(event: NostrEvent, connection: Connection): string | null {
  if (!event.tags.some((tag) => tag[0] === "-") || connection.keys.has(event.pubkey)) return null;
  return connection.keys.size === 0
    ? "auth-required: this event may only be published by its author"
    : "restricted: this event may only be published by its author";
}

/** NIP-40. */
function hasExpired(event: NostrEvent, now: number): boolean {
  const value = event.tags.find((tag) => tag[0] === "expiration")?.[1];
  return value !== undefined && /^\d+$/.test(value) && Number(value) <= now;
}

/** Kinds of which the store keeps the newest only. */
function hasVersions(kind: number): boolean {
  return isReplaceableKind(kind) || isAddressableKind(kind);
}
