import { NRelay1 } from "@nostrify/nostrify";
import type { NostrEvent, NostrRelayMsg } from "@nostrify/types";
import { WebsocketEvent } from "websocket-ts";
import { type Clock, seconds } from "../clock.ts";
import { errorText, type Log } from "../log.ts";
import { unlessAborted } from "./deadline.ts";
import type { MerchantSigner } from "./signer.ts";

/** A relay's `OK` to an event of ours. */
export interface Receipt {
  ok: boolean;
  message: string;
}

/** The connection is gone, or there is none; the same call may work on the next one. */
export class LinkError extends Error {
  override readonly name = "LinkError";
}

/** Challenges answered per connection: each costs a signature, so a relay mustn't ask without end. */
const MAX_CHALLENGES = 8;
const MAX_ANSWER_LENGTH = 300;

/**
 * One connection to a relay, never used again once it has ended. NRelay1's own reconnecting is off, because its memory of what was
 * retried after AUTH survives a reconnect and then silences subscriptions for ever.
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

  /** Why the relay ended a subscription last. */
  lastClosed = "no reason given";

  readonly #end = Promise.withResolvers<string>();
  readonly #publishing = new Map<string, Publishing>();
  readonly #log: Log;
  readonly #signs: boolean;
  readonly #authIds = new Set<string>();
  /** Refused with `auth-required:` and waiting for the outcome of AUTH. */
  #unauthenticated: { entry: Publishing; refusal: Receipt }[] = [];
  #authenticated = false;
  #challenges = 0;
  #reason: string | undefined;
  #socketError = "";
  #idle: (() => void) | undefined;

  constructor(
    o: { url: string; signer: MerchantSigner | null; clock: Clock; log: Log; maxEventBytes: number },
  ) {
    // NRelay1 opens its socket in its constructor, before fields of this class exist.
    const late: { onChallenge?: (challenge: string) => Promise<NostrEvent>; onOversized?: () => void } = {};
    super(o.url, {
      backoff: false,
      idleTimeout: false,
      // Synchronous and before any dedupe: a signature check here would let a flood stop the whole process.
      verifyEvent: (event) => {
        if (sizeOf(event) <= o.maxEventBytes) return true;
        late.onOversized?.();
        return false;
      },
      ...(o.signer ? { auth: (challenge: string) => late.onChallenge!(challenge) } : {}),
    });
    this.#log = o.log;
    this.#signs = o.signer !== null;
    this.ended = this.#end.promise;
    late.onOversized = () => o.log.debug("relay.oversized", { most: o.maxEventBytes });
    late.onChallenge = (challenge) => this.#authenticate(o.signer!, o.url, challenge, o.clock);
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
    switch (message[0]) {
      case "OK":
        if (this.#authIds.has(message[1])) this.#authAnswered(message[2]);
        else this.#answered(message[1], { ok: message[2], message: message[3].slice(0, MAX_ANSWER_LENGTH) });
        break;
      case "CLOSED":
        this.lastClosed = message[2].slice(0, MAX_ANSWER_LENGTH) || "no reason given";
        // In NRelay1's own word, on which it waits for the outcome of AUTH and asks once more.
        if (this.#wantsAuth(message[2])) {
          message = ["CLOSED", message[1], `auth-required: ${this.lastClosed}`];
        }
        break;
      case "NOTICE":
        this.#log.debug("relay.notice", { text: message[1].slice(0, MAX_ANSWER_LENGTH) });
        break;
      case "AUTH":
        if (++this.#challenges > MAX_CHALLENGES) {
          return void this.end("the relay sent too many AUTH challenges");
        }
        break;
    }
    super.receive(message);
  }

  #send(event: NostrEvent): Publishing {
    const entry: Publishing = { event, callers: 0, again: false, answer: Promise.withResolvers<Receipt>() };
    entry.answer.promise.catch(() => {});
    this.#publishing.set(event.id, entry);
    // Not NRelay1.event(): it waits for ever and keeps an entry for every event that got no answer.
    this.socket.send(JSON.stringify(["EVENT", event]));
    return entry;
  }

  #answered(id: string, receipt: Receipt): void {
    const entry = this.#publishing.get(id);
    if (!entry) return;
    if (receipt.ok || entry.again || !this.#wantsAuth(receipt.message)) return entry.answer.resolve(receipt);
    // NIP-42: the challenge may have come before this refusal or may follow it.
    this.#unauthenticated.push({ entry, refusal: receipt });
    if (this.#authenticated) this.#authAnswered(true);
  }

  /**
   * Whether a refusal may end with AUTH. NIP-42 has a word for it; some relays say `restricted:` to whomever they don't know yet,
   * who has been challenged but not heard.
   */
  #wantsAuth(reason: string): boolean {
    if (!this.#signs) return false;
    return reason.startsWith("auth-required:") ||
      (reason.startsWith("restricted:") && this.#challenges > 0 && !this.#authenticated);
  }

  #authAnswered(ok: boolean): void {
    this.#authenticated = ok;
    for (const { entry, refusal } of this.#unauthenticated.splice(0)) {
      entry.again = true;
      if (ok) this.socket.send(JSON.stringify(["EVENT", entry.event]));
      else entry.answer.resolve(refusal);
    }
  }

  async #authenticate(
    signer: MerchantSigner,
    url: string,
    challenge: string,
    clock: Clock,
  ): Promise<NostrEvent> {
    try {
      const event = await signer.signEvent({
        kind: 22242,
        content: "",
        tags: [["relay", url], ["challenge", challenge]],
        created_at: seconds(clock.now()),
      });
      this.#authIds.add(event.id);
      return event;
    } catch (error) {
      this.#log.warn("relay.auth_failed", { error: errorText(error) });
      this.#authAnswered(false);
      throw error;
    }
  }

  #finish(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
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
