import type { NostrEvent } from "@nostrify/types";
import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import { UNSERVED, UNSERVED_MS } from "../jobs/served.ts";
import { errorText, type Log } from "../log.ts";
import type { Random } from "../random.ts";
import type { Service } from "../service.ts";
import { backOff } from "./backoff.ts";
import type { IdentityOf } from "./identity.ts";
import { LanePauses } from "./lane_pauses.ts";
import { LaneTroubles } from "./lane_troubles.ts";
import { type Answer, judge, refusalWord, type Verdict } from "./outbox_answers.ts";
import { claimDue, giveBack, laneItem, LEASE_MS, type OutboxItem } from "./outbox_claims.ts";
import { hasten, nextDue, type Outcome, recordOutcomes } from "./outbox_store.ts";
import { ReadBack } from "./read_back.ts";

export { outboxBacklog, type Post, post, receiptsOf, type Recipient } from "./outbox_store.ts";

/** Rows read at once, and those of one lane. */
const CLAIM = 200;
const CLAIM_LANE = 32;
/** Sendings to one relay for one merchant that are about to be answered, and those that are under way in all. */
const PROMPT = 16;
const IN_ALL = 64;
/** A receipt that takes longer is probably lost: whoever comes next waits for it no longer. */
const LATE_MS = 1_000;
/** Rows that wait behind them; with so many no more are claimed. */
const WAITING = 16;
/** Behind the wake-ups: what another process posted on SQLite, or a notification that was lost. */
const POLL_MS = { sqlite: 1_000, postgres: 250 };
/** Sendings under way get this long to be answered when the worker stops. */
const DRAIN_MS = 2_000;

interface Lane {
  waiting: OutboxItem[];
  active: number;
  /** Those of the active that aren't late. */
  prompt: number;
}

/** An outcome with what it came of. */
interface Done extends Outcome {
  merchant: string;
  /** What was sent; absent when nothing was. */
  sent?: NostrEvent;
}

/**
 * Sends what was posted: every relay in a lane of its own, so that a dead one holds up no other, always the bytes that
 * were signed. Each receipt is recorded; what isn't recorded before a crash is sent again, which relays answer by `duplicate:`.
 */
export class OutboxWorker implements Service {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #identityOf: IdentityOf;
  readonly #lanes = new Map<string, Lane>();
  /** Rows that are in a lane or whose outcome isn't recorded yet. */
  readonly #held = new Set<string>();
  readonly #troubles: LaneTroubles;
  readonly #pauses = new LanePauses();
  readonly #readBack: ReadBack;
  readonly #sending = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  readonly #cut = new AbortController();
  #outcomes: Done[] = [];
  #recording: Promise<void> | undefined;
  #woken = new AbortController();
  #running: Promise<void> | undefined;
  #unlisten: (() => void) | undefined;

  constructor(o: { database: Database; clock: Clock; random: Random; log: Log; identityOf: IdentityOf }) {
    this.#database = o.database;
    this.#clock = o.clock;
    this.#random = o.random;
    this.#log = o.log;
    this.#identityOf = o.identityOf;
    this.#readBack = new ReadBack(o);
    this.#troubles = new LaneTroubles(({ merchant, relay }) =>
      this.#identityOf(merchant)?.pool.status().find((link) => link.url === relay)
    );
  }

  start(): Promise<void> {
    if (!this.#running) {
      this.#unlisten = this.#database.listen("outbox", () => this.#wake());
      this.#running = this.#run();
    }
    return Promise.resolve();
  }

  /** Another process is gone, and what relays accepted of it is to be read back by this one. */
  async takeOver(): Promise<void> {
    if (this.#running) await this.#readBack.recall();
  }

  /** Starts no sending any more; those under way have 2 s, and what they bring is recorded. The rest is given back. */
  async stop(): Promise<void> {
    this.#unlisten?.();
    this.#stop.abort();
    this.#wake();
    await this.#running;
    const drained = new AbortController();
    const sent = Promise.all(this.#sending).then(() => drained.abort());
    await this.#clock.sleep(DRAIN_MS, drained.signal);
    this.#cut.abort(new Error("the worker stopped"));
    await sent;
    await this.#recording;
    await giveBack(this.#database, this.#held, this.#clock.now()).catch((error) =>
      this.#log.error("outbox.not_given_back", { rows: this.#held.size, error: errorText(error) })
    );
    await this.#readBack.stop();
  }

  #wake(): void {
    this.#woken.abort("woken");
  }

  async #run(): Promise<void> {
    let failures = 0;
    // One process has one worker on SQLite: what an earlier one put off is tried as soon as we are back.
    const alone = this.#database.dialect === "sqlite";
    let first = true;
    while (!this.#stop.signal.aborted) {
      const woken = this.#woken = new AbortController();
      let wait: number;
      try {
        if (first && alone) await hasten(this.#database, this.#clock.now());
        if (first) await this.#readBack.recallAtStart();
        first = false;
        // A relay that is connected again gets at once what waits for it, not when its next try would be.
        for (const lane of this.#troubles.takeReturned()) {
          await hasten(this.#database, this.#clock.now(), lane);
        }
        wait = await this.#claim();
        failures = 0;
      } catch (error) {
        wait = backOff(++failures, this.#random, 200, 10_000);
        this.#log.error("outbox.not_read", { error: errorText(error), ms: wait });
      }
      if (wait > 0 && !this.#stop.signal.aborted) await this.#clock.sleep(wait, woken.signal);
    }
  }

  /** Puts what is due into its lanes; answers how long nothing more can be due (ms). */
  async #claim(): Promise<number> {
    const now = this.#clock.now();
    const full = [...this.#lanes].filter(([, lane]) => lane.waiting.length >= WAITING);
    const busy = [...full.map(([name]) => name), ...this.#pauses.resting(now)];
    const due = await claimDue(this.#database, {
      now,
      limit: CLAIM,
      perLane: CLAIM_LANE,
      leaseMs: LEASE_MS,
      busy,
      held: this.#held,
    });
    if (this.#stop.signal.aborted) return 0;
    for (const item of inOrder(due)) {
      // Its lease ran out while it waits here.
      if (this.#held.has(laneItem(item))) continue;
      this.#held.add(laneItem(item));
      const name = `${item.merchant} ${item.relay}`;
      const lane = this.#lanes.get(name) ?? { waiting: [], active: 0, prompt: 0 };
      this.#lanes.set(name, lane);
      lane.waiting.push(item);
    }
    for (const [name, lane] of this.#lanes) this.#pump(name, lane);
    if (due.length >= CLAIM) return 0;
    const next = await nextDue(this.#database, now);
    return Math.min(
      POLL_MS[this.#database.dialect],
      next === null ? Infinity : Math.max(1, next - this.#clock.now()),
    );
  }

  #pump(name: string, lane: Lane): void {
    if (this.#pauses.rests(name, this.#clock.now())) {
      // They are due still, and claimed again after the rest.
      for (const item of lane.waiting.splice(0)) this.#held.delete(laneItem(item));
    }
    while (lane.waiting.length > 0 && lane.prompt < PROMPT && lane.active < IN_ALL) {
      if (this.#stop.signal.aborted) return;
      this.#begin(name, lane, lane.waiting.shift()!);
      if (lane.waiting.length === WAITING - 1) this.#wake();
    }
  }

  #begin(name: string, lane: Lane, item: OutboxItem): void {
    lane.active++;
    lane.prompt++;
    const answered = new AbortController();
    const sending = this.#send(item).finally(() => {
      this.#sending.delete(sending);
      lane.active--;
      answered.abort();
      this.#pump(name, lane);
      if (lane.active === 0 && lane.waiting.length === 0) this.#lanes.delete(name);
    });
    this.#sending.add(sending);
    // Ends as soon as it is answered.
    void this.#clock.sleep(LATE_MS, answered.signal).then(() => {
      lane.prompt--;
      this.#pump(name, lane);
    });
  }

  /** Never rejects. */
  async #send(item: OutboxItem): Promise<void> {
    const pool = this.#identityOf(item.merchant)?.pool;
    if (!pool) {
      return this.#done(item, { state: "pending", answer: UNSERVED, waitMs: UNSERVED_MS }, 0);
    }
    const event = JSON.parse(item.event) as NostrEvent;
    let answer: Answer;
    try {
      answer = await pool.publish(item.relay, event, this.#cut.signal);
    } catch (error) {
      // Unanswered, not refused: it is due again when the worker is back.
      if (this.#cut.signal.aborted) return;
      answer = { error: errorText(error) };
      this.#troubles.note(item);
    }
    this.#pace(item, answer);
    const verdict = judge(answer, item.attempts + 1, this.#clock.now() - item.posted_at, this.#random);
    if (verdict.state === "failed") {
      this.#log.warn("outbox.failed", { event_id: item.event_id, relay: item.relay, answer: verdict.answer });
    } else {this.#log.debug("outbox.sent", {
        event_id: item.event_id,
        relay: item.relay,
        state: verdict.state,
      });}
    this.#done(item, verdict, 1, event);
  }

  #pace({ merchant, relay }: OutboxItem, answer: Answer): void {
    if ("error" in answer) return;
    const lane = `${merchant} ${relay}`;
    if (answer.ok) this.#pauses.accepted(lane, this.#clock.now());
    else if (refusalWord(answer.message) === "rate-limited") this.#pauses.limited(lane, this.#clock.now());
  }

  #done(item: OutboxItem, verdict: Verdict, tries: 0 | 1, sent?: NostrEvent): void {
    const { event_id, relay, merchant, attempts } = item;
    const { state, answer } = verdict;
    const next_at = this.#clock.now() + (verdict.state === "pending" ? verdict.waitMs : 0);
    const outcome = { event_id, relay, state, answer, attempts: attempts + tries, next_at };
    this.#outcomes.push({ ...outcome, merchant, ...(sent && { sent }) });
    this.#recording ??= this.#record();
  }

  /** Receipts that come while a batch is written share the next one. */
  async #record(): Promise<void> {
    // What is answered in the same turn belongs together.
    await Promise.resolve();
    for (let failures = 0; this.#outcomes.length > 0;) {
      const batch = this.#outcomes.slice(0, CLAIM);
      try {
        const lasting = batch.some(({ state }) => state === "failed");
        const record = (tx: Tx) => recordOutcomes(tx, batch, this.#clock.now());
        await this.#database.transaction(record, { lasting });
        failures = 0;
      } catch (error) {
        // Not recorded is sent again: harmless, the bytes are the same.
        const ms = backOff(++failures, this.#random, 200, 10_000);
        this.#log.error("outbox.not_recorded", { receipts: batch.length, error: errorText(error), ms });
        if (this.#stop.signal.aborted) break;
        await this.#clock.sleep(ms, this.#stop.signal);
        continue;
      }
      this.#outcomes = this.#outcomes.slice(batch.length);
      for (const outcome of batch) {
        this.#held.delete(laneItem(outcome));
        const { state, merchant, relay, sent } = outcome;
        if (state === "delivered" && sent) this.#readBack.accepted({ merchant, relay, event: sent });
      }
      if (batch.some((outcome) => outcome.state === "pending")) this.#wake();
    }
    this.#recording = undefined;
  }
}

/** What was made first goes first: a stall before its products (the lower kind), quantity 0 before the deletion. */
function inOrder(items: OutboxItem[]): OutboxItem[] {
  const keyed = items.map((item) => ({ item, event: JSON.parse(item.event) as NostrEvent }));
  keyed.sort((a, b) =>
    a.item.posted_at - b.item.posted_at || a.event.created_at - b.event.created_at ||
    a.event.kind - b.event.kind
  );
  return keyed.map(({ item }) => item);
}
