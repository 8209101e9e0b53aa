import type { NostrEvent } from "@nostrify/types";
import { type Clock, seconds } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import type { Random } from "../random.ts";
import type { Service } from "../service.ts";
import { backOff } from "./backoff.ts";
import type { NostrIdentity } from "./identity.ts";
import { LruMap } from "./lru_map.ts";
import { openOwn, type OwnMessage } from "./own_message.ts";
import { textList } from "./sql_list.ts";
import type { Verifier } from "./verify.ts";

const TICK_MS = 1_000;
/** Events that wait for the next tick; more are counted and let go: the next of them will do as well. */
const MOST_WAITING = 5_000;
const LOOK_BACK_SECONDS = 10 * 60;
const BACK_OFF = { firstMs: 5_000, mostMs: 10 * 60_000 };
const JUDGED = 5_000;

export interface OwnEventsParts {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  verifier: Verifier;
  /** The keys to watch, with their relays; asked again every second. */
  identities(): NostrIdentity[];
  /** Called for each message of a key that this installation didn't post. If it rejects, it is called again. */
  onForeign(own: OwnMessage): Promise<void>;
}

/**
 * Watches what the merchants' own keys write (kind 4) on their relays. What we posted comes back as well and is recognised by
 * its id alone; only the rest is verified and opened. Who wrote a gift wrap can't be seen from outside: those come by the inbox.
 */
export class OwnEvents implements Service {
  readonly #o: OwnEventsParts;
  readonly #stop = new AbortController();
  readonly #watched = new Map<string, Promise<void>>();
  readonly #waiting = new Map<string, { event: NostrEvent; identity: NostrIdentity }>();
  readonly #judged = new LruMap<string, true>(JUDGED);
  #running: Promise<void> | undefined;

  constructor(parts: OwnEventsParts) {
    this.#o = parts;
  }

  start(): Promise<void> {
    this.#running = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the program stops"));
    await this.#running;
    await Promise.all(this.#watched.values());
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#o;
    while (!this.#stop.signal.aborted) {
      this.#follow();
      try {
        await this.#judge();
      } catch (error) {
        log.error("own_events.unjudged", { waiting: this.#waiting.size, error: errorText(error) });
      }
      await clock.sleep(TICK_MS, this.#stop.signal);
    }
  }

  #follow(): void {
    for (const identity of this.#o.identities()) {
      for (const url of new Set([...identity.relays, ...identity.dmRelays])) {
        const name = `${identity.pubkey} ${url}`;
        if (!this.#watched.has(name)) this.#watched.set(name, this.#watch(identity, url));
      }
    }
  }

  /** Never rejects. */
  async #watch(identity: NostrIdentity, url: string): Promise<void> {
    const { clock, random, log } = this.#o;
    const signal = this.#stop.signal;
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        for await (const message of identity.pool.link(url).req([this.#filter(identity)], { signal })) {
          if (message[0] === "CLOSED") throw new Error(`the relay ended the subscription: ${message[2]}`);
          if (message[0] === "EOSE") failures = 1;
          else this.#take(identity, message[2]);
        }
      } catch (error) {
        if (signal.aborted) return;
        const ms = backOff(failures, random, BACK_OFF.firstMs, BACK_OFF.mostMs);
        log.debug("own_events.interrupted", { relay: url, error: errorText(error), ms });
        await clock.sleep(ms, signal);
      }
    }
  }

  #filter({ pubkey }: NostrIdentity) {
    const since = seconds(this.#o.clock.now()) - LOOK_BACK_SECONDS;
    return { kinds: [4], authors: [pubkey], since, limit: 500 };
  }

  #take(identity: NostrIdentity, event: NostrEvent): void {
    // With the signature: a forged copy mustn't hide the event itself.
    const key = event.id + event.sig;
    if (this.#judged.get(key) || this.#waiting.size >= MOST_WAITING) return;
    this.#waiting.set(key, { event, identity });
  }

  async #judge(): Promise<void> {
    const batch = [...this.#waiting];
    if (batch.length === 0) return;
    const ours = await this.#posted(batch.map(([, { event }]) => event.id));
    for (const [key, { event, identity }] of batch) {
      if (!ours.has(event.id) && this.#isAuthentic(event, identity)) {
        const own = await openOwn(event, identity.signer);
        if (own) await this.#o.onForeign(own);
      }
      this.#waiting.delete(key);
      this.#judged.set(key, true);
    }
  }

  async #posted(ids: string[]): Promise<Set<string>> {
    const { database } = this.#o;
    const rows = await database.kysely.selectFrom("outbox_events").select("event_id")
      .where("event_id", "in", textList(database.dialect, ids)).execute();
    return new Set(rows.map((row) => row.event_id));
  }

  #isAuthentic(event: NostrEvent, { pubkey }: NostrIdentity): boolean {
    return event.kind === 4 && event.pubkey === pubkey && this.#o.verifier.verify(event);
  }
}
