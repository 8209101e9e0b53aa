import type { NostrEvent } from "@nostrify/types";
import { type EnvelopeName, Mail } from "../../src/demo/mail.ts";
import { EventStore } from "../../src/nostr/event_store.ts";
import { keyPair } from "./keys.ts";
import type { Shop } from "./shop.ts";

/** An order as NIP-15 has it; what isn't said is an order of one cup. */
export interface OrderJson {
  id?: string;
  items?: { product_id: string; quantity: number }[];
  shipping_id?: string | null;
  address?: string | null;
  [key: string]: unknown;
}

/** What the shop said, decrypted by code that isn't ours. */
export interface Answer {
  /** The JSON's fields; `text` alone for what is none. */
  id?: string | number;
  type?: number;
  message?: string;
  text?: string;
  status?: string;
  paid?: boolean;
  shipped?: boolean;
  payment_options?: { type: string; link: string; amount_sats: number; expiry: number }[];
  /** As it was sent. */
  raw: string;
  /** Seconds; the rumor's for a gift wrap. */
  created_at: number;
  envelope: EnvelopeName;
}

/** How a message is sent otherwise than just now, by the built-in relay, in the customer's own envelope. */
export interface Sending {
  /** Seconds. */
  at?: number;
  relay?: string;
  envelope?: EnvelopeName;
  /** The rumor's kind. */
  kind?: number;
  tags?: string[][];
}

/** What a customer sees of a shop. */
export type ShopFront = Pick<Shop, "merchant" | "clock" | "database" | "settle" | "paid"> & {
  receive(event: NostrEvent, relay?: string): Promise<void>;
};

/** Somebody with a Nostr client built on nostr-tools. */
export class Customer {
  readonly pubkey: string;
  readonly #shop: ShopFront;
  readonly #mail: Mail;
  readonly #heard = new Set<string>();

  constructor(shop: ShopFront, name: string, envelope: EnvelopeName) {
    this.#shop = shop;
    this.#mail = new Mail({ secretKey: keyPair(name).secretKey, merchant: shop.merchant, envelope });
    this.pubkey = this.#mail.pubkey;
  }

  /** Puts a message where relays put it, and doesn't wait for anything. Answers the event. */
  async writes(content: unknown, sending: Sending = {}): Promise<NostrEvent> {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    const at = sending.at ?? Math.floor(this.#shop.clock.now() / 1000);
    const event = this.#mail.seal(text, { ...sending, at });
    await this.#shop.receive(event, sending.relay);
    return event;
  }

  /** Writes, and answers what the shop says when everything has been done. */
  async says(content: unknown, sending: Sending = {}): Promise<Answer[]> {
    await this.writes(content, sending);
    await this.#shop.settle();
    return await this.hears();
  }

  /** Orders, and answers what the shop says. */
  orders(order: OrderJson = {}, sending: Sending = {}): Promise<Answer[]> {
    return this.says(orderJson(order), sending);
  }

  /** Pays a payment request (its first option) or a BOLT11, and answers what the shop says. */
  async pays(
    request: Answer | string,
    o: { late?: boolean; amountMsat?: bigint; silently?: boolean } = {},
  ): Promise<Answer[]> {
    const link = typeof request === "string" ? request : request.payment_options?.[0]?.link;
    if (!link) throw new Error(`nothing to pay in ${JSON.stringify(request)}`);
    await this.#shop.paid(link, o);
    return await this.hears();
  }

  /** What the shop has said since the last time, in the order of reading. */
  async hears(): Promise<Answer[]> {
    const store = new EventStore(this.#shop.database.kysely);
    const events = await store.query([
      { kinds: [4], authors: [this.#shop.merchant], "#p": [this.pubkey] },
      { kinds: [1059], "#p": [this.pubkey] },
    ]);
    const fresh = events.filter((event) => !this.#heard.has(event.id));
    for (const { id } of fresh) this.#heard.add(id);
    return fresh.map((event) => this.#open(event)).sort((a, b) => a.created_at - b.created_at);
  }

  #open(event: NostrEvent): Answer {
    const letter = this.#mail.open(event);
    if (letter === null) throw new Error("somebody else wrote this");
    const envelope = event.kind === 4 ? "nip04" : "nip17";
    return { ...read(letter.content), created_at: letter.created_at, envelope };
  }
}

/** The order in full. */
export function orderJson(order: OrderJson = {}): OrderJson {
  return {
    type: 0,
    id: "order-1",
    items: [{ product_id: "cup", quantity: 1 }],
    shipping_id: null,
    address: "1 Example Street",
    message: null,
    contact: { nostr: null },
    ...order,
  };
}

function read(text: string): Omit<Answer, "created_at" | "envelope"> {
  try {
    return { ...JSON.parse(text), raw: text };
  } catch {
    return { text, raw: text };
  }
}

/** The one payment request that these answers are. */
export function requestIn(answers: Answer[]): Answer {
  const [answer] = answers;
  if (answers.length !== 1 || answer?.type !== 1 || answer.payment_options?.length !== 1) {
    throw new Error(`no payment request: ${JSON.stringify(answers.map((one) => one.raw))}`);
  }
  return answer;
}

/** The reason that these answers, a type 1 without options and no more, give. */
export function refusalIn(answers: Answer[]): string {
  const [answer] = answers;
  if (answers.length !== 1 || answer?.type !== 1 || answer.payment_options?.length !== 0) {
    throw new Error(`no refusal: ${JSON.stringify(answers.map((one) => one.raw))}`);
  }
  return answer.message!;
}

/** What these answers, all of type 2, say. */
export function toldIn(answers: Answer[]): string[] {
  return answers.map((answer) => {
    if (answer.type !== 2) throw new Error(`no status: ${answer.raw}`);
    return `${answer.status}${answer.paid ? ", paid" : ""}${
      answer.shipped ? ", shipped" : ""
    }: ${answer.message}`;
  });
}
