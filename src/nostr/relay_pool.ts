import { NPool, NSet } from "@nostrify/nostrify";
import type { NostrEvent, NostrFilter } from "@nostrify/types";
import type { Clock } from "../clock.ts";
import { errorText, type Log } from "../log.ts";
import type { Random } from "../random.ts";
import { LinkError, type Receipt, RelayLink, type RelayOptions, type RelayStatus } from "./relay_link.ts";
import { relayUrl } from "./relay_url.ts";
import type { MerchantSigner } from "./signer.ts";
import { pureCrypto, type Verifier } from "./verify.ts";

export type { Receipt, RelayOptions, RelayStatus } from "./relay_link.ts";

/** One relay's part of a look-up. */
export type RelayAnswer = { url: string; ok: true; events: NostrEvent[] } | {
  url: string;
  ok: false;
  reason: string;
};

/** More links than this, and those that nobody uses are forgotten: customers name relays too. */
const MAX_LINKS = 200;

/** Relays of strangers that are in use at once: whoever makes up many must not cost us a socket for each. */
const MOST_GUARDED = 60;

/** All relays that one key talks to. One pool per key, because AUTH (NIP-42) belongs to a key. */
export class RelayPool {
  readonly #pool: NPool<RelayLink>;
  readonly #verify: (event: NostrEvent) => boolean;
  readonly #guarded: (url: string) => boolean;

  /**
   * `signer` null: never authenticates. Without `verifier` look-ups are verified in plain JavaScript, 2,000 events a second.
   * `trusted`: what the operator has set, which may be loopback or `ws:`; every other relay is connected to only by TLS and at
   * a public address. Without it all are trusted: for pools that never meet a stranger's URL.
   */
  constructor(o: {
    signer: MerchantSigner | null;
    clock: Clock;
    random: Random;
    log: Log;
    verifier?: Verifier;
    trusted?: readonly string[];
    relayOptions?: Partial<RelayOptions>;
  }) {
    const { signer, clock, random, log, verifier } = o;
    const options = o.relayOptions ?? {};
    const trusted = o.trusted && new Set(o.trusted.map((url) => relayUrl(url) ?? url));
    this.#guarded = (url) => trusted !== undefined && !trusted.has(url);
    this.#verify = (event) => (verifier ?? pureCrypto).verify(event);
    this.#pool = new NPool({
      open: (url) => new RelayLink({ url, guarded: this.#guarded(url), signer, clock, random, log, options }),
      reqRouter: (filters) => new Map([...this.#pool.relays.keys()].map((url) => [url, filters])),
      eventRouter: () => [...this.#pool.relays.keys()],
    });
  }

  /**
   * The link to a relay, made when there is none. Throws for a text that isn't a relay's URL, and a `LinkError` when too many
   * relays of strangers are in use.
   */
  link(text: string): RelayLink {
    const url = relayUrl(text) ?? text;
    const known = this.#pool.relays.get(url);
    if (known) return known;
    if (this.#guarded(url) && this.#guardedInUse() >= MOST_GUARDED) {
      throw new LinkError(`${MOST_GUARDED} relays of customers are in use; this one has to wait`);
    }
    if (this.#pool.relays.size >= MAX_LINKS) this.#forgetUnused();
    return this.#pool.relay(url);
  }

  /** Publishes to one relay. Resolves with its answer; rejects by deadline or when there is no connection. */
  async publish(url: string, event: NostrEvent, signal?: AbortSignal): Promise<Receipt> {
    return await this.link(url).publish(event, signal);
  }

  /** Asks every relay and says what each answered, verified; never rejects. Who must not take silence for "nothing" uses this. */
  queryEach(
    urls: readonly string[],
    filters: NostrFilter[],
    o: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<RelayAnswer[]> {
    return Promise.all(urls.map(async (url): Promise<RelayAnswer> => {
      try {
        const events = await this.link(url).query(filters, o);
        return { url, ok: true, events: events.filter(this.#verify) };
      } catch (error) {
        return { url, ok: false, reason: errorText(error) };
      }
    }));
  }

  /**
   * What any of the relays has, newest first, verified: of replaceable events the newest version, without what a kind 5
   * among them deletes. Relays that fail or are late count as empty.
   */
  async query(
    urls: readonly string[],
    filters: NostrFilter[],
    o: { timeoutMs: number },
  ): Promise<NostrEvent[]> {
    const set = new NSet();
    for (const answer of await this.queryEach(urls, filters, o)) {
      if (answer.ok) { for (const event of answer.events) set.add(event); }
    }
    return [...set].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1));
  }

  /** Of every relay that was used and not forgotten. */
  status(): RelayStatus[] {
    return [...this.#pool.relays.values()].map((link) => link.status());
  }

  /** Ends all connections. */
  close(): Promise<void> {
    return this.#pool.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #guardedInUse(): number {
    let used = 0;
    for (const link of this.#pool.relays.values()) if (link.guarded && !link.unused) used++;
    return used;
  }

  #forgetUnused(): void {
    // NPool itself never forgets a relay; its map is only typed read-only.
    const relays = this.#pool.relays as Map<string, RelayLink>;
    for (const [url, link] of relays) if (link.unused) relays.delete(url);
  }
}
