import type { Database } from "../db/database.ts";
import { GiveUp, RetryLater } from "../jobs/runner.ts";
import type { Log } from "../log.ts";
import type { NostrIdentity } from "../nostr/identity.ts";
import { lateRelays } from "./publication_store.ts";
import type { Address } from "./publish_queue.ts";
import { readVersions, type Versions } from "./versions.ts";

/** How often relays that don't answer are waited for before the others get the first version alone. */
const TRIES_FOR_ALL_RELAYS = 6;
const READ_AGAIN_MS = 5_000;

/** Where a version may go. */
export interface Permission {
  relays: string[];
  /** Relays that must be read first. */
  late: string[];
  /** The new version must be later than this (seconds). */
  atLeast: number;
}

interface Deps {
  database: Database;
  log: Log;
}

/**
 * Before the first version of an address every relay is read; later ones look at what reached our own store. A version that
 * somebody else made stays: the job ends and says so. A relay that can't be read isn't written to.
 */
export async function mayOverwrite(
  deps: Deps,
  identity: NostrIdentity,
  address: Address,
  o: { first: boolean; attempt: number; signal: AbortSignal },
): Promise<Permission> {
  const { newest, unread } = await readOurs(
    deps,
    identity,
    address,
    o.first ? identity.relays : [],
    o.signal,
  );
  const { merchant, kind, d } = address;
  if (unread.length > 0 && o.attempt < TRIES_FOR_ALL_RELAYS) {
    throw new RetryLater(
      `can't read whether ${unread.join(", ")} has a version of ${kind}:${d} that must not be overwritten`,
      READ_AGAIN_MS,
    );
  }
  if (unread.length > 0) deps.log.warn("catalog.relays_left_out", { merchant, kind, d, relays: unread });
  const before = o.first ? new Set(unread) : await lateRelays(deps.database.kysely, address);
  return {
    relays: identity.relays.filter((url) => !before.has(url)),
    late: unread,
    atLeast: newest?.created_at ?? 0,
  };
}

/** Reads what stands under an address. Throws `GiveUp` when that is somebody else's. */
export async function readOurs(
  deps: Deps,
  identity: NostrIdentity,
  address: Address,
  relays: readonly string[],
  signal: AbortSignal,
): Promise<Versions> {
  const versions = await readVersions(deps.database, identity, address, relays, signal);
  if (!versions.foreign) return versions;
  const { merchant, kind, d } = address;
  const event = versions.newest!.id;
  deps.log.warn("catalog.foreign_version", { merchant, kind, d, event_id: event });
  throw new GiveUp(
    `the relays have a version of ${kind}:${d} that ncc didn't make (event ${event}): it is left alone. ` +
      `Give ours another id, or delete that one with the client that made it, and publish again.`,
  );
}
