import type { NostrEvent } from "@nostrify/types";
import { PRODUCT_KIND, STALL_KIND } from "../catalog/publish_queue.ts";
import { type Clock, seconds } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import { readOwnWords } from "../messages/own_words.ts";
import { catchUp } from "../nostr/catch_up.ts";
import type { NostrIdentity } from "../nostr/identity.ts";
import type { Verifier } from "../nostr/verify.ts";
import type { Service } from "../service.ts";
import { keepPublished } from "./reconcile_store.ts";
import type { RestoreFence } from "./restore_fence.ts";

/** Further back than the backup's newest line: what a relay got late, and clocks that differ. */
const OVERLAP_SECONDS = 3_600;
const ANSWER_MS = 20_000;
const AGAIN_MS = 10_000;

/** How far a relay has been read. `null` is the built-in one. */
export interface ReadRelay {
  merchant: string;
  relay: string | null;
  state: "waiting" | "read" | "failed";
  /** Messages of the merchant's key since the backup. */
  messages: number;
  /** What went wrong last, or what stays uncertain. */
  note: string | null;
}

export interface ReconciliationParts {
  database: Database;
  clock: Clock;
  log: Log;
  verifier: Verifier;
  fence: RestoreFence;
  owners: ReadonlySet<string>;
  identities(): NostrIdentity[];
}

/** While the fence of a restore stands: reads from every relay what the merchants' keys have said and published since the backup. */
export class Reconciliation implements Service {
  readonly #o: ReconciliationParts;
  readonly #stop = new AbortController();
  readonly #relays = new Map<string, ReadRelay>();
  #running: Promise<void> | undefined;

  constructor(parts: ReconciliationParts) {
    this.#o = parts;
  }

  start(): Promise<void> {
    if (this.#o.fence.up) this.#running = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the program stops"));
    await this.#running;
  }

  /** Every relay of every merchant, in the order of the settings. */
  status(): ReadRelay[] {
    this.#follow();
    return [...this.#relays.values()];
  }

  async #run(): Promise<void> {
    const { clock, fence } = this.#o;
    while (fence.up && !this.#stop.signal.aborted) {
      this.#follow();
      const open = [...this.#relays.values()].filter(({ state }) => state !== "read");
      await Promise.all(open.map((one) => this.#read(one)));
      await clock.sleep(AGAIN_MS, this.#stop.signal);
    }
  }

  #follow(): void {
    for (const { pubkey: merchant, relays, dmRelays } of this.#o.identities()) {
      for (const relay of [null, ...new Set([...relays, ...dmRelays])]) {
        const name = `${merchant} ${relay}`;
        if (this.#relays.has(name)) continue;
        this.#relays.set(name, { merchant, relay, state: "waiting", messages: 0, note: null });
      }
    }
  }

  /** Never rejects. */
  async #read(one: ReadRelay): Promise<void> {
    const { fence, log } = this.#o;
    const identity = this.#o.identities().find(({ pubkey }) => pubkey === one.merchant);
    if (!identity || fence.fact === null) return;
    const since = seconds(fence.fact.backup_at) - OVERLAP_SECONDS;
    const { signal } = this.#stop;
    try {
      const words = await readOwnWords(this.#o, identity, one.relay, since, signal);
      if (one.relay !== null) await this.#catalogue(identity, one.relay, since, signal);
      one.messages = words.messages;
      one.note = words.hidden > 0 ? `it hides messages of ${words.hidden} crowded seconds` : null;
      one.state = "read";
      log.info("restore.relay_read", { merchant: one.merchant, relay: one.relay ?? "built-in", ...words });
    } catch (error) {
      if (signal.aborted) return;
      one.state = "failed";
      one.note = errorText(error);
      log.warn("restore.relay_unread", { merchant: one.merchant, relay: one.relay, error: one.note });
    }
  }

  async #catalogue(
    identity: NostrIdentity,
    relay: string,
    since: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { database, verifier } = this.#o;
    const { pubkey: merchant } = identity;
    const link = identity.pool.link(relay);
    const filter = { kinds: [STALL_KIND, PRODUCT_KIND], authors: [merchant] };
    const newest = new Map<string, NostrEvent>();
    for await (
      const { events } of catchUp((one) => link.query([one], { timeoutMs: ANSWER_MS, signal }), filter, since)
    ) {
      for (const event of events) {
        if (event.pubkey !== merchant || !filter.kinds.includes(event.kind) || !verifier.verify(event)) {
          continue;
        }
        const address = `${event.kind}:${dOf(event)}`;
        const before = newest.get(address);
        if (!before || before.created_at < event.created_at) newest.set(address, event);
      }
    }
    await keepPublished(
      database,
      [...newest.values()].map((event) => ({
        merchant,
        kind: event.kind,
        d: dOf(event),
        event_id: event.id,
        at_seconds: event.created_at,
        content: event.content,
      })),
    );
  }
}

function dOf(event: NostrEvent): string {
  return event.tags.find(([name]) => name === "d")?.[1] ?? "";
}
