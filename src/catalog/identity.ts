import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { GiveUp, type JobHandler, RetryLater } from "../jobs/runner.ts";
import { served } from "../jobs/served.ts";
import type { Log } from "../log.ts";
import type { IdentityOf, NostrIdentity } from "../nostr/identity.ts";
import { reserveAddressTime } from "../nostr/key_clock.ts";
import { post } from "../nostr/outbox.ts";
import { draftHash, type EventDraft } from "./event_draft.ts";
import { identityEvent, type IdentityKind, identityKinds, mergeRelayList } from "./identity_events.ts";
import { selectMerchant } from "./merchants_store.ts";
import { hasPosted } from "./publication_store.ts";
import { readVersions, type Versions } from "./versions.ts";

const READ_AGAIN_MS = 15_000;

/**
 * The job `identity.publish`: kinds 0, 10002 and 10050. What somebody else made of the key is never overwritten: a profile is
 * left alone, a relay list gets ours added once. Relays that can't be read are waited for.
 */
export function identityPublisher(
  deps: { database: Database; clock: Clock; log: Log; identityOf: IdentityOf },
): JobHandler {
  return {
    run: async (job) => {
      const merchant = String(job.payload.merchant);
      const identity = served(deps.identityOf(merchant));
      const row = await selectMerchant(deps.database.kysely, merchant);
      if (!row) throw new GiveUp(`there is no merchant ${merchant}`);
      const facts = { ...facets(identity), name: row.name, profile: JSON.parse(row.profile) };
      const unread = new Set<string>();
      for (const kind of identityKinds) {
        const ours = identityEvent(kind, facts);
        if (ours) {
          for (const url of await publish(deps, identity, kind, ours, job.signal)) unread.add(url);
        }
      }
      if (unread.size > 0) {
        throw new RetryLater(
          `can't read whether ${[...unread].join(", ")} has a profile that must stay`,
          READ_AGAIN_MS,
        );
      }
    },
  };
}

/** Publishes one kind if it may and must be; the answer is the relays that couldn't be read. */
async function publish(
  deps: { database: Database; clock: Clock; log: Log },
  identity: NostrIdentity,
  kind: IdentityKind,
  ours: EventDraft,
  signal: AbortSignal,
): Promise<string[]> {
  const { database, clock, log } = deps;
  const relays = [...new Set([...identity.relays, ...identity.dmRelays])];
  const versions = await readVersions(database, identity, { kind, d: null }, relays, signal);
  if (versions.unread.length > 0) return versions.unread;
  const next = await toPublish(database, identity.pubkey, ours, versions);
  if (!next) {
    if (versions.foreign) {
      log.info("identity.left_alone", { merchant: identity.pubkey, kind, event_id: versions.newest!.id });
    }
    return [];
  }
  const merchant = identity.pubkey;
  const created_at = await database.transaction((tx) =>
    reserveAddressTime(tx, {
      pubkey: merchant,
      kind,
      d: "",
      now: clock.now(),
      atLeast: versions.newest?.created_at ?? 0,
    })
  );
  const event = await identity.signer.signEvent({ ...next.draft, created_at });
  const purpose = `${purposeFor(kind, next.origin)}:${draftHash(next.draft)}:${created_at}`;
  await database.transaction((tx) => post(tx, { merchant, purpose, event, relays }, clock.now()));
  log.info("identity.published", { merchant, kind, event_id: event.id });
  return [];
}

/** The version that should follow what is there; null when that one stays. */
async function toPublish(
  database: Database,
  merchant: string,
  ours: EventDraft,
  { newest, foreign, purpose }: Versions,
): Promise<{ draft: EventDraft; origin: Origin } | null> {
  if (!newest) return { draft: ours, origin: "own" };
  const same = newest.content === ours.content && JSON.stringify(newest.tags) === JSON.stringify(ours.tags);
  if (same) return null;
  if (purpose?.startsWith(purposeFor(ours.kind, "own"))) return { draft: ours, origin: "own" };
  // Once: who takes our relay out of the list again wants it out.
  const refused = foreign && await hasPosted(database.kysely, merchant, purposeFor(ours.kind, ""));
  if (ours.kind === 0 || refused) return null;
  const draft = mergeRelayList(ours, newest);
  return draft && { draft, origin: "merged" };
}

/** Whether a version says only what we say, or also what somebody else had there before. */
type Origin = "own" | "merged";

function purposeFor(kind: number, origin: Origin | ""): string {
  return `identity:${kind}:${origin}`;
}

function facets({ relays, dmRelays, publicRelayUrl }: NostrIdentity) {
  return { relays, dmRelays, publicRelayUrl };
}
