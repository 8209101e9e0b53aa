// @ts-types="@types/ws"
import { WebSocket } from "ws";
import type { EventTemplate, NostrEvent } from "nostr-tools/pure";
import { openEnvelope, sealMessage } from "../src/nostr/envelope.ts";
import { localSigner, type MerchantSigner } from "../src/nostr/signer.ts";
import type { EventCrypto } from "../src/nostr/verify.ts";
import { systemRandom } from "../src/random.ts";

/** An order whose message is signed already, and how far it got; times in ms of this process. */
export interface Checkout {
  id: string;
  event: NostrEvent;
  sentAt: number;
  requestedAt: number;
  toldAt: number;
}

/** Keys on one connection: the built-in relay takes ten. */
const KEYS = 10;
/** The relay counts events by address; loopback has many. */
const CONNECTIONS_PER_ADDRESS = 40;

/** Ten customers on one connection to the built-in relay. */
export class Buyers {
  readonly #o: BuyersOptions;
  readonly #signers = new Map<string, MerchantSigner>();
  readonly #open = new Map<string, { checkout: Checkout; done(): void }>();
  #socket!: WebSocket;

  constructor(o: BuyersOptions) {
    this.#o = o;
    for (let i = 0; i < KEYS; i++) {
      const signer = localSigner(systemRandom.bytes(32), o.crypto);
      this.#signers.set(signer.pubkey, signer);
    }
  }

  /** Signs an order of each customer, `times` each. */
  async prepare(times: number, content: (id: string) => string): Promise<Checkout[]> {
    const checkouts: Checkout[] = [];
    for (const signer of this.#signers.values()) {
      for (let i = 0; i < times; i++) {
        const id = crypto.randomUUID();
        const sealed = await sealMessage(
          {
            envelope: this.#o.envelope,
            recipient: this.#o.merchant,
            content: content(id),
            createdAt: Math.floor(Date.now() / 1000),
          },
          signer,
          systemRandom,
        );
        checkouts.push({ id, event: sealed.events[0]!.event, sentAt: 0, requestedAt: 0, toldAt: 0 });
      }
    }
    return checkouts;
  }

  async connect(): Promise<void> {
    const { relay, envelope, number } = this.#o;
    const address = `127.0.1.${1 + Math.floor(number / CONNECTIONS_PER_ADDRESS)}`;
    const socket = this.#socket = new WebSocket(relay, { localAddress: address, perMessageDeflate: false });
    const ready = Promise.withResolvers<void>();
    let toAuthenticate = envelope === "nip17" ? KEYS : 0;
    const subscribe = () =>
      this.#send(["REQ", "mail", {
        kinds: [envelope === "nip04" ? 4 : 1059],
        "#p": [...this.#signers.keys()],
      }]);
    socket.on("upgrade", (response) => response.socket.setNoDelay(true));
    socket.on("error", (error) => ready.reject(error));
    socket.on("open", () => toAuthenticate === 0 && subscribe());
    socket.on("message", async (data) => {
      const [verb, first, second, third] = JSON.parse(String(data));
      if (verb === "AUTH" && toAuthenticate > 0) await this.#authenticate(String(first));
      if (verb === "EOSE") ready.resolve();
      if (verb === "CLOSED") ready.reject(new Error(third ?? second));
      if (verb === "OK" && second === true && toAuthenticate > 0 && --toAuthenticate === 0) subscribe();
      if (verb === "OK" && second !== true) this.#refused(String(first), String(third));
      if (verb === "EVENT") await this.#read(second);
    });
    await ready.promise;
  }

  /** Sends a prepared order and resolves when its status came. */
  buy(checkout: Checkout): Promise<void> {
    return new Promise((resolve) => {
      this.#open.set(checkout.id, { checkout, done: resolve });
      checkout.sentAt = performance.now();
      this.send(checkout.event);
    });
  }

  /** Sends an event, perhaps again. */
  send(event: NostrEvent): void {
    this.#send(["EVENT", event]);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.once("close", resolve));
    this.#socket.close();
    await closed;
  }

  async #authenticate(challenge: string): Promise<void> {
    for (const signer of this.#signers.values()) {
      const template: EventTemplate = {
        kind: 22242,
        created_at: Math.floor(Date.now() / 1000),
        tags: [["relay", this.#o.relay], ["challenge", challenge]],
        content: "",
      };
      this.#send(["AUTH", await signer.signEvent(template)]);
    }
  }

  async #read(event: NostrEvent): Promise<void> {
    const now = performance.now();
    const customer = event.tags.find((tag) => tag[0] === "p")?.[1] ?? "";
    const signer = this.#signers.get(customer);
    if (!signer) throw new Error("mail for somebody else");
    const content = this.#o.envelope === "nip04"
      ? await signer.nip04.decrypt(event.pubkey, event.content)
      : await unwrapped(event, signer, this.#o.crypto);
    const message = JSON.parse(content) as {
      id: string;
      type: number;
      paid?: boolean;
      message: string;
      payment_options?: { link: string }[];
    };
    const open = this.#open.get(message.id);
    if (!open) throw new Error("an answer to nothing");
    if (message.type === 1) {
      const link = message.payment_options?.[0]?.link;
      if (link === undefined) throw new Error(`refused: ${message.message}`);
      open.checkout.requestedAt = now;
      this.#o.pay(link);
    } else if (message.paid === true) {
      open.checkout.toldAt = now;
      this.#open.delete(message.id);
      open.done();
    }
  }

  #refused(eventId: string, reason: string): void {
    const open = [...this.#open.values()].find(({ checkout }) => checkout.event.id === eventId);
    if (!open || !this.#o.refused) throw new Error(`the relay refused: ${reason}`);
    this.#o.refused(open.checkout.event);
  }

  #send(message: unknown[]): void {
    this.#socket.send(JSON.stringify(message));
  }
}

/** What the customers need to know. */
export interface BuyersOptions {
  number: number;
  relay: string;
  merchant: string;
  envelope: "nip04" | "nip17";
  crypto: EventCrypto;
  pay(bolt11: string): void;
  /** What to do when the relay doesn't take an order; by default it is the end. */
  refused?(event: NostrEvent): void;
}

async function unwrapped(event: NostrEvent, signer: MerchantSigner, crypto: EventCrypto): Promise<string> {
  const opened = await openEnvelope(event, signer, crypto);
  if (!opened.ok) throw new Error(opened.reason);
  return opened.message.content;
}
