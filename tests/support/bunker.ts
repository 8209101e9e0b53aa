// @ts-types="@types/ws"
import { WebSocket } from "ws";
import * as nip04 from "nostr-tools/nip04";
import * as nip44 from "nostr-tools/nip44";
import {
  finalizeEvent,
  generateSecretKey,
  getPublicKey,
  type NostrEvent,
  verifyEvent,
} from "nostr-tools/pure";
import { keyPair } from "./keys.ts";

/** How a remote signer behaves; a test changes it as it goes on. */
export interface Manners {
  /** Hears nothing, as if it weren't there: what is sent meanwhile is lost to it. */
  asleep: boolean;
  /** Answers after so many milliseconds, as when somebody approves by hand; which key it holds it says at once. */
  slowMs: number;
  /** Methods that its owner refuses, and in what words. */
  refuses: Record<string, string>;
  /** Methods that it doesn't know. */
  lacks: string[];
  /** Wants its owner to open this page first; answers those requests when `approve()` is called. */
  authUrl: string | null;
  /** Answers with this text instead of its answer. */
  garbage: string | null;
  /** Sends each answer twice, as two events. */
  twice: boolean;
  /** Fails so many requests before it does them, with this text. */
  fails: { count: number; error: string };
  /** Speaks only this cipher on the way; else the one it is spoken to in. */
  transport: "nip04" | "nip44" | null;
  /** Returns the signed event as an object, not as its JSON. */
  objects: boolean;
  /** Changes what it is asked to sign. */
  tampers: ((event: { content: string; tags: string[][]; created_at: number; kind: number }) => void) | null;
  /** Signs with another key than it says it holds. */
  otherKey: Uint8Array | null;
}

interface Asked {
  id: string;
  method: string;
  params: string[];
}

/**
 * A remote signer that isn't ours: NIP-46 with nostr-tools' cryptography over a relay, one client at a time. Nothing on
 * npm that is installed here has this side of the protocol.
 */
export class Bunker implements AsyncDisposable {
  readonly is: Manners;
  /** The merchant's key; not the one that the bunker itself speaks with. */
  merchant: { secretKey: Uint8Array; pubkey: string };
  readonly secret: string | null;
  /** Every request that it heard, in order. */
  readonly heard: Asked[] = [];
  /** Keys of clients that connected with the secret, or without one where there is none. */
  readonly clients = new Set<string>();
  readonly #key = generateSecretKey();
  readonly #relay: string;
  #used = false;
  #over = false;
  #connecting: Promise<void> | undefined;
  #socket!: WebSocket;
  #held: (() => void)[] = [];
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  private constructor(
    relay: string,
    o: { secret?: string | null; is?: Partial<Manners>; merchant?: string },
  ) {
    this.#relay = relay;
    this.secret = o.secret === undefined ? "s3cret-of-the-bunker" : o.secret;
    this.merchant = keyPair(o.merchant ?? "merchant");
    this.is = {
      asleep: false,
      slowMs: 0,
      refuses: {},
      lacks: [],
      authUrl: null,
      garbage: null,
      twice: false,
      fails: { count: 0, error: "busy" },
      transport: null,
      objects: false,
      tampers: null,
      otherKey: null,
      ...o.is,
    };
  }

  static async start(
    relay: string,
    o: { secret?: string | null; is?: Partial<Manners>; merchant?: string } = {},
  ): Promise<Bunker> {
    const bunker = new Bunker(relay, o);
    await bunker.#connect();
    return bunker;
  }

  get pubkey(): string {
    return getPublicKey(this.#key);
  }

  /** As its owner would copy it. */
  get url(): string {
    const query = new URLSearchParams({ relay: this.#relay, ...(this.secret && { secret: this.secret }) });
    return `bunker://${this.pubkey}?${query}`;
  }

  /** Its owner opens the page and says yes to what was asked. */
  approve(): void {
    this.is.authUrl = null;
    for (const go of this.#held.splice(0)) go();
  }

  /** Sends an answer that nobody asked for, or somebody did. */
  say(client: string, answer: unknown, o: { by?: Uint8Array; cipher?: "nip04" | "nip44" } = {}): void {
    const key = o.by ?? this.#key;
    const text = typeof answer === "string" ? answer : JSON.stringify(answer);
    const content = o.cipher === "nip04"
      ? nip04.encrypt(key, client, text)
      : nip44.encrypt(text, nip44.getConversationKey(key, client));
    this.sendRaw(
      finalizeEvent({ kind: 24133, created_at: seconds(), tags: [["p", client]], content }, key),
    );
  }

  sendRaw(event: NostrEvent): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(["EVENT", event]));
  }

  count(method: string): number {
    return this.heard.filter((one) => one.method === method).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const socket = this.#socket;
    if (socket.readyState !== WebSocket.CLOSED) {
      const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      socket.close();
      await closed;
    }
    await this.#connecting;
  }

  async #connect(): Promise<void> {
    const open = Promise.withResolvers<void>();
    const socket = this.#socket = new WebSocket(this.#relay);
    socket.on("error", () => open.reject(new Error(`the bunker can't reach ${this.#relay}`)));
    socket.on("message", (data) => {
      const message = JSON.parse(String(data));
      if (message[0] === "EOSE") open.resolve();
      if (message[0] === "EVENT") this.#receive(message[2]);
    });
    // Ephemeral kinds aren't kept: who isn't there misses them.
    const req = ["REQ", "b", { kinds: [24133], "#p": [this.pubkey], limit: 0 }];
    socket.on("open", () => socket.send(JSON.stringify(req)));
    socket.on("close", () => {
      open.reject(new Error("closed"));
      if (!this.#over) this.#connecting ??= this.#again().finally(() => this.#connecting = undefined);
    });
    await open.promise;
  }

  /** The relay went: it is tried until it is back. */
  async #again(): Promise<void> {
    while (!this.#over) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (this.#over) return;
      try {
        return await this.#connect();
      } catch {
        // Not there yet.
        continue;
      }
    }
  }

  #receive(event: NostrEvent): void {
    if (this.is.asleep || !verifyEvent(event)) return;
    const isOld = event.content.includes("?iv=");
    const cipher = isOld ? "nip04" : "nip44";
    if (this.is.transport !== null && this.is.transport !== cipher) return;
    const text = isOld
      ? nip04.decrypt(this.#key, event.pubkey, event.content)
      : nip44.decrypt(event.content, nip44.getConversationKey(this.#key, event.pubkey));
    const asked = JSON.parse(text) as Asked;
    this.heard.push(asked);
    const answer = () => this.#answer(asked, event.pubkey, cipher);
    if (this.is.authUrl !== null && asked.method !== "get_public_key") {
      this.say(event.pubkey, { id: asked.id, result: "auth_url", error: this.is.authUrl }, { cipher });
      this.#held.push(answer);
    } else if (this.is.slowMs > 0 && asked.method !== "get_public_key") {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        answer();
      }, this.is.slowMs);
      this.#timers.add(timer);
    } else answer();
  }

  #answer(asked: Asked, client: string, cipher: "nip04" | "nip44"): void {
    const answer = this.is.garbage ?? this.#does(asked, client);
    for (let i = 0; i < (this.is.twice ? 2 : 1); i++) this.say(client, answer, { cipher });
  }

  #does({ id, method, params }: Asked, client: string): { id: string; result?: unknown; error?: string } {
    const refusal = this.is.refuses[method];
    if (refusal !== undefined) return { id, error: refusal };
    if (this.is.fails.count > 0) {
      this.is.fails.count--;
      return { id, error: this.is.fails.error };
    }
    if (method === "connect") return this.#connected(id, params[1] ?? "", client);
    if (!this.clients.has(client)) return { id, error: "unauthorized" };
    if (this.is.lacks.includes(method)) return { id, error: "what?" };
    try {
      return { id, result: this.#work(method, params) };
    } catch (error) {
      return { id, error: (error as Error).message };
    }
  }

  #connected(id: string, secret: string, client: string): { id: string; result?: string; error?: string } {
    if (!this.clients.has(client)) {
      if (this.secret !== null && (this.#used || secret !== this.secret)) {
        return { id, error: "wrong secret" };
      }
      this.#used = true;
      this.clients.add(client);
    }
    return { id, result: "ack" };
  }

  #work(method: string, params: string[]): unknown {
    const { secretKey, pubkey } = this.merchant;
    const [peer = "", text = ""] = params;
    switch (method) {
      case "get_public_key":
        return pubkey;
      case "sign_event": {
        const template = JSON.parse(peer);
        this.is.tampers?.(template);
        const event = finalizeEvent(template, this.is.otherKey ?? secretKey);
        return this.is.objects ? event : JSON.stringify(event);
      }
      case "nip04_encrypt":
        return nip04.encrypt(secretKey, peer, text);
      case "nip04_decrypt":
        return nip04.decrypt(secretKey, peer, text);
      case "nip44_encrypt":
        return nip44.encrypt(text, nip44.getConversationKey(secretKey, peer));
      case "nip44_decrypt":
        return nip44.decrypt(text, nip44.getConversationKey(secretKey, peer));
      default:
        throw new Error("what?");
    }
  }
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
