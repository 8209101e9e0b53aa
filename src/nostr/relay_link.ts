import type { NostrEvent, NostrFilter, NRelay } from "@nostrify/types";
import { RelayError } from "@nostrify/nostrify";
import type { Clock } from "../clock.ts";
import { errorText, type Log } from "../log.ts";
import type { Random } from "../random.ts";
import { Deadline, DeadlineError, unlessAborted } from "./deadline.ts";
import { LinkError, type Receipt, RelayConnection } from "./relay_connection.ts";
import { ProofOfLife } from "./proof_of_life.ts";
import { ReconnectPace } from "./reconnect_pace.ts";
import { relayDefaults, type RelayOptions, type RelayStatus } from "./relay_options.ts";
import { relayUrl } from "./relay_url.ts";
import type { MerchantSigner } from "./signer.ts";
import type { ReqMessage } from "./subscription.ts";
import { Watch } from "./watch.ts";

export { LinkError, type Receipt } from "./relay_connection.ts";
export type { RelayOptions, RelayStatus } from "./relay_options.ts";
export type { ReqMessage } from "./subscription.ts";

const IDLE = "nobody needed it";

/**
 * A relay as one key sees it. It outlives its connections: each is a fresh NRelay1 (and so authenticates afresh, NIP-42), made
 * when somebody needs it, with a capped back-off in between. Events are handed over **unverified**.
 */
export class RelayLink implements NRelay {
  readonly url: string;
  /** Named by a stranger: connections go to public addresses only. */
  readonly guarded: boolean;
  readonly #signer: MerchantSigner | null;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #o: RelayOptions;
  readonly #closed = new AbortController();
  readonly #ending = new Set<Promise<void>>();
  readonly #life: ProofOfLife;
  readonly #waiting = new Set<PromiseWithResolvers<RelayConnection>>();
  #connection: RelayConnection | undefined;
  #replaced = Promise.withResolvers<void>();
  #loop: Promise<void> | undefined;
  #users = 0;
  #idle: AbortController | undefined;
  #connects = 0;
  #status: Omit<RelayStatus, "url" | "reconnects"> = {
    state: "closed",
    lastEventAt: null,
    lastEoseAt: null,
    error: null,
  };

  /** Throws for a text that isn't a relay's URL. Connects at the first call. */
  constructor(o: {
    url: string;
    guarded?: boolean;
    signer: MerchantSigner | null;
    clock: Clock;
    random: Random;
    log: Log;
    options?: Partial<RelayOptions>;
  }) {
    const url = relayUrl(o.url);
    if (url === null) throw new TypeError(`not a relay's URL: it must start with ws:// or wss://`);
    this.url = url;
    this.guarded = o.guarded ?? false;
    this.#signer = o.signer;
    this.#clock = o.clock;
    this.#random = o.random;
    this.#log = o.log.child({ relay: url });
    this.#o = { ...relayDefaults, ...o.options };
    this.#life = new ProofOfLife({
      ...o,
      log: this.#log,
      drop: (why, connection) => this.drop(why, connection),
    });
  }

  status(): RelayStatus {
    return { url: this.url, ...this.#status, reconnects: Math.max(0, this.#connects - 1) };
  }

  /** Whether nobody uses it and it has no connection. */
  get unused(): boolean {
    return this.#users === 0 && this.#status.state === "closed";
  }

  /**
   * NIP-01 subscription. Ends after a `CLOSED` of the relay, which it tells; throws `LinkError` when the connection is lost or the relay says
   * nothing before EOSE for `silenceMs` (which ends the connection), and the signal's reason when it fires. Start it anew then. While there is no connection it waits
   * for the next one, as long as the signal lets it.
   */
  async *req(filters: NostrFilter[], opts: { signal?: AbortSignal } = {}): AsyncGenerator<ReqMessage> {
    using user = this.#use();
    const connection = await this.#connected(opts.signal);
    using watch = new Watch(this.#clock, this.#o.silenceMs, user.signal, opts.signal);
    const askedAt = this.#clock.monotonic();
    let answered = false;
    try {
      for await (const message of connection.req(filters, { signal: watch.signal })) {
        if (message[0] === "EVENT") {
          watch.heard();
          this.#status.lastEventAt = this.#clock.now();
        } else {
          watch.stop();
          answered = true;
          if (message[0] === "EOSE") this.#status.lastEoseAt = this.#clock.now();
        }
        yield message;
      }
    } catch (error) {
      if (opts.signal?.aborted) {
        if (!answered) this.#track(this.#life.missing(connection, askedAt));
        throw opts.signal.reason;
      }
      if (watch.expired) {
        this.drop(`no answer to a subscription within ${this.#o.silenceMs} ms`, connection);
        throw new LinkError(
          `${this.url} is silent: no answer to a subscription within ${this.#o.silenceMs} ms`,
        );
      }
      throw connection.reason === undefined ? error : new LinkError(`${this.url}: ${connection.reason}`);
    }
  }

  /**
   * What the relay has now, newest first, unverified, each id once. Rejects with `LinkError` or `DeadlineError`: an empty answer
   * means that the relay said so. Without the caller's limit at most `maxQueryEvents`.
   */
  async query(
    filters: NostrFilter[],
    opts: { signal?: AbortSignal; timeoutMs?: number } = {},
  ): Promise<NostrEvent[]> {
    using deadline = new Deadline(this.#clock, opts.timeoutMs ?? this.#o.queryTimeoutMs, opts.signal);
    const events = new Map<string, NostrEvent>();
    for await (const message of this.req(filters, { signal: deadline.signal })) {
      if (message[0] === "EOSE") break;
      if (message[0] === "CLOSED") throw new LinkError(`${this.url} refused the query: ${message[2]}`);
      events.set(message[2].id, message[2]);
      if (events.size >= this.#o.maxQueryEvents) break;
    }
    return [...events.values()].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1));
  }

  /** Publishes; resolves with the relay's answer, whatever it is. Rejects by deadline or when the connection is lost. */
  async publish(event: NostrEvent, signal?: AbortSignal): Promise<Receipt> {
    using _user = this.#use();
    using deadline = new Deadline(this.#clock, this.#o.publishTimeoutMs, signal);
    let connection: RelayConnection | undefined;
    let sentAt = 0;
    try {
      connection = await this.#connected(deadline.signal);
      sentAt = this.#clock.monotonic();
      return await connection.publish(event, deadline.signal);
    } catch (error) {
      if (connection && deadline.signal.aborted) this.#track(this.#life.missing(connection, sentAt));
      if (!deadline.expired) throw error;
      const why = this.#status.state === "connected"
        ? "no OK"
        : `no connection: ${this.#status.error ?? "still connecting"}`;
      throw new DeadlineError(`${why} within ${this.#o.publishTimeoutMs} ms`);
    }
  }

  /** NRelay's form of `publish`: rejects with a `RelayError` when the relay refuses. */
  async event(event: NostrEvent, opts?: { signal?: AbortSignal }): Promise<void> {
    const { ok, message } = await this.publish(event, opts?.signal);
    if (!ok) throw RelayError.fromReason(message);
  }

  /** New calls get a new connection at once; the present one ends when what is being published there has its answer. */
  renew(reason: string): void {
    const connection = this.#connection;
    if (!connection) return;
    this.#log.info("relay.renewed", { reason });
    this.#detach();
    this.#track(connection.retire(reason));
  }

  /** Ends the connection (`of`, if it is still the present one): all its calls reject, and the next is made after a back-off. */
  drop(reason: string, of: RelayConnection | undefined = this.#connection): void {
    if (of) this.#track(of.end(reason));
  }

  /** Ends everything; no call works any more. */
  async close(): Promise<void> {
    this.#closed.abort(new LinkError("the link was closed"));
    for (const waiting of this.#waiting) waiting.reject(this.#closed.signal.reason);
    this.drop("closed by us");
    await this.#loop;
    await Promise.all(this.#ending);
    this.#status.state = "closed";
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #use(): Disposable & { signal: AbortSignal } {
    this.#users++;
    this.#idle?.abort();
    this.#idle = undefined;
    return {
      signal: this.#closed.signal,
      [Symbol.dispose]: () => {
        if (--this.#users === 0 && !this.#closed.signal.aborted) void this.#closeWhenIdle();
      },
    };
  }

  async #closeWhenIdle(): Promise<void> {
    const idle = this.#idle = new AbortController();
    const stop = AbortSignal.any([idle.signal, this.#closed.signal]);
    await this.#clock.sleep(this.#o.idleMs, stop);
    if (!stop.aborted) this.drop(IDLE);
  }

  #connected(signal?: AbortSignal): Promise<RelayConnection> {
    this.#closed.signal.throwIfAborted();
    if (this.#connection) return Promise.resolve(this.#connection);
    this.#loop ??= this.#run();
    const waiting = Promise.withResolvers<RelayConnection>();
    this.#waiting.add(waiting);
    const done = waiting.promise.finally(() => this.#waiting.delete(waiting));
    if (!signal) return done;
    return unlessAborted(done, signal).finally(() => this.#waiting.delete(waiting));
  }

  /** Keeps a connection as long as there are users. */
  async #run(): Promise<void> {
    const pace = new ReconnectPace(this.#random, this.#o);
    while (!this.#closed.signal.aborted && this.#users > 0) {
      const outcome = await this.#oneConnection();
      if (outcome === "replaced") continue;
      if (this.#closed.signal.aborted || this.#users === 0) break;
      this.#status.state = "waiting";
      const wait = pace.after(outcome === "failed" ? null : outcome.livedMs);
      this.#log.info("relay.waiting", { error: this.#status.error, ms: wait });
      await this.#clock.sleep(wait, this.#closed.signal);
    }
    this.#status.state = "closed";
    // In the same turn as the last look at `#users`, or a call in between would wait for a loop that has ended.
    this.#loop = undefined;
  }

  async #oneConnection(): Promise<"failed" | "replaced" | { livedMs: number }> {
    this.#status.state = "connecting";
    let connection: RelayConnection;
    try {
      connection = new RelayConnection({
        url: this.url,
        guarded: this.guarded,
        signer: this.#signer,
        clock: this.#clock,
        log: this.#log,
        maxEventBytes: this.#o.maxEventBytes,
      });
    } catch (error) {
      this.#status.error = errorText(error);
      return "failed";
    }
    try {
      using deadline = new Deadline(this.#clock, this.#o.connectTimeoutMs, this.#closed.signal);
      await unlessAborted(connection.opened, deadline.signal);
    } catch (error) {
      this.#status.error = errorText(error);
      this.#track(connection.end(this.#status.error));
      return "failed";
    }
    const openedAt = this.#clock.monotonic();
    this.#connects++;
    this.#connection = connection;
    this.#replaced = Promise.withResolvers<void>();
    this.#status.state = "connected";
    this.#status.error = null;
    this.#log.info("relay.connected");
    for (const waiting of this.#waiting) waiting.resolve(connection);
    const reason = await Promise.race([connection.ended, this.#replaced.promise]);
    if (reason === undefined) return "replaced";
    this.#status.error = reason === IDLE ? null : reason;
    this.#detach();
    // Who hangs up without a word doesn't want us.
    return connection.heardAt > -Infinity ? { livedMs: this.#clock.monotonic() - openedAt } : "failed";
  }

  #detach(): void {
    this.#connection = undefined;
    this.#replaced.resolve();
  }

  #track(ending: Promise<void>): void {
    const tracked = ending.catch((error) => this.#log.warn("relay.close_failed", { error: errorText(error) }))
      .finally(() => this.#ending.delete(tracked));
    this.#ending.add(tracked);
  }
}
