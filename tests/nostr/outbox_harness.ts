import type { NostrEvent } from "@nostrify/types";
import { type Clock, seconds, systemClock } from "../../src/clock.ts";
import type { Database } from "../../src/db/database.ts";
import type { IdentityOf } from "../../src/nostr/identity.ts";
import { OutboxWorker, post, receiptsOf, type Recipient } from "../../src/nostr/outbox.ts";
import type { RelayPool } from "../../src/nostr/relay_pool.ts";
import { systemRandom } from "../../src/random.ts";
import { silentLog } from "../support/log.ts";
import { testSigner } from "../support/wire.ts";

export const merchant = testSigner();
export const customer = "c".repeat(64);
export const now = seconds(systemClock.now());

/** A signed event of the merchant: a kind 4 to `customer` unless said otherwise. */
export function signed(
  o: { kind?: number; d?: string; at?: number; content?: string; p?: string } = {},
): Promise<NostrEvent> {
  return merchant.signEvent({
    kind: o.kind ?? 4,
    content: o.content ?? `message ${crypto.randomUUID()}`,
    tags: o.d === undefined ? [["p", o.p ?? customer]] : [["d", o.d]],
    created_at: o.at ?? now,
  });
}

export function posted(
  db: Database,
  event: NostrEvent,
  relays: string[],
  o: { purpose?: string; to?: Recipient; at?: number; insteadOf?: string[] } = {},
): Promise<boolean> {
  const { to, insteadOf = [] } = o;
  const purpose = o.purpose ?? event.id;
  return db.transaction((tx) =>
    post(
      tx,
      { merchant: merchant.pubkey, purpose, event, relays, insteadOf, ...(to && { to }) },
      o.at ?? systemClock.now(),
    )
  );
}

/** The same as a message that is kept with the customer's conversation. */
export async function said(
  db: Database,
  event: NostrEvent,
  relays: string[],
  to: Partial<Recipient> = {},
): Promise<void> {
  await posted(db, event, relays, { to: { pubkey: customer, reads: [], readsOurs: false, ...to } });
  await conversation(db, event.id);
}

/** Keeps it with the customer's conversation. */
export async function conversation(db: Database, eventId: string): Promise<void> {
  await db.kysely.insertInto("messages").values({
    merchant: merchant.pubkey,
    customer,
    direction: "out",
    type: "status",
    envelope: "nip04",
    order_id: null,
    body: "{}",
    event_id: eventId,
    at: systemClock.now(),
  }).execute();
}

/** The machine's time; a test moves it forward to reach the next step of the ladder. */
export class Ahead implements Clock {
  ms = 0;
  now = () => systemClock.now() + this.ms;
  monotonic = () => systemClock.monotonic() + this.ms;
  /** Nobody sleeps longer, so that what a test has brought about is seen soon. */
  longestMs = 20;
  sleep = (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, this.longestMs), signal);
}

export async function workerOf(db: Database, pool: RelayPool, clock: Clock = systemClock) {
  const identity = {
    pubkey: merchant.pubkey,
    signer: merchant,
    pool,
    relays: [],
    dmRelays: [],
    publicRelayUrl: null,
  };
  const identityOf: IdentityOf = (pubkey) => pubkey === merchant.pubkey ? identity : undefined;
  const worker = new OutboxWorker({ database: db, clock, random: systemRandom, log: silentLog, identityOf });
  await worker.start();
  return Object.assign(worker, { [Symbol.asyncDispose]: () => worker.stop() });
}

export const states = async (db: Database, event: NostrEvent) =>
  (await receiptsOf(db, event.id)).map((r) => r.state);

/** What the owners are to be told. */
export async function alertsIn(db: Database): Promise<Record<string, unknown>[]> {
  const rows = await db.kysely.selectFrom("jobs").select("payload").where("kind", "=", "owners.tell")
    .orderBy("id").execute();
  return rows.map((row) => JSON.parse(row.payload));
}
