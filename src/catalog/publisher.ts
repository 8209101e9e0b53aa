import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { GiveUp, type JobHandler, RetryLater, type RunningJob } from "../jobs/runner.ts";
import { served } from "../jobs/served.ts";
import type { Log } from "../log.ts";
import type { IdentityOf, NostrIdentity } from "../nostr/identity.ts";
import { reserveAddressTime } from "../nostr/key_clock.ts";
import { post } from "../nostr/outbox.ts";
import { mayOverwrite, readOurs } from "./overwriting.ts";
import { deletionEvent } from "./deletion_event.ts";
import { draftHash, type EventDraft } from "./event_draft.ts";
import { countUndeleted } from "./products_store.ts";
import { type Current, isOnItsWay, markPublished, selectCurrent } from "./publication_store.ts";
import {
  type Address,
  lateRelaysIn,
  PRODUCT_KIND,
  publishAt,
  publishLate,
  STALL_KIND,
} from "./publish_queue.ts";

/** A deletion follows its version of quantity 0 after this long: who watches sees both. */
const DELETION_DELAY_MS = 2_000;
/** And it waits for the relays to have that version, but not for ever. */
const DELETION_PATIENCE_MS = 60_000;
const CHANGED = "published by another process meanwhile";

export interface PublisherDeps {
  database: Database;
  clock: Clock;
  log: Log;
  identityOf: IdentityOf;
}

/** What of a job its steps need to know. */
type Run = Pick<RunningJob, "attempt" | "signal">;

/** The job `catalog.publish`: brings the relays' version of a stall or product up to what the database says. */
export function catalogPublisher(deps: PublisherDeps): JobHandler {
  const publisher = new Publisher(deps);
  return { run: (job) => publisher.run(job) };
}

class Publisher {
  readonly #deps: PublisherDeps;
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
    this.#database = deps.database;
    this.#clock = deps.clock;
  }

  async run(job: RunningJob): Promise<void> {
    const address = readAddress(job.payload);
    const identity = served(this.#deps.identityOf(address.merchant));
    const late = lateRelaysIn(job.payload);
    if (late.length > 0) return await this.#bringTo(late, address, identity, job.signal);
    const runAt = await this.#bring(address, identity, job);
    if (runAt === null) return;
    // It ran well and has more to do later: a fresh job, so that waiting doesn't count as failing.
    await this.#database.transaction((tx) => publishAt(tx, address, runAt, this.#clock.now()));
  }

  /** Publishes what is due. The answer is when to come again (ms), null when everything is published. */
  async #bring(address: Address, identity: NostrIdentity, run: Run): Promise<number | null> {
    const current = await selectCurrent(this.#database.kysely, address);
    if (!current) return null;
    if (current.deletedAt !== null) {
      return await this.#remove(address, identity, current, current.deletedAt, run);
    }
    if (address.kind === PRODUCT_KIND) {
      // Clients drop a product whose stall they don't know.
      const stall: Address = { ...address, kind: STALL_KIND, d: current.stallId };
      const wait = await this.#bring(stall, identity, run);
      if (wait !== null && !await this.#isPublished(stall)) return wait;
    }
    if (draftHash(current.draft) === current.publishedHash) return null;
    return await this.#publish(address, identity, current, current.draft, run);
  }

  async #remove(
    address: Address,
    identity: NostrIdentity,
    current: Current,
    deletedAt: number,
    { signal }: Run,
  ): Promise<number | null> {
    // Nothing of it is on any relay.
    if (current.eventId === null) return null;
    const now = this.#clock.now();
    const { merchant, kind, d } = address;
    if (kind === PRODUCT_KIND && draftHash(current.draft) !== current.publishedHash) {
      return await this.#publish(address, identity, current, current.draft, { attempt: 0, signal }) ??
        now + DELETION_DELAY_MS;
    }
    const waiting = kind === PRODUCT_KIND
      ? await isOnItsWay(this.#database.kysely, current.eventId)
      : await countUndeleted(this.#database.kysely, merchant, d) > 0;
    if (waiting && now < deletedAt + DELETION_PATIENCE_MS) return now + DELETION_DELAY_MS;
    const deletion = deletionEvent({ merchant, kind, d, eventIds: [current.eventId] });
    return await this.#publish(address, identity, current, deletion, { attempt: 0, signal });
  }

  /** Signs and posts a version, or the deletion, of an address. */
  async #publish(
    address: Address,
    identity: NostrIdentity,
    current: Current,
    draft: EventDraft,
    run: Run,
  ): Promise<number | null> {
    // Edits within one second become one version: an address' clock must not run away from the wall clock.
    if (current.publishedAt !== null && current.publishedAt > this.#clock.now()) return current.publishedAt;
    const first = current.eventId === null;
    const to = await mayOverwrite(this.#deps, identity, address, {
      first,
      attempt: run.attempt,
      signal: run.signal,
    });
    const done = await this.#post(address, identity, current, draft, to);
    // Somebody else published this address meanwhile: look again at what it should say.
    return done ? null : this.#clock.now();
  }

  /** False when somebody else published meanwhile; then nothing was posted. */
  async #post(
    address: Address,
    identity: NostrIdentity,
    current: Current,
    draft: EventDraft,
    to: { relays: string[]; atLeast: number; late?: string[] },
  ): Promise<boolean> {
    const { merchant, kind, d } = address;
    const created_at = await this.#database.transaction((tx) =>
      reserveAddressTime(tx, { pubkey: merchant, kind, d, now: this.#clock.now(), atLeast: to.atLeast })
    );
    const event = await identity.signer.signEvent({ ...draft, created_at });
    const hash = draftHash(draft);
    const purpose = `catalog:${kind}:${d}:${hash}:${created_at}`;
    const gone = draft.kind === 5;
    return await this.#database.transaction(async (tx) => {
      const marked = await markPublished(tx, address, current.eventId, {
        event_id: gone ? null : event.id,
        published_at: gone ? null : created_at * 1000,
        published_hash: gone ? null : hash,
      });
      if (!marked) return false;
      await post(tx, { merchant, purpose, event, relays: to.relays }, this.#clock.now());
      if (to.late?.length) await publishLate(tx, address, to.late, this.#clock.now());
      return true;
    });
  }

  /** Brings what is published to relays that couldn't be read before; never to one that still can't. */
  async #bringTo(
    late: string[],
    address: Address,
    identity: NostrIdentity,
    signal: AbortSignal,
  ): Promise<void> {
    const current = await selectCurrent(this.#database.kysely, address);
    const configured = late.filter((url) => identity.relays.includes(url));
    if (!current || current.eventId === null || current.deletedAt !== null || configured.length === 0) return;
    const { newest, unread } = await readOurs(this.#deps, identity, address, configured, signal);
    const relays = configured.filter((url) => !unread.includes(url));
    if (relays.length > 0) {
      const to = { relays, atLeast: newest?.created_at ?? 0 };
      if (!await this.#post(address, identity, current, current.draft, to)) {
        throw new RetryLater(CHANGED, 1_000);
      }
    }
    if (unread.length === 0) return;
    await this.#database.transaction((tx) => publishLate(tx, address, unread, this.#clock.now()));
  }

  async #isPublished(address: Address): Promise<boolean> {
    const current = await selectCurrent(this.#database.kysely, address);
    return current !== undefined && current.eventId !== null;
  }
}

function readAddress(payload: Record<string, unknown>): Address {
  const { merchant, kind, d } = payload;
  if (
    typeof merchant !== "string" || typeof d !== "string" || (kind !== STALL_KIND && kind !== PRODUCT_KIND)
  ) {
    throw new GiveUp("the job names no stall or product");
  }
  return { merchant, kind, d };
}
