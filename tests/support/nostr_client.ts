import type { NostrEvent, NostrFilter } from "@nostrify/types";
import { finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { Bell } from "../../src/demo/bell.ts";

// deno-lint-ignore no-explicit-any -- what a relay says is looked at by the test
export type Message = any[];

const PATIENCE_MS = 5_000;

/** Someone who signs. */
export interface Key {
  readonly pubkey: string;
  sign(template: Partial<NostrEvent>): NostrEvent;
}

/** A new key; its events are of kind 1 and of the time `now()` (seconds) unless the template says more. */
export function newKey(now: () => number = () => Math.floor(Date.now() / 1000)): Key {
  const secret = generateSecretKey();
  return {
    pubkey: getPublicKey(secret),
    sign: (template) => {
      const event = { kind: 1, content: "", tags: [], created_at: now(), ...template };
      // A plain object: nostr-tools leaves its verdict on the one it signed.
      return JSON.parse(JSON.stringify(finalizeEvent(event, secret)));
    },
  };
}

/** A Nostr client over a real WebSocket that knows nothing of the relay's code. `await using` closes it. */
export class NostrClient implements AsyncDisposable {
  readonly url: string;
  readonly #patienceMs: number;
  readonly #socket: WebSocket;
  readonly #heard: Message[] = [];
  readonly #news = new Bell();
  readonly #closed: Promise<CloseEvent>;
  #ended = false;
  #count = 0;

  private constructor(url: string, patienceMs: number) {
    this.url = url;
    this.#patienceMs = patienceMs;
    this.#socket = new WebSocket(url);
    this.#socket.onmessage = (message) => {
      this.#heard.push(JSON.parse(message.data));
      this.#news.ring();
    };
    this.#closed = new Promise((resolve) => {
      this.#socket.onclose = (event) => {
        this.#ended = true;
        this.#news.ring();
        resolve(event);
      };
    });
  }

  /** `patienceMs`: how long an answer is waited for before the test fails. */
  static async connect(url: string, patienceMs: number = PATIENCE_MS): Promise<NostrClient> {
    const client = new NostrClient(url, patienceMs);
    await new Promise<void>((resolve, reject) => {
      client.#socket.onopen = () => resolve();
      client.#socket.onerror = (event) => {
        event.preventDefault();
        client.#closed.then(() => reject(new Error(`can't connect to ${url}`)));
      };
    });
    client.#socket.onerror = (event) => event.preventDefault();
    return client;
  }

  send(...message: unknown[]): void {
    this.raw(JSON.stringify(message));
  }

  raw(data: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(data);
  }

  /** The first message, heard or to come, that fits; it is taken away. */
  async take(fits: (message: Message) => boolean): Promise<Message> {
    const end = Date.now() + this.#patienceMs;
    for (;;) {
      const index = this.#heard.findIndex(fits);
      if (index >= 0) return this.#heard.splice(index, 1)[0]!;
      if (this.#ended) {
        throw new Error(`the relay hung up before ${fits}; heard ${JSON.stringify(this.#heard)}`);
      }
      const left = end - Date.now();
      if (left <= 0) {
        throw new Error(`nothing like ${fits}; heard ${JSON.stringify(this.#heard).slice(0, 500)}`);
      }
      await this.#news.next(left);
    }
  }

  /** Messages that were heard and not taken. */
  heard(fits: (message: Message) => boolean): Message[] {
    return this.#heard.filter(fits);
  }

  /** Publishes; the relay's `OK`: accepted, reason. */
  async publish(event: NostrEvent): Promise<[boolean, string]> {
    this.send("EVENT", event);
    const [, , accepted, reason] = await this.take((m) => m[0] === "OK" && m[1] === event.id);
    return [accepted, reason];
  }

  /** Subscribes and waits for the end of the stored part; the subscription stays open unless the relay closed it. */
  async subscribe(
    id: string,
    ...filters: NostrFilter[]
  ): Promise<{ events: NostrEvent[]; closed: string | null }> {
    this.send("REQ", id, ...filters);
    const end = await this.take((m) => (m[0] === "EOSE" || m[0] === "CLOSED") && m[1] === id);
    const events = [];
    while (this.heard(isEvent(id)).length > 0) events.push((await this.take(isEvent(id)))[2]);
    return { events, closed: end[0] === "CLOSED" ? end[2] : null };
  }

  /** Stored events; the subscription is closed again. Throws when the relay refuses. */
  async query(...filters: NostrFilter[]): Promise<NostrEvent[]> {
    const id = `query ${++this.#count}`;
    const { events, closed } = await this.subscribe(id, ...filters);
    if (closed !== null) throw new Error(`CLOSED ${closed}`);
    this.send("CLOSE", id);
    return events;
  }

  async count(...filters: NostrFilter[]): Promise<Message> {
    const id = `count ${++this.#count}`;
    this.send("COUNT", id, ...filters);
    return await this.take((m) => (m[0] === "COUNT" || m[0] === "CLOSED") && m[1] === id);
  }

  /** The next live event of a subscription. */
  async live(id: string): Promise<NostrEvent> {
    return (await this.take(isEvent(id)))[2];
  }

  /** The challenge that the relay gave (NIP-42). */
  async challenge(): Promise<string> {
    return (await this.take((m) => m[0] === "AUTH"))[1];
  }

  /** Authenticates with one key or several; the relay's last `OK`. */
  async authenticate(...keys: Key[]): Promise<[boolean, string]> {
    const challenge = await this.challenge();
    let answer: [boolean, string] = [false, ""];
    for (const key of keys) {
      const event = key.sign({ kind: 22242, tags: [["relay", this.url], ["challenge", challenge]] });
      this.send("AUTH", event);
      const [, , accepted, reason] = await this.take((m) => m[0] === "OK" && m[1] === event.id);
      answer = [accepted, reason];
    }
    return answer;
  }

  /** Resolves when the connection is closed, by whomever. */
  async closed(): Promise<CloseEvent> {
    return await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#closed;
  }
}

function isEvent(id: string): (message: Message) => boolean {
  return (message) => message[0] === "EVENT" && message[1] === id;
}
