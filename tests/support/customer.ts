import type { NostrEvent } from "@nostrify/types";
import * as nip04 from "nostr-tools/nip04";
import * as nip59 from "nostr-tools/nip59";
import { finalizeEvent } from "nostr-tools/pure";
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
  envelope: "nip04" | "nip17";
}

/** How a message is sent otherwise than just now, by the built-in relay, in the customer's own envelope. */
export interface Sending {
  /** Seconds. */
  at?: number;
  relay?: string;
  envelope?: "nip04" | "nip17";
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
  readonly #secretKey: Uint8Array;
  readonly #envelope: "nip04" | "nip17";
  readonly #heard = new Set<string>();

  constructor(shop: ShopFront, name: string, envelope: "nip04" | "nip17") {
    const { secretKey, pubkey } = keyPair(name);
    this.pubkey = pubkey;
    this.#secretKey = secretKey;
    this.#shop = shop;
    this.#envelope = envelope;
  }

  /** Puts a message where relays put it, and doesn't wait for anything. Answers the event. */
  async writes(content: unknown, sending: Sending = {}): Promise<NostrEvent> {
    const event = this.#seal(typeof content === "string" ? content : JSON.stringify(content), sending);
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

  #seal(content: string, sending: Sending): NostrEvent {
    const { merchant, clock } = this.#shop;
    const created_at = sending.at ?? Math.floor(clock.now() / 1000);
    const tags = sending.tags ?? [["p", merchant]];
    if ((sending.envelope ?? this.#envelope) === "nip04") {
      const encrypted = nip04.encrypt(this.#secretKey, merchant, content);
      return plain(finalizeEvent({ kind: 4, content: encrypted, tags, created_at }, this.#secretKey));
    }
    const rumor = nip59.createRumor(
      { kind: sending.kind ?? 14, content, tags, created_at },
      this.#secretKey,
    );
    return plain(nip59.createWrap(nip59.createSeal(rumor, this.#secretKey, merchant), merchant));
  }

  #open(event: NostrEvent): Answer {
    if (event.kind === 4) {
      const text = nip04.decrypt(this.#secretKey, this.#shop.merchant, event.content);
      return { ...read(text), created_at: event.created_at, envelope: "nip04" };
    }
    const rumor = nip59.unwrapEvent(event, this.#secretKey);
    if (rumor.pubkey !== this.#shop.merchant) throw new Error("somebody else wrote this");
    return { ...read(rumor.content), created_at: rumor.created_at, envelope: "nip17" };
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

/** Without what libraries keep under symbols. */
function plain(event: NostrEvent): NostrEvent {
  return JSON.parse(JSON.stringify(event));
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
