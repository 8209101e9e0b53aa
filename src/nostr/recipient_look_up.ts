import type { NostrEvent } from "@nostrify/types";
import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { enqueue } from "../jobs/queue.ts";
import { type JobHandler, RetryLater, type RunningJob } from "../jobs/runner.ts";
import { served } from "../jobs/served.ts";
import type { Log } from "../log.ts";
import type { AddressGuard } from "../web/address_guard.ts";
import type { IdentityOf, NostrIdentity } from "./identity.ts";
import { queueFor } from "./outbox_store.ts";
import {
  DM_RELAYS_KIND,
  isFresh,
  namedRelays,
  newestOf,
  RELAY_LIST_KIND,
  relaysFor,
  sources,
} from "./recipient_relays.ts";
import {
  findRecipientRelays,
  keepRecipientRelays,
  markRead,
  messagesTo,
  type RecipientRelays,
} from "./recipient_relays_store.ts";

export const LOOK_UP_JOB = "recipient.look_up";

const HOUR_MS = 3_600_000;
/** Relays of one customer that we write to: a list costs us connections, and its author nothing. */
const MOST_RELAYS = 3;
const TIMEOUT_MS = 3_000;
/** When no relay answers at all. */
const TRIES = 4;
const AGAIN_MS = 30_000;
/** What was sent this recently goes to newly found relays in any case, what is older only if it isn't delivered. */
const RECENT_MS = HOUR_MS;
const UNDELIVERED_MS = 72 * HOUR_MS;
const MOST_MESSAGES = 20;

/** What the job needs. */
export interface LookUpParts {
  database: Database;
  clock: Clock;
  log: Log;
  identityOf: IdentityOf;
  /** Looks at every relay that isn't configured. */
  guard: AddressGuard;
}

/** Has the recipient's relays looked up after this transaction. Its messages are sent to the relays known now meanwhile. */
export async function enqueueLookUp(
  tx: Tx,
  o: { merchant: string; pubkey: string; seenOn: string | null },
  now: number,
): Promise<void> {
  const { merchant, pubkey, seenOn } = o;
  const payload = { merchant, pubkey, relay: seenOn };
  await enqueue(
    tx,
    { kind: LOOK_UP_JOB, merchant, key: `${merchant}:${pubkey}`, payload, maxAttempts: TRIES + 1 },
    now,
  );
}

/**
 * The job `recipient.look_up`: reads where a recipient wants to be written to (kinds 10050 and 10002) from our relays and the
 * one where they were seen, and sends there what was sent lately or hasn't been delivered.
 */
export function recipientLookUp(parts: LookUpParts): JobHandler {
  // Few at once: look-ups must not crowd out the answers on the same connections.
  return { concurrency: 8, run: (job) => lookUp(parts, job) };
}

async function lookUp(parts: LookUpParts, job: RunningJob): Promise<void> {
  const { database, clock, log, identityOf } = parts;
  const { merchant, pubkey, relay } = job.payload as {
    merchant: string;
    pubkey: string;
    relay: string | null;
  };
  const identity = served(identityOf(merchant));
  const before = await findRecipientRelays(database.kysely, pubkey);
  const known = before && isFresh(before, clock.now())
    ? before
    : await find(parts, identity, { pubkey, relay, before }, job);
  const added = await database.transaction(async (tx) => {
    if (known !== before) await keepRecipientRelays(tx, pubkey, known);
    const added = await bringToThem(tx, identity, pubkey, known, clock.now());
    await job.complete(tx);
    return added;
  });
  log.debug("recipient.looked_up", {
    dm_relays: known.dmRelays.length,
    read_relays: known.readRelays.length,
    queued: added,
  });
}

async function find(
  { clock, log, guard }: LookUpParts,
  identity: NostrIdentity,
  o: { pubkey: string; relay: string | null; before: RecipientRelays | undefined },
  job: RunningJob,
): Promise<RecipientRelays> {
  const filters = [{ kinds: [DM_RELAYS_KIND, RELAY_LIST_KIND], authors: [o.pubkey] }];
  const answers = await identity.pool.queryEach(sources(identity, o.relay), filters, {
    timeoutMs: TIMEOUT_MS,
    signal: job.signal,
  });
  job.signal.throwIfAborted();
  if (!answers.some((answer) => answer.ok) && job.attempt < TRIES) {
    throw new RetryLater("no relay could be asked where the customer reads", AGAIN_MS);
  }
  const events = answers.flatMap((answer) => answer.ok ? answer.events : []);
  const read = async (kind: number) => {
    const list = newestOf(events, kind, o.pubkey);
    return list && await usable(list, { identity, guard, log });
  };
  return {
    // A list that no relay gives out just now was there before.
    dmRelays: await read(DM_RELAYS_KIND) ?? o.before?.dmRelays ?? [],
    readRelays: await read(RELAY_LIST_KIND) ?? o.before?.readRelays ?? [],
    lookedUpAt: clock.now(),
  };
}

/** The first relays of a list that are ours or at a public address (design §7). */
async function usable(
  list: NostrEvent,
  { identity, guard, log }: { identity: NostrIdentity; guard: AddressGuard; log: Log },
): Promise<string[]> {
  const ours = [...identity.relays, ...identity.dmRelays, identity.publicRelayUrl];
  const found: string[] = [];
  for (const url of namedRelays(list)) {
    if (found.length === MOST_RELAYS) break;
    const verdict = ours.includes(url) ? { ok: true as const } : await guard.check(url, "wss:");
    if (verdict.ok) found.push(url);
    else log.debug("recipient.relay_refused", { reason: verdict.reason });
  }
  return found;
}

/** Queues what must still go to these relays; answers how many sendings that are. */
async function bringToThem(
  tx: Tx,
  identity: NostrIdentity,
  recipient: string,
  known: RecipientRelays,
  now: number,
): Promise<number> {
  const messages = await messagesTo(tx, {
    merchant: identity.pubkey,
    recipient,
    since: now - UNDELIVERED_MS,
    limit: MOST_MESSAGES,
  });
  let added = 0;
  for (const envelope of ["nip04", "nip17"] as const) {
    const named = relaysFor(envelope, known);
    const relays = named.filter((url) => url !== identity.publicRelayUrl);
    const theirs = messages.filter(({ kind }) => (kind === 4) === (envelope === "nip04"));
    await markRead(tx, theirs.map(({ eventId }) => eventId), relays, relays.length < named.length);
    for (const { eventId, createdAt, delivered } of theirs) {
      if (delivered && createdAt <= now - RECENT_MS) continue;
      const rows = relays.map((relay) => ({ relay, reads: true }));
      await queueFor(tx, eventId, identity.pubkey, rows, now);
      added += rows.length;
    }
  }
  return added;
}
