import type { NostrEvent } from "@nostrify/types";
import { type Clock, seconds, systemClock } from "../../src/clock.ts";
import type { Database } from "../../src/db/database.ts";
import type { arrive } from "../../src/nostr/arrivals.ts";
import { type Admission, Intake, type IntakeOptions } from "../../src/nostr/intake.ts";
import type { RelayPool } from "../../src/nostr/relay_pool.ts";
import type { MerchantSigner } from "../../src/nostr/signer.ts";
import { pureCrypto, type Verifier } from "../../src/nostr/verify.ts";
import type { WatchOptions } from "../../src/nostr/watch_options.ts";
import { systemRandom } from "../../src/random.ts";
import type { Log } from "../../src/log.ts";
import type { FakeRelay } from "../support/fake_relay.ts";
import { silentLog } from "../support/log.ts";
import { directMessage, testSigner, until } from "../support/wire.ts";

export const merchant: MerchantSigner = testSigner();
export const now: number = seconds(systemClock.now());

/** A signed message to the merchant. */
export function message(o: { at?: number; text?: string; kind?: number; by?: Uint8Array } = {}): NostrEvent {
  return directMessage(merchant.pubkey, { at: now, ...o });
}

/** What isn't looked at closely here costs no signature. */
export function unsigned(id: number, at: number, kind = 4): NostrEvent {
  return {
    id: id.toString(16).padStart(64, "0"),
    pubkey: "c".repeat(64),
    kind,
    content: "",
    tags: [["p", merchant.pubkey]],
    created_at: at,
    sig: "0".repeat(128),
  };
}

export const believing: Verifier = { verify: () => true };
export const admitting: Admission = { admit: () => Promise.resolve({ ok: true }) };

export interface Setup {
  clock?: Clock;
  verifier?: Verifier;
  admission?: Admission;
  options?: Partial<IntakeOptions>;
  queue?: { maxEntries: number; maxWeight: number };
  receive?: typeof arrive;
  signer?: MerchantSigner;
  log?: Log;
}

/** Times of a watch that a test sees at work. */
export const quickWatch: WatchOptions = {
  checkEveryMs: 40,
  checkMostMs: 200,
  checkTimeoutMs: 400,
  checkLimit: 20,
  graceMs: 60,
  probeEveryMs: 60_000,
  probeLeastMs: 50,
  probeMostMs: 60_000,
  echoMs: 150,
  renewFirstMs: 100,
  renewMostMs: 200,
  forgiveMs: 300,
};

/** An intake that is running; `await using` stops it. Signatures are checked in JavaScript, retries are quick. */
export async function intakeOf(database: Database, pool: RelayPool, relays: FakeRelay[], o: Setup = {}) {
  const intake = new Intake({
    database,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    pool,
    merchant: merchant.pubkey,
    relays: relays.map((r) => r.url),
    verifier: pureCrypto,
    admission: admitting,
    ...o,
    options: { backOffFirstMs: 10, backOffMostMs: 50, ...o.options },
  });
  await intake.start();
  return Object.assign(intake, { [Symbol.asyncDispose]: () => intake.stop() });
}

export const inbox = (database: Database) =>
  database.kysely.selectFrom("inbox").selectAll().orderBy("seq").execute();
export const count = async (database: Database): Promise<number> => (await inbox(database)).length;
export const caughtUp = (intake: Intake): Promise<void> =>
  until(() => intake.status().relays.every((r) => r.caughtUp));
