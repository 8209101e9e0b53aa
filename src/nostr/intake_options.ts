import type { NostrEvent, NostrFilter } from "@nostrify/types";
import { seconds } from "../clock.ts";
import type { CatchUpOptions } from "./catch_up.ts";
import type { CatchUpMark } from "./catch_up_store.ts";
import type { WatchOptions } from "./watch_options.ts";

/** What a relay hands to the intake: an unverified event, or word that everything before it is complete. */
export interface Incoming {
  event: NostrEvent | null;
  relay: string;
  /** Once this and all before it are in the inbox, the relay's cursor is here (ms); null while catching up. */
  cursor: number | null;
  /** And the catch-up that is under way stands here. */
  mark?: CatchUpMark;
}

export interface IntakeRelayStatus {
  url: string;
  /** The live subscription stands. */
  connected: boolean;
  /** And what was missed before it has been read. */
  caughtUp: boolean;
  lastEventAt: number | null;
  /** Seconds of the last catch-up that may hold more events than the relay gives out. */
  hidden: number;
  error: string | null;
  /** What the relay says for ending our subscription or refusing our look-ups; null while it does neither. */
  refusing: string | null;
  /** Since when (ms) and by what it is known not to hand over what it has; null until then, and once it does again. */
  deaf: { since: number; why: string } | null;
  /** How often it was found deaf. */
  foundDeaf: number;
  /** Why it can't be probed by an event of our own; null when the last one came back, and before the first. */
  unproven: string | null;
  /** Subscriptions after the first. */
  restarts: number;
}

/** Times of a subscription, milliseconds. */
export interface IntakeOptions {
  backOffFirstMs: number;
  backOffMostMs: number;
  /** After `rate-limited:`. */
  limitedFirstMs: number;
  limitedMostMs: number;
  /** After a refusal that won't change soon, and after being cheated. */
  refusedFirstMs: number;
  refusedMostMs: number;
  /** A subscription that lived this long starts the back-off anew. */
  stableMs: number;
  /** For one page of a catch-up. */
  pageTimeoutMs: number;
  /** Wrong signatures a minute before a relay is left alone for a while. */
  mostForged: number;
  catchUp: Partial<CatchUpOptions>;
  watch: Partial<WatchOptions>;
}

export const intakeDefaults: IntakeOptions = {
  backOffFirstMs: 500,
  backOffMostMs: 60_000,
  limitedFirstMs: 15_000,
  limitedMostMs: 15 * 60_000,
  refusedFirstMs: 2 * 60_000,
  refusedMostMs: 60 * 60_000,
  stableMs: 30_000,
  pageTimeoutMs: 60_000,
  mostForged: 600,
  catchUp: {},
  watch: {},
};

/** Direct messages (NIP-04) and gift wraps (NIP-59). */
export const KINDS: readonly number[] = [4, 1059];

const HOUR_SECONDS = 3_600;
/** NIP-59 dates gift wraps up to 2 days back, and messages may reach a relay late. */
const OVERLAP_SECONDS = 72 * HOUR_SECONDS;
/** What is asked for when a relay is read for the first time: orders up to 48 h old are answered, and their wraps are older. */
const FIRST_TIME_SECONDS: Record<number, number> = { 4: 48 * HOUR_SECONDS, 1059: 96 * HOUR_SECONDS };

/** From which second on each kind is asked for. A cursor ahead of `now` (ms) counts as now: clocks are set back. */
export function sinceOf(cursor: number | null, now: number): Record<number, number> {
  const since = (kind: number) =>
    cursor === null
      ? seconds(now) - FIRST_TIME_SECONDS[kind]!
      : seconds(Math.min(cursor, now)) - OVERLAP_SECONDS;
  return Object.fromEntries(KINDS.map((kind) => [kind, Math.max(0, since(kind))]));
}

/** What of a kind is for the merchant. */
export function intakeFilter(kind: number, merchant: string): NostrFilter {
  return { kinds: [kind], "#p": [merchant] };
}

/** About an event's bytes in memory. */
export function weight(event: NostrEvent): number {
  return event.content.length + 500 + event.tags.length * 100;
}
