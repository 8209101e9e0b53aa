import type { Clock } from "../../clock.ts";
import { errorText, type Log } from "../../log.ts";
import type { Random } from "../../random.ts";
import { backOff } from "../backoff.ts";
import { Deadline, unlessAborted } from "../deadline.ts";
import { SignerUnavailableError } from "../signer.ts";
import type { BunkerConnection } from "./connection.ts";
import { BunkerRefusal } from "./requests.ts";

export interface WakefulnessOptions {
  /** The key that it has to hold. */
  pubkey: string;
  clock: Clock;
  random: Random;
  log: Log;
  /** It answers, for the first time or again. */
  onAwake: () => void;
}

/**
 * Whether a remote signer is there. It counts as asleep when an answer is late and nothing else was heard; then it is asked
 * for its key now and then, and what is said of it changes with the first right answer. It counts as awake only once it has
 * shown that it holds the key that it held: with another one our answers would be sealed for nobody.
 */
export class Wakefulness {
  readonly #connection: BunkerConnection;
  readonly #o: WakefulnessOptions;
  #state: "unknown" | "awake" | "asleep" | "wrong key" = "unknown";
  #error: string | null = null;
  #checking: Promise<void> | undefined;
  #probing: Promise<void> | undefined;
  #nap = new AbortController();

  constructor(connection: BunkerConnection, options: WakefulnessOptions) {
    this.#connection = connection;
    this.#o = options;
    connection.onHeard = () => this.#nap.abort();
  }

  get state(): "unknown" | "awake" | "asleep" | "wrong key" {
    return this.#state;
  }

  /** Why it isn't awake. */
  get error(): string | null {
    return this.#error;
  }

  /** Begins to look, and goes on until it is awake. */
  start(): void {
    if (this.#state !== "unknown" || this.#checking) return;
    void this.#first().catch((error) => this.#o.log.debug("bunker.not_yet", { error: errorText(error) }));
  }

  /** Resolves when it may be asked. Throws `SignerUnavailableError`: at once while it is known to sleep. */
  async ready(): Promise<void> {
    if (this.#state === "awake") return;
    if (this.#state !== "unknown") throw this.away();
    using deadline = new Deadline(this.#o.clock, this.#connection.options.queueMs, this.#connection.closed);
    try {
      await unlessAborted(this.#first(), deadline.signal);
    } catch {
      // What went wrong is told by `error`, once it is known.
      throw this.away();
    }
  }

  /** What callers are told while it isn't awake. */
  away(): SignerUnavailableError {
    return new SignerUnavailableError(
      this.#state === "wrong key"
        ? "the remote signer holds another key than the shop's"
        : "the remote signer doesn't answer",
    );
  }

  /** An answer didn't come, or came from another key. */
  fallAsleep(why: unknown): void {
    if (this.#connection.closed.aborted) return;
    if (this.#state !== "wrong key") this.#state = "asleep";
    // Its own words may quote what it was asked, and this text goes to the log.
    this.#error = why instanceof BunkerRefusal ? "it doesn't know us any more" : errorText(why);
    if (this.#probing) return;
    this.#o.log.warn("bunker.asleep", { merchant: this.#o.pubkey, error: this.#error });
    this.#probing = this.#probe().finally(() => this.#probing = undefined);
  }

  /** After the connection's own `close()`. */
  async close(): Promise<void> {
    await Promise.allSettled([this.#checking, this.#probing]);
  }

  async #probe(): Promise<void> {
    const { clock, random } = this.#o;
    const { probeFirstMs, probeMostMs } = this.#connection.options;
    for (let tries = 1; !this.#connection.closed.aborted; tries++) {
      this.#nap = new AbortController();
      const wait = backOff(tries, random, probeFirstMs, probeMostMs);
      await clock.sleep(wait, AbortSignal.any([this.#nap.signal, this.#connection.closed]));
      if (this.#connection.closed.aborted) return;
      try {
        return await this.#checked();
      } catch (error) {
        if (!(error instanceof BunkerRefusal)) this.#error = errorText(error);
      }
    }
  }

  async #first(): Promise<void> {
    try {
      await this.#checked();
    } catch (error) {
      this.fallAsleep(error);
      throw error;
    }
  }

  #checked(): Promise<void> {
    return this.#checking ??= this.#check().finally(() => this.#checking = undefined);
  }

  async #check(): Promise<void> {
    const patience = { ms: this.#connection.options.answerMs };
    let pubkey: string;
    try {
      pubkey = await this.#connection.publicKey(patience);
    } catch (error) {
      if (!(error instanceof BunkerRefusal)) throw error;
      // It may have forgotten its clients: the address' secret makes us known once more, if it still counts.
      await this.#connection.connect(patience);
      pubkey = await this.#connection.publicKey(patience);
    }
    if (pubkey === this.#o.pubkey) {
      if (this.#state === "awake") return;
      this.#state = "awake";
      this.#error = null;
      this.#o.log.info("bunker.awake", { merchant: this.#o.pubkey });
      return this.#o.onAwake();
    }
    if (this.#state !== "wrong key") {
      this.#o.log.error("bunker.wrong_key", { merchant: this.#o.pubkey, holds: pubkey });
    }
    this.#state = "wrong key";
    throw this.away();
  }
}
