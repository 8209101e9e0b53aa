import type { Clock } from "../clock.ts";
import { MedusaError, type MedusaErrorKind } from "./medusa_error.ts";

/** A call that went wrong. */
export interface MedusaFault {
  kind: MedusaErrorKind;
  message: string;
  /** ms. */
  at: number;
}

/** How Medusa is, by what it answered to this process. */
export interface ClientStatus {
  /** When (ms) it answered last as it should, be it with a no; null: not since the start. */
  goodAt: number | null;
  /** The newest fault, of all that it is asked; null once it has answered as it should. */
  fault: MedusaFault | null;
  /** What it answers in a way that isn't known, or forbids: by what was asked, until it answers to that as it should. */
  odd: (MedusaFault & { route: string })[];
  /** How long (ms) it takes, the median of recent calls; null when there were few. */
  p50Ms: number | null;
}

const SAMPLES = 20;
const FEWEST = 5;
const RECENT_MS = 600_000;
/** What isn't asked any more says nothing. */
const ODD_MS = 3_600_000;

/** Notes how calls end. */
export class ClientRecord {
  readonly #clock: Clock;
  #goodAt: number | null = null;
  #fault: MedusaFault | null = null;
  readonly #odd = new Map<string, { fault: MedusaFault; since: number }>();
  #calls: { at: number; ms: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A call has ended after `ms`, by an answer (null) or an error. */
  ended(route: string, ms: number, error: MedusaError | null): void {
    const at = this.#clock.now();
    this.#calls = [...this.#calls.slice(1 - SAMPLES), { at: this.#clock.monotonic(), ms }];
    if (error === null || error.kind === "not_found" || error.kind === "refused") {
      this.#goodAt = at;
      this.#fault = null;
      this.#odd.delete(route);
      return;
    }
    const fault = { kind: error.kind, message: error.message, at };
    // It is there, and all else may be as it should.
    if (error.kind === "bad_answer" || error.status === 403) {
      this.#odd.set(route, { fault, since: this.#clock.monotonic() });
    } else {
      this.#fault = fault;
    }
  }

  status(): ClientStatus {
    const now = this.#clock.monotonic();
    const recent = this.#calls.filter(({ at }) => at >= now - RECENT_MS).map(({ ms }) => ms).sort((a, b) =>
      a - b
    );
    return {
      goodAt: this.#goodAt,
      fault: this.#fault,
      odd: [...this.#odd].filter(([, { since }]) => since >= now - ODD_MS).map(([route, { fault }]) => ({
        route,
        ...fault,
      })),
      p50Ms: recent.length < FEWEST ? null : recent[Math.floor((recent.length - 1) / 2)]!,
    };
  }
}
