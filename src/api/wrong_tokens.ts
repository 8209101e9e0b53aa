import { createHash } from "node:crypto";
import type { Clock } from "../clock.ts";
import { Problem } from "./problem.ts";

/** Wrong tokens that an address may show in a minute. */
const FREE = 5;
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;
/** Addresses, and tokens of them, that are remembered. */
const MOST = 10_000;

interface Record {
  wrong: number;
  since: number;
  /** ms; nothing is looked at until then. */
  pausedUntil: number;
  pauses: number;
}

/**
 * Slows guessing down: after five wrong tokens within a minute an address isn't listened to for a minute, then for two, four …
 * at most an hour. A token that was right from this address before still is: behind a proxy, everybody has one address.
 */
export class WrongTokens {
  readonly #clock: Clock;
  readonly #records = new Map<string, Record>();
  readonly #right = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws 429 while the address pauses. Requests from within the process have no address. */
  check(address: string | undefined, token: string): void {
    const record = address === undefined ? undefined : this.#records.get(address);
    const left = (record?.pausedUntil ?? 0) - this.#clock.now();
    if (left <= 0 || this.#right.has(pair(address!, token))) return;
    throw new Problem(
      429,
      "too_many_wrong_tokens",
      "Too many wrong tokens came from this address. Wait.",
      [],
      { "retry-after": String(Math.ceil(left / 1000)) },
    );
  }

  /** It was right. */
  right(address: string | undefined, token: string): void {
    if (address === undefined) return;
    bounded(this.#right);
    this.#right.add(pair(address, token));
  }

  /** It was wrong. */
  wrong(address: string | undefined): void {
    if (address === undefined) return;
    const now = this.#clock.now();
    const known = this.#records.get(address);
    const quiet = known === undefined || now - Math.max(known.since, known.pausedUntil) > LONGEST_PAUSE_MS;
    const record = quiet ? { wrong: 0, since: now, pausedUntil: 0, pauses: 0 } : known;
    if (now - record.since >= 60_000) Object.assign(record, { wrong: 0, since: now });
    record.wrong++;
    if (record.wrong >= FREE) {
      record.pausedUntil = now + Math.min(FIRST_PAUSE_MS * 2 ** record.pauses, LONGEST_PAUSE_MS);
      record.pauses++;
      record.wrong = 0;
    }
    // The one that was wrong last is forgotten last.
    this.#records.delete(address);
    bounded(this.#records);
    this.#records.set(address, record);
  }
}

function bounded(kept: { size: number; keys(): Iterator<string>; delete(key: string): boolean }): void {
  if (kept.size >= MOST) kept.delete(kept.keys().next().value!);
}

function pair(address: string, token: string): string {
  return createHash("sha256").update(`${address}\n${token}`).digest("hex");
}
