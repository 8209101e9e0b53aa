import type { NostrEvent, NostrFilter } from "@nostrify/types";
import { type Clock, seconds } from "../../clock.ts";
import { errorText, type Log } from "../../log.ts";
import { backOff } from "../../nostr/backoff.ts";
import { unlessAborted } from "../../nostr/deadline.ts";
import { decryptPayload, MAX_PAYLOAD_CHARS } from "../../nostr/payload.ts";
import type { RelayPool } from "../../nostr/relay_pool.ts";
import type { MerchantSigner } from "../../nostr/signer.ts";
import type { Verifier } from "../../nostr/verify.ts";
import type { Random } from "../../random.ts";
import { LEGACY_NOTIFICATION, NOTIFICATION, RESPONSE } from "./messages.ts";

/** Relays may be late and clocks differ: a new subscription goes back so far. */
const OVERLAP_SECONDS = 120;
const SEEN_EVENTS = 2_000;

export interface ChannelOptions {
  walletPubkey: string;
  relays: readonly string[];
  /** The connection's own key; the pool is that key's, too. */
  signer: MerchantSigner;
  pool: RelayPool;
  verifier: Verifier;
  clock: Clock;
  random: Random;
  log: Log;
  /** An authentic response to the request `id`; null when it can't be decrypted. */
  onResponse: (id: string, text: string | null) => void;
  onNotification: (text: string) => void;
  /** A subscription began anew: something may have been missed. */
  onGap: () => void;
}

/** What a wallet service sends to one connection: a subscription on each relay, begun anew whenever it ends. */
export class NwcChannel {
  readonly #o: ChannelOptions;
  readonly #closed = new AbortController();
  #session = new AbortController();
  #sessions = 0;
  readonly #live = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #tasks = new Set<Promise<void>>();
  #since: number;
  readonly #waiting = new Set<() => void>();
  #begun = false;

  constructor(options: ChannelOptions) {
    this.#o = options;
    this.#since = seconds(options.clock.now());
  }

  /** Begins to listen; calling it again does nothing. */
  open(): void {
    if (this.#begun || this.#closed.signal.aborted) return;
    this.#begun = true;
    for (const url of this.#o.relays) this.#track(this.#listen(url));
  }

  /** Resolves when a relay has confirmed its subscription: an answer to what is sent before that may be lost. */
  async ready(signal: AbortSignal): Promise<void> {
    this.open();
    if (this.#live.size > 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    try {
      await unlessAborted(promise, signal);
    } finally {
      this.#waiting.delete(resolve);
    }
  }

  /** How many wait for a relay. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Another number each time that all subscriptions are begun anew. */
  get session(): number {
    return this.#sessions;
  }

  /** Begins all subscriptions anew: relays take requests and bring no answers. */
  again(): void {
    this.#sessions++;
    this.#session.abort(new Error("answers don't come"));
    this.#session = new AbortController();
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error("the wallet connection was closed"));
    await Promise.all(this.#tasks);
  }

  async #listen(url: string): Promise<void> {
    const { clock, random, log, pool } = this.#o;
    let failures = 0;
    for (let first = true; !this.#closed.signal.aborted; first = false) {
      const session = this.#session.signal;
      try {
        const signal = AbortSignal.any([this.#closed.signal, session]);
        for await (const message of pool.link(url).req([this.#filter()], { signal })) {
          if (message[0] === "CLOSED") throw new Error(`the relay ended the subscription: ${message[2]}`);
          if (message[0] === "EVENT") this.#track(this.#receive(message[2]));
          else {
            failures = 0;
            this.#live.add(url);
            for (const resolve of this.#waiting) resolve();
            if (!first) this.#o.onGap();
          }
        }
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        log.info("nwc.subscription_ended", { relay: url, error: errorText(error) });
      } finally {
        this.#live.delete(url);
      }
      // The relay did nothing wrong that it could be spared for.
      if (session.aborted) continue;
      await clock.sleep(backOff(++failures, random, 500, 30_000), this.#closed.signal);
    }
  }

  #filter(): NostrFilter {
    return {
      kinds: [RESPONSE, LEGACY_NOTIFICATION, NOTIFICATION],
      authors: [this.#o.walletPubkey],
      "#p": [this.#o.signer.pubkey],
      since: this.#since - OVERLAP_SECONDS,
    };
  }

  /** Once for each authentic event, whichever relay brings it. */
  async #receive(event: NostrEvent): Promise<void> {
    const { walletPubkey, signer, verifier, log, clock } = this.#o;
    if (
      event.pubkey !== walletPubkey || this.#seen.has(event.id) || event.content.length > MAX_PAYLOAD_CHARS
    ) return;
    // Before it counts as seen, so that a forged copy can't hide the real one.
    if (!verifier.verify(event)) return log.warn("nwc.forged_event", { event_id: event.id });
    this.#remember(event.id);
    this.#since = Math.max(this.#since, Math.min(event.created_at, seconds(clock.now())));
    // By the payload's form and not the kind: wallets mix them up.
    const text = await decryptPayload(signer, walletPubkey, event.content);
    if (event.kind !== RESPONSE) {
      if (text === null) log.warn("nwc.notification_unreadable", { event_id: event.id });
      else this.#o.onNotification(text);
      return;
    }
    const id = event.tags.find(([name]) => name === "e")?.[1];
    if (id !== undefined) this.#o.onResponse(id, text);
  }

  #remember(id: string): void {
    this.#seen.add(id);
    if (this.#seen.size > SEEN_EVENTS) this.#seen.delete(this.#seen.values().next().value!);
  }

  #track(work: Promise<void>): void {
    const task = work.catch((error) => this.#o.log.error("nwc.fault", { error: errorText(error) }))
      .finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }
}
