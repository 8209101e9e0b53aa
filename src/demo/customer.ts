import type { NostrEvent } from "nostr-tools/pure";
import { Bell } from "./bell.ts";
import { type EnvelopeName, Mail } from "./mail.ts";

/** A checkout message of the merchant, as the customer's client reads it. */
export interface Answer {
  id?: string;
  type: number;
  message?: string;
  payment_options?: { type: string; link: string }[];
  paid?: boolean;
  shipped?: boolean;
  status?: string;
}

const PATIENCE_MS = 15_000;

/**
 * A customer with a client of its own: nostr-tools and a WebSocket, nothing of ours. It speaks NIP-15 by NIP-04 or NIP-17 and
 * keeps its own book of what it was told.
 */
export class ScriptedCustomer {
  readonly name: string;
  readonly pubkey: string;
  /** Everything the merchant said, once each. */
  readonly answers: Answer[] = [];
  /** What the relay shows of the shop: by address, the newest. */
  readonly catalogue = new Map<string, NostrEvent>();
  readonly #mail: Mail;
  readonly #merchant: string;
  readonly #envelope: EnvelopeName;
  readonly #url: string;
  readonly #seen = new Set<string>();
  readonly #news = new Bell();
  #socket!: WebSocket;

  constructor(
    o: { name: string; secretKey: Uint8Array; merchant: string; envelope: EnvelopeName; url: string },
  ) {
    this.name = o.name;
    this.#mail = new Mail(o);
    this.pubkey = this.#mail.pubkey;
    this.#merchant = o.merchant;
    this.#envelope = o.envelope;
    this.#url = o.url;
  }

  /** Connects and subscribes: to the shop, and to what is for this customer. */
  async connect(): Promise<void> {
    const open = Promise.withResolvers<void>();
    this.#socket = new WebSocket(this.#url);
    this.#socket.onopen = () => open.resolve();
    this.#socket.onerror = () => open.reject(new Error(`${this.name} can't reach ${this.#url}`));
    this.#socket.onmessage = (message) => this.#hear(JSON.parse(String(message.data)));
    await open.promise;
    this.#send(["REQ", "shop", { kinds: [30017, 30018], authors: [this.#merchant] }]);
    this.#subscribe();
  }

  async close(): Promise<void> {
    const closed = Promise.withResolvers<void>();
    this.#socket.onclose = () => closed.resolve();
    this.#socket.close();
    await closed.promise;
  }

  /** Sends a message to the merchant; text as it is, anything else as JSON. */
  write(message: unknown): void {
    this.#send([
      "EVENT",
      this.#mail.seal(typeof message === "string" ? message : JSON.stringify(message)),
    ]);
  }

  /** The first answer that `fits`, now or within a while. Throws when none comes. */
  async hears(what: string, fits: (answer: Answer) => boolean): Promise<Answer> {
    return await this.#until(`${this.name} hears ${what}`, () => this.answers.find(fits));
  }

  /** The product's newest version on the relay, when it is as expected. */
  async sees(
    what: string,
    d: string,
    fits: (content: { quantity: number | null }) => boolean,
  ): Promise<void> {
    await this.#until(`${this.name} sees ${what}`, () => {
      const event = this.catalogue.get(`30018:${d}`);
      return event && fits(JSON.parse(event.content)) ? event : undefined;
    });
  }

  /** Until the relay showed so many stalls and products. */
  async seesShop(size: number): Promise<void> {
    await this.#until(`${this.name} sees the shop`, () => this.catalogue.size >= size ? true : undefined);
  }

  async #until<T>(what: string, look: () => T | undefined): Promise<T> {
    const found = await this.#news.until(look, PATIENCE_MS);
    if (found === undefined) throw new Error(`${what}: not within ${PATIENCE_MS / 1000} s`);
    return found;
  }

  #send(message: unknown[]): void {
    this.#socket.send(JSON.stringify(message));
  }

  #subscribe(): void {
    this.#send(["REQ", "mail", this.#mail.filter()]);
  }

  #hear([verb, ...rest]: [string, ...unknown[]]): void {
    if (verb === "AUTH") {
      this.#send(["AUTH", this.#mail.authentication(this.#url, String(rest[0]))]);
      if (this.#envelope === "nip17") this.#subscribe();
    }
    if (verb === "EVENT") this.#read(rest[1] as NostrEvent);
    this.#news.ring();
  }

  #read(event: NostrEvent): void {
    if (this.#seen.has(event.id)) return;
    this.#seen.add(event.id);
    if (event.kind === 30017 || event.kind === 30018) {
      const address = `${event.kind}:${event.tags.find((tag) => tag[0] === "d")?.[1]}`;
      const known = this.catalogue.get(address);
      if (!known || known.created_at < event.created_at) this.catalogue.set(address, event);
      return;
    }
    const letter = this.#mail.open(event);
    if (letter !== null) this.answers.push(JSON.parse(letter.content) as Answer);
  }
}
