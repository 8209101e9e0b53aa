import { NRelay1 } from "@nostrify/nostrify";
import type {
  NostrEvent,
  NostrFilter,
  NostrRelayCLOSED,
  NostrRelayEVENT,
  NostrRelayMsg,
} from "@nostrify/types";
import { matchFilters } from "nostr-tools/filter";
import { WebsocketEvent } from "websocket-ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { TokenBuckets } from "../policies/token_buckets.ts";
import { unlessAborted } from "./deadline.ts";
import { RelayAuth } from "./relay_auth.ts";
import type { MerchantSigner } from "./signer.ts";
import { type ReqMessage, Subscription } from "./subscription.ts";
import { guardedUrl } from "./websocket.ts";

/** A relay's `OK` to an event of ours. */
export interface Receipt {
  ok: boolean;
  message: string;
}

/** The connection is gone, or there is none; the same call may work on the next one. */
export class LinkError extends Error {
  override readonly name = "LinkError";
}

const MAX_ANSWER_LENGTH = 300;
/** Events a minute that nobody asked for. After a CLOSE some are still under way: a few pages of a catch-up. */
const MOST_STRAY = 5_000;
/** Frames a minute that are no Nostr message: a relay may speak a later NIP. */
const MOST_BROKEN = 1_000;

/**
 * One connection to a relay, never used again once it has ended. Of NRelay1 it uses the socket, the parser and AUTH. Its own
 * reconnecting is off, because its memory of what was retried after AUTH survives a reconnect and then silences subscriptions
 * for ever; its subscriptions aren't used, because they hide CLOSED, buffer without a bound and leave something behind each time.
 */
export class RelayConnection extends NRelay1 {
  /** Resolves when the WebSocket is open; rejects with a `LinkError` when the connection ended before. */
  readonly opened: Promise<void>;
  /** Resolves with the reason when nothing will ever come any more. */
  readonly ended: Promise<string>;
  /** Why it ended; undefined while it lives. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** When it last said anything (monotonic ms). */
  get heardAt(): number {
    return this.#heardAt;
  }

  readonly #end = Promise.withResolvers<string>();
  readonly #publishing = new Map<string, Publishing>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #log: Log;
  readonly #allowance: { stray: TokenBuckets; broken: TokenBuckets };
  readonly #maxEventBytes: number;
  readonly #auth: RelayAuth;
  readonly #clock: Clock;
  #heardAt = -Infinity;
  #reason: string | undefined;
  #socketError = "";
  #idle: (() => void) | undefined;

  constructor(
    o: {
      url: string;
      /** Connects to a public address only. */
      guarded?: boolean;
      signer: MerchantSigner | null;
      clock: Clock;
      log: Log;
      maxEventBytes: number;
    },
  ) {
    // NRelay1 opens its socket in its constructor, before fields of this class exist.
    const late: { onChallenge?: (challenge: string) => Promise<NostrEvent>; onBroken?: () => void } = {};
    super(o.guarded ? guardedUrl(o.url) : o.url, {
      backoff: false,
      idleTimeout: false,
      log: ({ ns, level }) => {
        if (ns === "relay.ws.message" && level === "warn") late.onBroken?.();
      },
      ...(o.signer ? { auth: (challenge: string) => late.onChallenge!(challenge) } : {}),
    });
    this.#log = o.log;
    this.#clock = o.clock;
    this.#maxEventBytes = o.maxEventBytes;
    this.#allowance = {
      stray: new TokenBuckets({ clock: o.clock, perMinute: MOST_STRAY }),
      broken: new TokenBuckets({ clock: o.clock, perMinute: MOST_BROKEN }),
    };
    this.#auth = new RelayAuth(o);
    this.ended = this.#end.promise;
    late.onBroken = () => this.#spend("broken", "the relay sends what is no Nostr message");
    late.onChallenge = (challenge) => this.#auth.answer(challenge);
    const opened = Promise.withResolvers<void>();
    this.opened = opened.promise;
    // Whoever doesn't wait for it isn't concerned by its failure.
    opened.promise.catch(() => {});
    this.socket.addEventListener(WebsocketEvent.open, () => opened.resolve());
    this.socket.addEventListener(WebsocketEvent.error, (_socket, event) => {
      this.#socketError = describe(event);
    });
    this.socket.addEventListener(
      WebsocketEvent.close,
      () => void this.end(this.#socketError || "the relay closed the connection"),
    );
    void this.ended.then((reason) => opened.reject(new LinkError(reason)));
  }

  /**
   * NIP-01 subscription; ends after a CLOSED, which it tells. Events are **unverified**: a signature check here, before any
   * dedupe, would let a flood stop the whole process. Throws a `LinkError` when the connection ends.
   */
  override async *req(
    filters: NostrFilter[],
    opts: { signal?: AbortSignal } = {},
  ): AsyncGenerator<ReqMessage> {
    if (this.#reason !== undefined) throw new LinkError(this.#reason);
    const subscription = new Subscription(filters);
    this.#subscriptions.set(subscription.id, subscription);
    this.#write(["REQ", subscription.id, ...filters]);
    try {
      yield* subscription.messages(opts.signal);
    } finally {
      this.#subscriptions.delete(subscription.id);
      if (this.#reason === undefined && !subscription.closed) this.#write(["CLOSE", subscription.id]);
    }
  }

  /** Sends the event and resolves with the relay's answer. Rejects when the connection ends or `signal` fires before. */
  async publish(event: NostrEvent, signal: AbortSignal): Promise<Receipt> {
    if (this.#reason !== undefined) throw new LinkError(this.#reason);
    const entry = this.#publishing.get(event.id) ?? this.#send(event);
    entry.callers++;
    try {
      return await unlessAborted(entry.answer.promise, signal);
    } finally {
      if (--entry.callers === 0) this.#publishing.delete(event.id);
      if (this.#publishing.size === 0) this.#idle?.();
    }
  }

  /** Ends the connection once what is being published has its answer. */
  async retire(reason: string): Promise<void> {
    if (this.#publishing.size > 0) {
      const idle = new Promise<void>((resolve) => this.#idle = resolve);
      await Promise.race([idle, this.ended]);
    }
    await this.end(reason);
  }

  /** Ends the connection at once: every open call rejects. Resolves when the socket is closed. */
  end(reason: string): Promise<void> {
    this.#finish(reason);
    return super.close();
  }

  /** NRelay1 closes itself for good at a binary frame. */
  override close(): Promise<void> {
    return this.end("the relay sent a binary frame");
  }

  protected override receive(message: NostrRelayMsg): void {
    // A flood goes on until the socket is closed.
    if (this.#reason !== undefined) return;
    this.#heardAt = this.#clock.monotonic();
    switch (message[0]) {
      case "EVENT":
        return this.#event(message);
      case "EOSE":
        return this.#hand(message);
      case "CLOSED":
        return this.#closed(message);
      case "OK":
        if (!this.#auth.answered(message[1], message[2])) {
          this.#answered(message[1], { ok: message[2], message: message[3].slice(0, MAX_ANSWER_LENGTH) });
        }
        break;
      case "NOTICE":
        this.#log.debug("relay.notice", { text: message[1].slice(0, MAX_ANSWER_LENGTH) });
        break;
      case "AUTH":
        if (!this.#auth.challenged()) return void this.end("the relay sent too many AUTH challenges");
        break;
    }
    super.receive(message);
  }

  /** Cheap checks only: somebody waits for it, it is what was asked for, and it isn't too big. */
  #event(message: NostrRelayEVENT): void {
    const subscription = this.#subscriptions.get(message[1]);
    if (!subscription || !matchFilters(subscription.filters, message[2])) {
      return this.#spend("stray", "the relay goes on sending events that nobody asked for");
    }
    if (sizeOf(message[2]) > this.#maxEventBytes) {
      this.#log.debug("relay.oversized", { most: this.#maxEventBytes });
      return this.#spend("stray", "the relay goes on sending events that are too big");
    }
    this.#hand(message);
  }

  #hand(message: ReqMessage): void {
    const subscription = this.#subscriptions.get(message[1]);
    if (subscription && !subscription.push(message)) {
      void this.end("the relay sends faster than we can read");
    }
  }

  #closed(message: NostrRelayCLOSED): void {
    const subscription = this.#subscriptions.get(message[1]);
    const reason = message[2].slice(0, MAX_ANSWER_LENGTH) || "no reason given";
    const final = () => this.#hand(["CLOSED", message[1], reason]);
    if (!subscription || subscription.again || !this.#auth.concerns(reason)) return final();
    this.#auth.wait({
      again: () => {
        subscription.again = true;
        if (!this.#subscriptions.has(subscription.id)) return;
        this.#write(["REQ", subscription.id, ...subscription.filters]);
      },
      final,
    });
  }

  #spend(what: "stray" | "broken", reason: string): void {
    if (this.#reason === undefined && !this.#allowance[what].take("")) void this.end(reason);
  }

  #write(message: unknown[]): void {
    this.socket.send(JSON.stringify(message));
  }

  #send(event: NostrEvent): Publishing {
    const entry: Publishing = { event, callers: 0, again: false, answer: Promise.withResolvers<Receipt>() };
    entry.answer.promise.catch(() => {});
    this.#publishing.set(event.id, entry);
    // Not NRelay1.event(): it waits for ever and keeps an entry for every event that got no answer.
    this.#write(["EVENT", event]);
    return entry;
  }

  #answered(id: string, receipt: Receipt): void {
    const entry = this.#publishing.get(id);
    if (!entry) return;
    if (receipt.ok || entry.again || !this.#auth.concerns(receipt.message)) {
      return entry.answer.resolve(receipt);
    }
    this.#auth.wait({
      again: () => {
        entry.again = true;
        this.#write(["EVENT", entry.event]);
      },
      final: () => entry.answer.resolve(receipt),
    });
  }

  #finish(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#auth.end();
    for (const subscription of this.#subscriptions.values()) subscription.fail(new LinkError(reason));
    for (const entry of this.#publishing.values()) entry.answer.reject(new LinkError(reason));
    this.#end.resolve(reason);
  }
}

interface Publishing {
  event: NostrEvent;
  callers: number;
  /** Sent again after AUTH; a second refusal is final. */
  again: boolean;
  answer: PromiseWithResolvers<Receipt>;
}

/** About the length of the event's JSON, in UTF-16 units: cheap, and enough to cap memory. */
function sizeOf(event: NostrEvent): number {
  let size = event.content.length + 250;
  for (const tag of event.tags) for (const item of tag) size += item.length + 3;
  return size;
}

function describe(event: unknown): string {
  const { message, error } = event as { message?: string; error?: { code?: string; message?: string } };
  return message || error?.message || error?.code || "the connection failed";
}
