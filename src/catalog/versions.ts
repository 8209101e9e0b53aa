import type { NostrEvent } from "@nostrify/types";
import type { Database } from "../db/database.ts";
import { EventStore } from "../nostr/event_store.ts";
import type { NostrIdentity } from "../nostr/identity.ts";
import { purposeOf } from "./publication_store.ts";

/** How long a relay may take to say what it has. */
const READ_TIMEOUT_MS = 8_000;

/** What stands under an address of a merchant's key. */
export interface Versions {
  /** The newest there is; undefined when nobody has any. */
  newest: NostrEvent | undefined;
  /** The newest wasn't made by us: it isn't ours to overwrite. */
  foreign: boolean;
  /** What we made the newest for; null when it is foreign or there is none. */
  purpose: string | null;
  /** Relays that couldn't be read: they may have anything. */
  unread: string[];
}

/**
 * Reads the newest version of a replaceable event from our own store and from the given relays. Kinds without a `d` tag
 * (0, 10002, 10050) take null. Rejects when `signal` is aborted: what wasn't read then says nothing.
 */
export async function readVersions(
  database: Database,
  identity: NostrIdentity,
  address: { kind: number; d: string | null },
  relays: readonly string[],
  signal?: AbortSignal,
): Promise<Versions> {
  const { kind, d } = address;
  const filter = { kinds: [kind], authors: [identity.pubkey], ...(d !== null && { "#d": [d] }), limit: 1 };
  const found = await new EventStore(database.kysely).query([filter]);
  const unread: string[] = [];
  const answers = relays.length > 0
    ? await identity.pool.queryEach(relays, [filter], {
      timeoutMs: READ_TIMEOUT_MS,
      ...(signal && { signal }),
    })
    : [];
  signal?.throwIfAborted();
  for (const answer of answers) {
    // A relay may answer with anything: what wasn't asked for counts for nothing.
    if (answer.ok) found.push(...answer.events.filter((event) => fits(event, identity.pubkey, kind, d)));
    else unread.push(answer.url);
  }
  const newest = found.reduce<NostrEvent | undefined>(
    (best, event) => best && !newer(event, best) ? best : event,
    undefined,
  );
  const purpose = newest ? await purposeOf(database.kysely, newest.id) : null;
  return { newest, foreign: newest !== undefined && purpose === null, purpose, unread };
}

function fits(event: NostrEvent, pubkey: string, kind: number, d: string | null): boolean {
  const own = event.tags.find(([name]) => name === "d")?.[1] ?? "";
  return event.pubkey === pubkey && event.kind === kind && (d === null || own === d);
}

/** NIP-01: of two versions of one second the lower id stays. */
function newer(a: NostrEvent, b: NostrEvent): boolean {
  return a.created_at > b.created_at || (a.created_at === b.created_at && a.id < b.id);
}
