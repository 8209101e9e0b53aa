import type { Clock } from "../clock.ts";
import type { LiveSubscription } from "./live_feed.ts";

/** How often the buffer of a reader is looked at while it is full: sockets tell nobody that they were emptied. */
const DRAIN_STEP_MS = 10;
const DRAIN_PATIENCE_MS = 5_000;

/** One client: its socket, the keys it authenticated with, and its subscriptions. */
export class Connection {
  readonly address: string;
  /** URL that the client connected to, by its own word. */
  readonly url: string;
  /** NIP-42, new for every connection. */
  readonly challenge: string;
  readonly keys = new Set<string>();
  readonly subscriptions = new Map<string, LiveSubscription>();
  /** Events that wait for their commit. */
  pending = 0;
  /** Done when the last AUTH that came is answered: what is asked behind it waits for it. */
  authenticated: Promise<void> = Promise.resolve();
  readonly #socket: WebSocket;
  readonly #maxBuffered: number;
  readonly #clock: Clock;
  readonly #onSlow: () => void;
  readonly #ended = new AbortController();

  constructor(o: {
    socket: WebSocket;
    address: string;
    url: string;
    challenge: string;
    maxBuffered: number;
    clock: Clock;
    /** Called when the client is dropped because it doesn't read. */
    onSlow: () => void;
  }) {
    this.#socket = o.socket;
    this.address = o.address;
    this.url = o.url;
    this.challenge = o.challenge;
    this.#maxBuffered = o.maxBuffered;
    this.#clock = o.clock;
    this.#onSlow = o.onSlow;
  }

  get open(): boolean {
    return !this.#ended.signal.aborted && this.#socket.readyState === WebSocket.OPEN;
  }

  /** Sends, unless the client is gone. One that doesn't read what it asked for is dropped: memory is everybody's. */
  send(text: string): void {
    if (!this.open) return;
    if (this.#socket.bufferedAmount > this.#maxBuffered) return this.#drop();
    this.#socket.send(text);
  }

  /** Waits until there is room for more stored events; false when the client is gone or doesn't read. */
  async writable(): Promise<boolean> {
    const low = this.#maxBuffered / 4;
    const deadline = this.#clock.now() + DRAIN_PATIENCE_MS;
    while (this.open && this.#socket.bufferedAmount > low) {
      if (this.#clock.now() >= deadline) this.#drop();
      else await this.#clock.sleep(DRAIN_STEP_MS, this.#ended.signal);
    }
    return this.open;
  }

  /** Says goodbye; nothing is sent or handled any more. The `close` event of the socket follows. */
  close(code: number, reason: string): void {
    this.ended();
    if (this.#socket.readyState <= WebSocket.OPEN) this.#socket.close(code, reason);
  }

  /** The socket is gone. */
  ended(): void {
    this.#ended.abort();
  }

  #drop(): void {
    this.#onSlow();
    this.close(1008, "reading too slowly");
  }
}
