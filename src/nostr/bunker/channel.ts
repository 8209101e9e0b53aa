import type { NostrEvent, NostrFilter } from "@nostrify/types";
import { type Clock, seconds } from "../../clock.ts";
import { errorText, type Log } from "../../log.ts";
import type { Random } from "../../random.ts";
import { backOff } from "../backoff.ts";
import { unlessAborted } from "../deadline.ts";
import type { Verifier } from "../event_crypto.ts";
import { cipherOf, decryptPayload, MAX_PAYLOAD_CHARS } from "../payload.ts";
import type { RelayPool } from "../relay_pool.ts";
import type { MerchantSigner } from "../signer.ts";
import { BUNKER_KIND } from "./messages.ts";

/** Clocks differ: an answer may be dated before its request. */
const OVERLAP_SECONDS = 120;
const SEEN_EVENTS = 2_000;

export interface BunkerChannelOptions {
  bunkerPubkey: string;
  relays: readonly string[];
  /** The connection's own key; the pool is that key's, too. */
  client: MerchantSigner;
  pool: RelayPool;
  verifier: Verifier;
  clock: Clock;
  random: Random;
  log: Log;
  /** What the signer said, authentic, in the cipher that it used. */
  onText: (text: string, cipher: "nip04" | "nip44") => void;
}

/** What a remote signer sends to one client: a subscription on each relay, begun anew whenever it ends. */
export class BunkerChannel {
  readonly #o: BunkerChannelOptions;
  readonly #closed = new AbortController();
  readonly #live = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #since: number;
  #waiting: (() => void)[] = [];
  #begun = false;

  constructor(options: BunkerChannelOptions) {
    this.#o = options;
    this.#since = seconds(options.clock.now()) - OVERLAP_SECONDS;
  }

  /** Resolves when a relay has confirmed its subscription: an answer to what is sent before that is lost. */
  ready(signal: AbortSignal): Promise<void> {
    this.#open();
    if (this.#live.size > 0) return Promise.resolve();
    return unlessAborted(new Promise<void>((resolve) => this.#waiting.push(resolve)), signal);
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error("the connection to the remote signer was closed"));
    await Promise.all(this.#tasks);
  }

  #open(): void {
    if (this.#begun || this.#closed.signal.aborted) return;
    this.#begun = true;
    for (const url of this.#o.relays) this.#track(this.#listen(url));
  }

  async #listen(url: string): Promise<void> {
    const { clock, random, log, pool } = this.#o;
    const filter: NostrFilter = {
      kinds: [BUNKER_KIND],
      authors: [this.#o.bunkerPubkey],
      "#p": [this.#o.client.pubkey],
      since: this.#since,
    };
    let failures = 0;
    while (!this.#closed.signal.aborted) {
      try {
        for await (const message of pool.link(url).req([filter], { signal: this.#closed.signal })) {
          if (message[0] === "CLOSED") throw new Error(`the relay ended the subscription: ${message[2]}`);
          if (message[0] === "EVENT") this.#track(this.#receive(message[2]));
          else {
            failures = 0;
            this.#live.add(url);
            for (const resolve of this.#waiting.splice(0)) resolve();
          }
        }
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        log.info("bunker.subscription_ended", { relay: url, error: errorText(error) });
      } finally {
        this.#live.delete(url);
      }
      await clock.sleep(backOff(++failures, random, 500, 30_000), this.#closed.signal);
    }
  }

  /** Once for each authentic event, whichever relay brings it. */
  async #receive(event: NostrEvent): Promise<void> {
    const { bunkerPubkey, client, verifier, log } = this.#o;
    if (event.pubkey !== bunkerPubkey || event.kind !== BUNKER_KIND) return;
    if (this.#seen.has(event.id) || event.content.length > MAX_PAYLOAD_CHARS) return;
    // Before it counts as seen, so that a forged copy can't hide the real one.
    if (!verifier.verify(event)) return log.warn("bunker.forged_event", { event_id: event.id });
    this.#seen.add(event.id);
    if (this.#seen.size > SEEN_EVENTS) this.#seen.delete(this.#seen.values().next().value!);
    const text = await decryptPayload(client, bunkerPubkey, event.content);
    if (text === null) return log.warn("bunker.unreadable_answer", { event_id: event.id });
    this.#o.onText(text, cipherOf(event.content)!);
  }

  #track(work: Promise<void>): void {
    const task = work.catch((error) => this.#o.log.error("bunker.fault", { error: errorText(error) }))
      .finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }
}
