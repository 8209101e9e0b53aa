import { UNSERVED, UNSERVED_MS } from "../jobs/served.ts";
import { errorText } from "../log.ts";
import type { OpenedMessage } from "../nostr/envelope.ts";
import type { NostrIdentity } from "../nostr/identity.ts";
import type { OwnMessage } from "../nostr/own_message.ts";
import type { Tx } from "../db/database.ts";
import { TokenBuckets } from "../policies/token_buckets.ts";
import { allowance } from "./allowance.ts";
import { decide, type ReadMessage } from "./decide.ts";
import { finish, HALTED, type InboxRow, putOffMerchant, retryAt } from "./inbox_store.ts";
import type { InboxWorkerParts } from "./inbox_worker.ts";
import { leave } from "./lanes_store.ts";
import { Opening, type Unread } from "./opening.ts";

const HALTED_MS = 15_000;
/** Merchants of one batch wait for each other so long; who isn't through then goes on beside the next ones. */
const TOGETHER_MS = 500;
const LONGEST_RETRY_MS = 5 * 60_000;
/** A message that fails this often, over about half an hour, is left to people. */
const MOST_TRIES = 14;
/** Two processes that take the same new order or rumor at once. */
const UNIQUE_VIOLATION = "23505";
const REASON_MOST = 300;
const NONE: ReadonlySet<string> = new Set();

/**
 * One batch of the inbox: envelopes are opened and read outside of any transaction, then each message is decided in one.
 * Messages of one customer are decided in order of arrival, those of different customers side by side.
 */
export class InboxBatch {
  readonly #parts: Omit<InboxWorkerParts, "lease">;
  readonly #opening: Opening;
  readonly #allowance: TokenBuckets;
  /** Merchants whose part of an earlier batch is still under way. */
  readonly #beside = new Map<string, Promise<void>>();

  constructor(parts: Omit<InboxWorkerParts, "lease">) {
    this.#parts = parts;
    this.#opening = new Opening(parts);
    this.#allowance = new TokenBuckets({ clock: parts.clock, ...allowance(parts.rate) });
  }

  /** Merchants who are still busy, or whose signer is slow: others are read first. */
  resting(): string[] {
    return [...new Set([...this.#opening.resting(), ...this.#beside.keys()])];
  }

  /** Resolves when nothing is under way any more. */
  async ended(): Promise<void> {
    await Promise.all(this.#beside.values());
  }

  /** Works through rows. Merchants who take long don't hold up the others: `freed` is called when such a one is through. */
  async work(rows: InboxRow[], freed: () => void = () => {}): Promise<void> {
    const halted = await this.#parts.haltedMerchants?.() ?? NONE;
    const byMerchant = Map.groupBy(rows, (row) => row.merchant);
    const busy = new Map<string, Promise<void>>();
    const parts = [...byMerchant].map(([merchant, theirs]) => {
      const part = this.#workOn(merchant, theirs, halted.has(merchant)).finally(() => busy.delete(merchant));
      busy.set(merchant, part);
      return part;
    });
    const through = new AbortController();
    const late = this.#parts.clock.sleep(TOGETHER_MS, through.signal);
    try {
      await Promise.race([allOf(parts), late]);
    } finally {
      through.abort();
    }
    for (const [merchant, part] of busy) this.#goOn(merchant, part, freed);
  }

  /** Lets a merchant's part end while others' messages are read. */
  #goOn(merchant: string, part: Promise<void>, freed: () => void): void {
    const ended = part.catch((error) =>
      this.#parts.log.error("inbox.fault", { merchant, error: errorText(error) })
    ).finally(() => {
      this.#beside.delete(merchant);
      freed();
    });
    this.#beside.set(merchant, ended);
  }

  async #workOn(merchant: string, rows: InboxRow[], isHalted: boolean): Promise<void> {
    const identity = this.#parts.identityOf(merchant);
    if (isHalted) await this.#putOff(merchant, HALTED_MS, HALTED);
    else if (identity) await this.#workFor(identity, rows);
    else await this.#putOff(merchant, UNSERVED_MS, UNSERVED);
  }

  async #workFor(identity: NostrIdentity, rows: InboxRow[]): Promise<void> {
    const { read, unread } = await this.#opening.all(rows, identity);
    const { within = [], above = [] } = Object.groupBy(read, (one) => this.#withinAllowance(one));
    await this.#settle(unread);
    await allOf(above.map((one) => this.#leave(one)));
    within.sort((a, b) => a.row.seq - b.row.seq);
    const bySender = Map.groupBy(within, ({ message }) => message.sender);
    await allOf([...bySender.values()].map(async (messages) => {
      for (const message of messages) await this.#decide(message);
    }));
  }

  #withinAllowance({ row, message }: ReadMessage): "within" | "above" {
    // Who is known by the row has been counted before.
    if (row.sender !== null) return "within";
    return this.#allowance.take(`${row.merchant}:${message.sender}`) ? "within" : "above";
  }

  /** Stores what became of events that there is nothing to decide of: all at once, for junk must cost little, or one by one. */
  async #settle(unread: Unread[]): Promise<void> {
    const { database, log } = this.#parts;
    if (unread.length === 0) return;
    try {
      await database.transaction(async (tx) => {
        for (const one of unread) if (one.as !== "failed") await this.#end(tx, one);
      });
    } catch (error) {
      log.error("inbox.unsettled", { count: unread.length, error: errorText(error) });
      await allOf(unread.map(async (one) => {
        if (one.as === "failed") return;
        try {
          await database.transaction((tx) => this.#end(tx, one));
        } catch (fault) {
          await this.#failed(one.row, fault);
        }
      }));
    }
    for (const one of unread) {
      if (one.as === "failed") await this.#failed(one.row, one.error);
      else log.debug(`inbox.${one.as}`, { event_id: one.row.event_id, reason: one.reason });
    }
  }

  async #end(tx: Tx, one: Exclude<Unread, { as: "failed" }>): Promise<void> {
    const { row, reason } = one;
    if (one.as === "later") {
      return await retryAt(tx, row, {
        at: this.#nextTry(row),
        reason,
        ...(one.sender && { sender: one.sender }),
      });
    }
    await finish(tx, row, { state: "dropped", reason });
    if (one.own) await this.#parts.onOwnMessage?.(tx, ownMessage(row, one.own), this.#parts.clock.now());
  }

  /** Its sender has so much waiting already that this would wait for hours. What we said OK to ends here, and says why. */
  async #leave({ row, message }: ReadMessage): Promise<void> {
    const reason = "its sender writes more than is read";
    await this.#parts.database.transaction(async (tx) => {
      if (!await leave(tx, row)) await finish(tx, row, { state: "dropped", sender: message.sender, reason });
    });
    this.#parts.onShed?.(1, false);
  }

  async #decide(read: ReadMessage): Promise<void> {
    const { database, clock, random, termsOf, rate, owners } = this.#parts;
    for (let attempt = 1;; attempt++) {
      try {
        const terms = termsOf(read.row.merchant);
        const deciding = { terms, rate, random, ...(owners && { owners }) };
        await database.transaction((tx) => decide(tx, read, { ...deciding, now: clock.now() }));
        return;
      } catch (error) {
        // Another process was quicker: now it is a repeat.
        if (attempt < 3 && (error as { code?: string }).code === UNIQUE_VIOLATION) continue;
        return await this.#failed(read.row, error, read.message.sender);
      }
    }
  }

  /** Nothing of the message was stored: it stays in the inbox for another try, and what the sender wrote later waits for it. */
  async #failed(row: InboxRow, error: unknown, sender?: string): Promise<void> {
    const { database, log } = this.#parts;
    const reason = errorText(error).slice(0, REASON_MOST);
    const fields = { event_id: row.event_id, attempt: row.attempts + 1, error: reason };
    if (row.attempts + 1 >= MOST_TRIES) {
      log.error("inbox.dead", fields);
      await database.transaction((tx) => finish(tx, row, { state: "dead", reason }));
      return;
    }
    log.error("inbox.undecided", fields);
    await this.#retry(row, { reason, ...(sender !== undefined && { sender }) });
  }

  async #retry(row: InboxRow, o: { reason: string; sender?: string }): Promise<void> {
    const at = this.#nextTry(row);
    await this.#parts.database.transaction((tx) => retryAt(tx, row, { at, ...o }));
  }

  #nextTry(row: InboxRow): number {
    return this.#parts.clock.now() + Math.min(LONGEST_RETRY_MS, 1_000 * 2 ** Math.min(row.attempts, 10));
  }

  async #putOff(merchant: string, ms: number, reason: string): Promise<void> {
    const { database, clock } = this.#parts;
    const now = clock.now();
    await database.transaction((tx) => putOffMerchant(tx, merchant, { now, at: now + ms, reason }));
  }
}

function ownMessage(row: InboxRow, own: OpenedMessage): OwnMessage {
  const { content, kind, tags, created_at, rumorId } = own;
  return { merchant: row.merchant, eventId: row.event_id, rumorId, content, kind, tags, created_at };
}

/** Waits for all of it, whatever fails; then throws what failed first. */
async function allOf(work: Promise<void>[]): Promise<void> {
  const done = await Promise.allSettled(work);
  for (const one of done) if (one.status === "rejected") throw one.reason;
}
