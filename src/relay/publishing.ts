import { RelayError } from "@nostrify/nostrify";
import type { NostrEvent } from "@nostrify/types";
import { isAddressableKind, isEphemeralKind, isReplaceableKind } from "nostr-tools/kinds";
import { type Clock, seconds } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import type { Arrival } from "../nostr/arrivals.ts";
import { EventStore } from "../nostr/event_store.ts";
import type { Verifier } from "../nostr/verify.ts";
import type { Admitted, AdmittedFor } from "../policies/admission.ts";
import { addressedTo } from "../policies/addressee_policy.ts";
import { INTAKE_KINDS } from "../policies/kind_policy.ts";
import { AUTH_KIND } from "./auth.ts";
import type { Connection } from "./connection.ts";
import type { RelayLimits } from "./limits.ts";
import type { LiveFeed } from "./live_feed.ts";
import type { Quotas } from "./quotas.ts";

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

interface Options {
  database: Database;
  verifier: Verifier;
  clock: Clock;
  log: Log;
  admission: "open" | RelayAdmission;
  merchants: () => ReadonlySet<string>;
  onArrival: OnArrival;
  /** Whether this key has paid before: then a full quota doesn't keep its events out. */
  hasPaid: (pubkey: string) => Promise<boolean>;
  feed: LiveFeed;
  quotas: Quotas;
  limits: RelayLimits;
}

/** Takes EVENTs: what is accepted is committed, in the store and in the inboxes, before the client hears `OK`. */
export class Publishing {
  readonly #o: Options;

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

  async #publish(connection: Connection, event: NostrEvent, bytes: number): Promise<Answer> {
    const { admission, quotas, verifier } = this.#o;
    const withinQuota = quotas.takeEvent(connection.address, bytes);
    if (!withinQuota && !await this.#o.hasPaid(event.pubkey)) {
      return [false, "rate-limited: too many events, slow down"];
    }
    if (event.kind === AUTH_KIND) {
      return [false, `invalid: kind ${AUTH_KIND} is for AUTH and isn't published`];
    }
    if (hasExpired(event, seconds(this.#o.clock.now()))) return [false, "invalid: the event has expired"];
    const refusal = protectedRefusal(event, connection);
    if (refusal) return [false, refusal];
    // Cheap checks first: a flood of what isn't wanted costs no signature check.
    if (admission !== "open") {
      const screened = await admission.screen(event);
      if (!screened.ok) return [false, screened.reason];
    }
    if (!verifier.verify(event)) return [false, "invalid: the id or the signature is wrong"];
    const admitted = admission === "open" ? this.#openAdmission(event) : await admission.admitForAll(event);
    if (!admitted.ok) return [false, admitted.reason];
    if (isEphemeralKind(event.kind)) {
      this.#o.feed.deliver(event);
      return [true, ""];
    }
    return await this.#store(event, admitted.merchants);
  }

  #openAdmission(event: NostrEvent): { ok: true; merchants: string[] } {
    const wanted = INTAKE_KINDS.includes(event.kind);
    return { ok: true, merchants: wanted ? addressedTo(event, this.#o.merchants()) : [] };
  }

  async #store(event: NostrEvent, merchants: string[]): Promise<Answer> {
    const { database, feed, onArrival, clock } = this.#o;
    // A replaceable event may lose against a newer one: only the store knows what there is to show.
    if (!hasVersions(event.kind)) feed.expect(event);
    try {
      return await database.transaction(async (tx): Promise<Answer> => {
        const store = new EventStore(tx, { now: () => seconds(clock.now()) });
        const known = await isStored(store, event.id);
        // Also for a known event: the inbox dedupes by itself, and a merchant may be served only since today.
        if (merchants.length > 0) await onArrival(tx, [{ event, relay: "", merchants }], clock.now());
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
