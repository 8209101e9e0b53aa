import type { Tx } from "../db/database.ts";
import { type Claim, finish } from "./claims_store.ts";
import type { JobHandler, RunningJob } from "./handler.ts";
import { LeaseLostError } from "./outcome.ts";

const LEASE_MS = 30_000;
const CONCURRENCY = 8;

/** A job that this runner has claimed. */
export class HeldJob implements RunningJob {
  readonly claim: Claim;
  readonly payload: Record<string, unknown>;
  /** Aborts `signal`. */
  readonly abort = new AbortController();
  readonly #holder: string;
  leaseUntil: number;
  /** Whether the handler ended it in a transaction of its own. */
  completed = false;

  constructor(claim: Claim, holder: string, leaseUntil: number) {
    this.claim = claim;
    this.payload = JSON.parse(claim.payload);
    this.#holder = holder;
    this.leaseUntil = leaseUntil;
  }

  get id(): number {
    return this.claim.id;
  }

  get kind(): string {
    return this.claim.kind;
  }

  get attempt(): number {
    return this.claim.attempts;
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  async complete(tx: Tx): Promise<void> {
    if (!await finish(tx, this.claim, this.#holder)) {
      throw new LeaseLostError(`job ${this.claim.id} (${this.claim.kind}) is another's now`);
    }
    this.completed = true;
  }
}

/** What one runner has of one kind. */
export class Slots {
  readonly kind: string;
  readonly handler: JobHandler;
  readonly leaseMs: number;
  /** How many may run at once for one merchant. */
  readonly ofOne: number;
  readonly running = new Set<HeldJob>();

  constructor(kind: string, handler: JobHandler) {
    this.kind = kind;
    this.handler = handler;
    this.leaseMs = handler.leaseMs ?? LEASE_MS;
    this.ofOne = handler.concurrency ?? CONCURRENCY;
  }

  /** How many run for each merchant. */
  get taken(): Map<string, number> {
    const taken = new Map<string, number>();
    for (const { claim: { merchant } } of this.running) taken.set(merchant, (taken.get(merchant) ?? 0) + 1);
    return taken;
  }
}
