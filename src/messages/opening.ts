import { setImmediate } from "node:timers";
import type { Clock } from "../clock.ts";
import { readMessage } from "../dialects/dialects.ts";
import { Deadline, unlessAborted } from "../nostr/deadline.ts";
import { type OpenedMessage, openEnvelope, type OpenResult } from "../nostr/envelope.ts";
import { WRAP_KINDS } from "../nostr/gift_wrap.ts";
import type { NostrIdentity } from "../nostr/identity.ts";
import type { Verifier } from "../nostr/verify.ts";
import type { ReadMessage } from "./decide.ts";
import type { InboxRow } from "./inbox_store.ts";

/** Envelopes opened in one turn of the event loop: cryptography in this process holds up everything else. */
const AT_ONCE = 8;
/** An envelope that takes longer than this has another try; the signer goes on with it meanwhile. */
const PATIENCE_MS = 2_000;
/** A signer that has said nothing for so long is asked anew. */
const FORGET_MS = 60_000;
/** A merchant whose signer answered nothing at all isn't read for a while. */
const STUCK_REST_MS = 2_000;
/** A batch of one merchant that takes longer than this is cut off, and others are read in between. */
const SLOW_MS = 2_000;
const SLOW_REST_MS = 200;

/** What became of an event that isn't there to be decided. */
export type Unread =
  /** Not authentic, not for us, not to be decrypted; or what the merchant's own key said. */
  | { row: InboxRow; as: "dropped"; reason: string; own?: OpenedMessage }
  /** It couldn't be opened now. */
  | { row: InboxRow; as: "later"; reason: string; sender?: string }
  | { row: InboxRow; as: "failed"; error: unknown };

type Opened = { row: InboxRow; as: "read"; read: ReadMessage } | Unread;

/** What came of one merchant's part of a batch. What is in neither list wasn't looked at, and waits on. */
export interface OpenedAll {
  read: ReadMessage[];
  unread: Unread[];
}

/** Opens envelopes, outside of any transaction. A signer that takes its time holds up nobody else for long. */
export class Opening {
  readonly #clock: Clock;
  readonly #verifier: Verifier;
  /** What signers are still working on, by the row's number. */
  readonly #slow = new Map<number, { opening: Promise<OpenResult>; since: number }>();
  /** Until when (monotonic ms) a merchant isn't read. */
  readonly #resting = new Map<string, number>();

  constructor(o: { clock: Clock; verifier: Verifier }) {
    this.#clock = o.clock;
    this.#verifier = o.verifier;
  }

  /** Merchants whose signer is slow: others are read first. */
  resting(): string[] {
    const now = this.#clock.monotonic();
    for (const [merchant, until] of this.#resting) if (until <= now) this.#resting.delete(merchant);
    return [...this.#resting.keys()];
  }

  /** Opens and reads one merchant's events. */
  async all(rows: InboxRow[], identity: NostrIdentity): Promise<OpenedAll> {
    const opened: Opened[] = [];
    const began = this.#clock.monotonic();
    for (const [seq, { since }] of this.#slow) if (began - since > FORGET_MS) this.#slow.delete(seq);
    for (let i = 0; i < rows.length; i += AT_ONCE) {
      using deadline = new Deadline(this.#clock, PATIENCE_MS);
      const some = rows.slice(i, i + AT_ONCE);
      const these = await Promise.all(some.map((row) => this.#open(row, identity, deadline.signal)));
      opened.push(...these);
      const now = this.#clock.monotonic();
      const stuck = deadline.expired && these.every((one) => one.as === "later");
      const rest = stuck ? STUCK_REST_MS : now - began >= SLOW_MS ? SLOW_REST_MS : 0;
      if (rest > 0) {
        this.#resting.set(identity.pubkey, now + rest);
        break;
      }
      if (i + AT_ONCE < rows.length) await new Promise<void>((turn) => setImmediate(() => turn()));
    }
    return {
      read: opened.flatMap((one) => one.as === "read" ? [one.read] : []),
      unread: opened.filter((one) => one.as !== "read"),
    };
  }

  async #open(row: InboxRow, identity: NostrIdentity, signal: AbortSignal): Promise<Opened> {
    try {
      const opened = await unlessAborted(this.#opening(row, identity), signal);
      this.#slow.delete(row.seq);
      if (opened.ok) {
        const { message } = opened;
        const { kind, tags } = message;
        const reading = readMessage(message.content, { kind, tags, merchant: row.merchant });
        return { row, as: "read", read: { row, message, reading } };
      }
      const { reason, own } = opened;
      if (opened.retry) return { row, as: "later", reason, ...knownSender(row) };
      return { row, as: "dropped", reason, ...(own && { own }) };
    } catch (error) {
      if (error !== signal.reason) {
        this.#slow.delete(row.seq);
        return { row, as: "failed", error };
      }
      return { row, as: "later", reason: "the signer takes too long", ...knownSender(row) };
    }
  }

  /** The one attempt that is under way for this row, or a new one. */
  #opening(row: InboxRow, identity: NostrIdentity): Promise<OpenResult> {
    const slow = this.#slow.get(row.seq);
    if (slow) return slow.opening;
    const opening = openEnvelope(JSON.parse(row.event), identity.signer, this.#verifier);
    this.#slow.set(row.seq, { opening, since: this.#clock.monotonic() });
    return opening;
  }
}

/** A direct message's sender is its author, before it is opened; of a wrap nobody knows. */
function knownSender(row: InboxRow): { sender?: string } {
  return WRAP_KINDS.includes(row.kind) ? {} : { sender: row.author };
}
