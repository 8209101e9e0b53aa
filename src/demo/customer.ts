import { finalizeEvent, getPublicKey, type NostrEvent } from "nostr-tools/pure";
import * as nip04 from "nostr-tools/nip04";
import * as nip59 from "nostr-tools/nip59";

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
  readonly #secretKey: Uint8Array;
  readonly #merchant: string;
  readonly #envelope: "nip04" | "nip17";
  readonly #url: string;
  readonly #seen = new Set<string>();
  readonly #waiting = new Set<() => void>();
  #socket!: WebSocket;

  constructor(
    o: { name: string; secretKey: Uint8Array; merchant: string; envelope: "nip04" | "nip17"; url: string },
  ) {
    this.name = o.name;
    this.#secretKey = o.secretKey;
    this.pubkey = getPublicKey(o.secretKey);
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
  async write(message: unknown): Promise<void> {
    const content = typeof message === "string" ? message : JSON.stringify(message);
    const event = this.#envelope === "nip04"
      ? finalizeEvent({
        kind: 4,
        created_at: Math.floor(Date.now() / 1000),
        tags: [["p", this.#merchant]],
        content: await nip04.encrypt(this.#secretKey, this.#merchant, content),
      }, this.#secretKey)
      : nip59.wrapEvent(
        { kind: 14, tags: [["p", this.#merchant]], content },
        this.#secretKey,
        this.#merchant,
      );
    this.#send(["EVENT", event]);
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
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`${what}: not within ${PATIENCE_MS / 1000} s`);
      await this.#somethingNew(left);
    }
  }

  #somethingNew(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
    });
  }

  #send(message: unknown[]): void {
    this.#socket.send(JSON.stringify(message));
  }

  #subscribe(): void {
    this.#send([
      "REQ",
      "mail",
      this.#envelope === "nip04"
        ? { kinds: [4], authors: [this.#merchant], "#p": [this.pubkey] }
        : { kinds: [1059], "#p": [this.pubkey] },
    ]);
  }

  async #hear([verb, ...rest]: [string, ...unknown[]]): Promise<void> {
    if (verb === "AUTH") {
      // NIP-42: gift wraps are shown to their recipient only.
      const tags = [["relay", this.#url], ["challenge", String(rest[0])]];
      const event = finalizeEvent({
        kind: 22242,
        created_at: Math.floor(Date.now() / 1000),
        tags,
        content: "",
      }, this.#secretKey);
      this.#send(["AUTH", event]);
      if (this.#envelope === "nip17") this.#subscribe();
    }
    if (verb === "EVENT") await this.#read(rest[1] as NostrEvent);
    for (const done of [...this.#waiting]) done();
  }

  async #read(event: NostrEvent): Promise<void> {
    if (this.#seen.has(event.id)) return;
    this.#seen.add(event.id);
    if (event.kind === 30017 || event.kind === 30018) {
      const address = `${event.kind}:${event.tags.find((tag) => tag[0] === "d")?.[1]}`;
      const known = this.catalogue.get(address);
      if (!known || known.created_at < event.created_at) this.catalogue.set(address, event);
      return;
    }
    const content = event.kind === 4
      ? await nip04.decrypt(this.#secretKey, this.#merchant, event.content)
      : this.#unwrap(event);
    if (content !== null) this.answers.push(JSON.parse(content) as Answer);
  }

  /** NIP-59: what isn't sealed by the merchant isn't the merchant's. */
  #unwrap(event: NostrEvent): string | null {
    const rumor = nip59.unwrapEvent(event, this.#secretKey);
    return rumor.pubkey === this.#merchant ? rumor.content : null;
  }
}
