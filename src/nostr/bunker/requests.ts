import { type Clock, seconds } from "../../clock.ts";
import { errorText, type Log } from "../../log.ts";
import type { Random } from "../../random.ts";
import type { Verifier } from "../event_crypto.ts";
import type { RelayPool } from "../relay_pool.ts";
import type { MerchantSigner } from "../signer.ts";
import { BunkerChannel } from "./channel.ts";
import { BUNKER_KIND, type BunkerMethod, readAnswer } from "./messages.ts";

/** Requests whose answer may still come: somebody may have to approve it first. */
const MOST_REMEMBERED = 500;

/** The signer answered that it won't, or can't. Its own words, which may quote what it was asked: never for a log. */
export class BunkerRefusal extends Error {
  override readonly name = "BunkerRefusal";
}

export interface BunkerRequestsOptions {
  bunkerPubkey: string;
  relays: readonly string[];
  client: MerchantSigner;
  pool: RelayPool;
  verifier: Verifier;
  clock: Clock;
  random: Random;
  log: Log;
  /** After so long without an answer the request goes out again, each time once. */
  resendMs: readonly number[];
  /** Anything authentic came: the signer is awake. */
  onHeard: () => void;
  /** Somebody has to approve a request on this page. */
  onAuthUrl: (url: string) => void;
}

interface Asked {
  answer: PromiseWithResolvers<string>;
  held: AbortController;
  over: AbortController;
}

/** A request that is under way. */
export interface BunkerRequest {
  /** Rejects with a `BunkerRefusal`; or never settles. */
  readonly answer: Promise<string>;
  /** Fires when somebody has to approve it first. */
  readonly held: AbortSignal;
  /** No more sending; an answer that still comes is taken. */
  rest(): void;
}

/** Requests to a remote signer and its answers, matched by the request's id (NIP-46). */
export class BunkerRequests {
  readonly #o: BunkerRequestsOptions;
  readonly #channel: BunkerChannel;
  readonly #asked = new Map<string, Asked>();
  readonly #sending = new Set<Promise<void>>();
  readonly #closed = new AbortController();
  /** The one that the signer was heard in; until then both are tried (NIP-46 began with NIP-04). */
  #cipher: "nip04" | "nip44" | null = null;

  constructor(options: BunkerRequestsOptions) {
    this.#o = options;
    this.#channel = new BunkerChannel({ ...options, onText: (text, cipher) => this.#heard(text, cipher) });
  }

  /** Asks. What is asked is harmless to repeat, so it is sent again, under the same id, until `rest()` or an answer. */
  begin(method: BunkerMethod, params: string[]): BunkerRequest {
    const id = this.#o.random.uuid();
    const asked: Asked = {
      answer: Promise.withResolvers(),
      held: new AbortController(),
      over: new AbortController(),
    };
    // It may be refused when nobody waits any more.
    asked.answer.promise.catch(() => {});
    this.#asked.set(id, asked);
    if (this.#asked.size > MOST_REMEMBERED) this.#forgetOldest();
    const signal = AbortSignal.any([asked.over.signal, this.#closed.signal]);
    const sending = this.#send(JSON.stringify({ id, method, params }), signal)
      .catch((error) => {
        if (signal.aborted) return;
        this.#o.log.error("bunker.fault", { method, error: errorText(error) });
        asked.answer.reject(error);
      })
      .finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
    return { answer: asked.answer.promise, held: asked.held.signal, rest: () => asked.over.abort() };
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all(this.#sending);
    await this.#channel.close();
  }

  async #send(text: string, signal: AbortSignal): Promise<void> {
    const { clock, relays, resendMs } = this.#o;
    const ciphers = ["nip44", "nip04"] as const;
    for (let i = 0; !signal.aborted; i++) {
      await this.#channel.ready(signal);
      const event = await this.#sealed(text, this.#cipher ?? ciphers[i % 2]!);
      await Promise.all(relays.map((url) => this.#publish(url, event, signal)));
      const wait = resendMs[i];
      if (wait === undefined) return;
      await clock.sleep(wait, signal);
    }
  }

  /** A fresh event each time: relays and signers drop an id that they have seen. */
  async #sealed(text: string, cipher: "nip04" | "nip44") {
    const { client, bunkerPubkey, clock } = this.#o;
    return await client.signEvent({
      kind: BUNKER_KIND,
      created_at: seconds(clock.now()),
      content: await client[cipher].encrypt(bunkerPubkey, text),
      tags: [["p", bunkerPubkey]],
    });
  }

  async #publish(url: string, event: Awaited<ReturnType<MerchantSigner["signEvent"]>>, signal: AbortSignal) {
    const { pool, log } = this.#o;
    try {
      const { ok, message } = await pool.publish(url, event, signal);
      if (!ok) log.info("bunker.relay_refused", { relay: url, reason: message });
    } catch (error) {
      if (!signal.aborted) log.debug("bunker.publish_failed", { relay: url, error: errorText(error) });
    }
  }

  /** Answers to what we didn't ask, or to what was answered, mean nothing but that somebody is there. */
  #heard(text: string, cipher: "nip04" | "nip44"): void {
    const answer = readAnswer(text);
    if (answer === null) return this.#o.log.warn("bunker.bad_answer");
    this.#cipher = cipher;
    this.#o.onHeard();
    const asked = this.#asked.get(answer.id);
    if (!asked) return;
    asked.over.abort();
    if (answer.type === "auth_url") {
      this.#o.onAuthUrl(answer.url);
      return asked.held.abort();
    }
    this.#asked.delete(answer.id);
    if (answer.type === "error") asked.answer.reject(new BunkerRefusal(answer.error));
    else asked.answer.resolve(answer.result);
  }

  #forgetOldest(): void {
    const [id, oldest] = this.#asked.entries().next().value!;
    oldest.over.abort();
    this.#asked.delete(id);
  }
}
