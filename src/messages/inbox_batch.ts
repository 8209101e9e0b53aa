import { setImmediate } from "node:timers";
import { readMessage } from "../dialects/dialects.ts";
import { errorText } from "../log.ts";
import { openEnvelope } from "../nostr/envelope.ts";
import type { NostrIdentity } from "../nostr/identity.ts";
import { decide, type ReadMessage } from "./decide.ts";
import { finish, type InboxRow, putOffMerchant, retryAt } from "./inbox_store.ts";
import type { InboxWorkerParts } from "./inbox_worker.ts";

/** Envelopes opened in one turn of the event loop: cryptography in this process holds up everything else. */
const OPENED_AT_ONCE = 8;
const UNSERVED_MS = 60_000;
const LONGEST_RETRY_MS = 5 * 60_000;
/** A message that fails this often, over about half an hour, is left to people. */
const MOST_TRIES = 14;
/** Two processes that take the same new order or rumor at once. */
const UNIQUE_VIOLATION = "23505";
const REASON_MOST = 300;

/**
 * One batch of the inbox: envelopes are opened and read outside of any transaction, then each message is decided in one.
 * Messages of one customer are decided in order of arrival, those of different customers side by side.
 */
export class InboxBatch {
  readonly #parts: Omit<InboxWorkerParts, "lease">;

  constructor(parts: Omit<InboxWorkerParts, "lease">) {
    this.#parts = parts;
  }

  async work(rows: InboxRow[]): Promise<void> {
    const read: ReadMessage[] = [];
    for (const [merchant, theirs] of Map.groupBy(rows, (row) => row.merchant)) {
      const identity = this.#parts.identityOf(merchant);
      if (identity) read.push(...await this.#readAll(theirs, identity));
      else await this.#putOff(merchant);
    }
    read.sort((a, b) => a.row.seq - b.row.seq);
    const bySender = Map.groupBy(read, ({ row, message }) => `${row.merchant}:${message.sender}`);
    const done = await Promise.allSettled([...bySender.values()].map(async (messages) => {
      for (const message of messages) await this.#decide(message);
    }));
    for (const one of done) if (one.status === "rejected") throw one.reason;
  }

  async #readAll(rows: InboxRow[], identity: NostrIdentity): Promise<ReadMessage[]> {
    const read: ReadMessage[] = [];
    for (let i = 0; i < rows.length; i += OPENED_AT_ONCE) {
      const some = rows.slice(i, i + OPENED_AT_ONCE);
      for (const one of await Promise.all(some.map((row) => this.#read(row, identity)))) {
        if (one) read.push(one);
      }
      if (i + OPENED_AT_ONCE < rows.length) await new Promise<void>((turn) => setImmediate(() => turn()));
    }
    return read;
  }

  /** Null when there is nothing to decide: not authentic, not for us, or not to be opened now. */
  async #read(row: InboxRow, identity: NostrIdentity): Promise<ReadMessage | null> {
    const { database, verifier, log } = this.#parts;
    try {
      const opened = await openEnvelope(JSON.parse(row.event), identity.signer, verifier);
      if (opened.ok) {
        const { message } = opened;
        const { kind, tags } = message;
        return {
          row,
          message,
          reading: readMessage(message.content, { kind, tags, merchant: row.merchant }),
        };
      }
      const { reason } = opened;
      if (opened.retry) await this.#retry(row, { reason });
      else await database.transaction((tx) => finish(tx, row, { state: "dropped", reason }));
      log.debug(opened.retry ? "inbox.unopened" : "inbox.dropped", { event_id: row.event_id, reason });
    } catch (error) {
      await this.#failed(row, error);
    }
    return null;
  }

  async #decide(read: ReadMessage): Promise<void> {
    const { database, clock, random, termsOf, rate } = this.#parts;
    for (let attempt = 1;; attempt++) {
      try {
        const terms = termsOf(read.row.merchant);
        await database.transaction((tx) => decide(tx, read, { terms, rate, random, now: clock.now() }));
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
    const { database, clock } = this.#parts;
    const at = clock.now() + Math.min(LONGEST_RETRY_MS, 1_000 * 2 ** Math.min(row.attempts, 10));
    await database.transaction((tx) => retryAt(tx, row, { at, ...o }));
  }

  async #putOff(merchant: string): Promise<void> {
    const { database, clock } = this.#parts;
    const now = clock.now();
    const off = { now, at: now + UNSERVED_MS, reason: "the merchant isn't served now" };
    await database.transaction((tx) => putOffMerchant(tx, merchant, off));
  }
}
