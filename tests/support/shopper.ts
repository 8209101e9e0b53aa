import type { NostrEvent } from "nostr-tools/pure";
import { Bell } from "../../src/demo/bell.ts";
import { type EnvelopeName, Mail } from "../../src/demo/mail.ts";

/** What a merchant says about an order (NIP-15, type 1 and 2), as it came. */
export interface MerchantMessage {
  /** What the message is known by: the event of kind 4, or the rumor in the gift wrap. */
  messageId: string;
  id: string;
  type: number;
  message?: string;
  payment_options?: { type: string; link: string }[];
  paid?: boolean;
  shipped?: boolean;
  status?: string;
}

const CONNECT_MS = 60_000;
/** A patient shopper's relay may forget to answer, to show, or to live: ask again, look again, come back. */
const OK_MS = 5_000;
const LOOK_AGAIN_MS = 5_000;
const COME_BACK_MS = 300;

/** Who buys from whom, and how. */
export interface ShopperOptions {
  secretKey: Uint8Array;
  merchant: string;
  envelope: EnvelopeName;
  relay: string;
  /** Lives with a relay that loses messages and connections. */
  patient?: boolean;
}

/**
 * Somebody with one key who buys by direct messages: nostr-tools and a WebSocket, nothing of ours. NIP-42 is spoken when the
 * relay asks for it. Everything the merchant says is kept, by the id of the message.
 */
export class Shopper implements AsyncDisposable {
  readonly pubkey: string;
  readonly messages = new Map<string, MerchantMessage>();
  /** What of the merchant couldn't be read. */
  readonly unreadable: string[] = [];
  readonly #o: ShopperOptions;
  readonly #mail: Mail;
  readonly #news = new Bell();
  /** Ids of events that were read: they are shown again. */
  readonly #seen = new Set<string>();
  readonly #published = new Map<string, (accepted: boolean) => void>();
  #socket: WebSocket | undefined;
  #ready = Promise.withResolvers<void>();

  constructor(o: ShopperOptions) {
    this.#o = o;
    this.#mail = new Mail(o);
    this.pubkey = this.#mail.pubkey;
  }

  /** Connects, and resolves once all that the relay holds for this key has been read. Another relay than usual may be read. */
  async connect(relay: string = this.#o.relay): Promise<void> {
    const ready = this.#ready = Promise.withResolvers<void>();
    const socket = this.#socket = new WebSocket(relay);
    if (this.#o.patient && relay === this.#o.relay) return this.#stayConnected(socket);
    socket.onopen = () => this.#subscribe();
    socket.onerror = (event) => {
      event.preventDefault();
      ready.reject(new Error(`${this.#o.relay}: ${(event as ErrorEvent).message}`));
    };
    socket.onmessage = (message) => this.#hear(JSON.parse(String(message.data)));
    const late = setTimeout(() => ready.reject(new Error("the relay gave no mail in time")), CONNECT_MS);
    await ready.promise.finally(() => clearTimeout(late));
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    const closed = Promise.withResolvers<void>();
    socket.onclose = () => closed.resolve();
    socket.close();
    await closed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Sends the merchant JSON or a text; true when the relay took it. The patient get false, too, when it says nothing. */
  async write(message: unknown): Promise<boolean> {
    const content = typeof message === "string" ? message : JSON.stringify(message);
    const event = this.#mail.seal(content);
    const answered = Promise.withResolvers<boolean>();
    this.#published.set(event.id, answered.resolve);
    this.#send(["EVENT", event]);
    const late = this.#o.patient ? setTimeout(() => answered.resolve(false), OK_MS) : undefined;
    return await answered.promise.finally(() => clearTimeout(late));
  }

  /** The first message that `fits`, now or within `ms`; undefined when none comes. */
  async hears(fits: (message: MerchantMessage) => boolean, ms: number): Promise<MerchantMessage | undefined> {
    return await this.#news.until(() => this.messages.values().find(fits), ms);
  }

  /** Comes back whenever the connection ends, and looks again whether there is something that wasn't shown. */
  #stayConnected(socket: WebSocket): void {
    let look: ReturnType<typeof setInterval> | undefined;
    let heard = true;
    socket.onopen = () => {
      this.#subscribe();
      look = setInterval(() => {
        // A connection can be open and dead.
        if (!heard) return socket.close();
        heard = false;
        this.#subscribe();
      }, LOOK_AGAIN_MS);
    };
    socket.onerror = (event) => event.preventDefault();
    socket.onmessage = ({ data }) => {
      heard = true;
      if (typeof data === "string") this.#hear(JSON.parse(data));
    };
    socket.onclose = () => {
      clearInterval(look);
      setTimeout(() => this.#socket === socket && this.connect(), COME_BACK_MS);
    };
  }

  #send(message: unknown[]): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #subscribe(): void {
    this.#send(["REQ", "mail", this.#mail.filter()]);
  }

  #hear([verb, first, second]: [string, unknown, unknown]): void {
    if (verb === "AUTH") this.#send(["AUTH", this.#mail.authentication(this.#o.relay, String(first))]);
    if (verb === "EOSE") this.#ready.resolve();
    if (verb === "OK" && !this.#published.has(String(first)) && second === true) this.#subscribe();
    if (verb === "OK") {
      this.#published.get(String(first))?.(second === true);
      this.#published.delete(String(first));
    }
    if (verb !== "EVENT") return;
    this.#read(second as NostrEvent);
    this.#news.ring();
  }

  #read(event: NostrEvent): void {
    if (this.#seen.has(event.id)) return;
    this.#seen.add(event.id);
    // Some relays don't look at a live filter's tags: they show everybody's.
    if (!event.tags.some(([name, value]) => name === "p" && value === this.pubkey)) return;
    try {
      const letter = this.#mail.open(event);
      if (letter) this.messages.set(letter.id, { ...JSON.parse(letter.content), messageId: letter.id });
    } catch (error) {
      this.unreadable.push(`${event.id}: ${error}`);
    }
  }
}

/** The link to pay, when this is a payment request. */
export function lightningLink(message: MerchantMessage): string | undefined {
  return message.payment_options?.find((option) => option.type === "ln")?.link;
}

/** An order as LNbits' market app sends it: keys in its order, nulls for what isn't said. */
export function lnbitsOrder(id: string, productId: string, quantity: number, shippingId: string) {
  return {
    address: "1 Example Street, Exampletown",
    message: null,
    contact: { nostr: null, email: null },
    items: [{ product_id: productId, quantity }],
    shipping_id: shippingId,
    type: 0,
    id,
  };
}
