// @ts-types="@types/ws"
import { type WebSocket, WebSocketServer } from "ws";
import { matchFilters } from "nostr-tools";
import { verifyEvent } from "nostr-tools/pure";
import type { NostrEvent, NostrFilter } from "@nostrify/types";

/** What a scripted relay does wrong. */
export interface Switches {
  /** Answers every REQ with CLOSED and this reason. */
  closed: string | null;
  /** Refuses events with this reason; null accepts. */
  refuse: string | null;
  /** Never answers EVENT. */
  noOk: boolean;
  /** Reads, but never answers anything. */
  deaf: boolean;
  /** Requires NIP-42 for REQ and EVENT. */
  auth: boolean;
  /** What it says to those who didn't authenticate. */
  authRefusal: string;
  /** Drops the connection when a REQ comes. */
  dropOnReq: boolean;
  /** Sends a binary frame when a REQ comes. */
  binaryOnReq: boolean;
  noEose: boolean;
  /** Most events per filter, whatever is asked. */
  limit: number;
  /** Sends each event twice. */
  twice: boolean;
}

interface Client {
  socket: WebSocket;
  challenge: string;
  authed: string | null;
  subs: Map<string, NostrFilter[]>;
}

/** A NIP-01 relay over a real WebSocket, for tests, that misbehaves on command. `await using` stops it. */
export class FakeRelay implements AsyncDisposable {
  /** Stored events, in order of arrival. */
  events: NostrEvent[] = [];
  /** Raw EVENT frames as they came. */
  frames: string[] = [];
  /** Every REQ's filters. */
  reqs: NostrFilter[][] = [];
  /** Keys that authenticated, one entry each time. */
  auths: string[] = [];
  connections = 0;
  is: Switches;
  #server: WebSocketServer | undefined;
  #clients = new Set<Client>();
  #port = 0;

  private constructor(switches: Partial<Switches>) {
    this.is = {
      closed: null,
      refuse: null,
      noOk: false,
      deaf: false,
      auth: false,
      authRefusal: "auth-required: who are you?",
      dropOnReq: false,
      binaryOnReq: false,
      noEose: false,
      limit: 500,
      twice: false,
      ...switches,
    };
  }

  static async start(switches: Partial<Switches> = {}): Promise<FakeRelay> {
    const relay = new FakeRelay(switches);
    await relay.start();
    return relay;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  /** Listens (again) on the same port. */
  async start(): Promise<void> {
    const server = new WebSocketServer({ port: this.#port, host: "127.0.0.1" });
    server.on("connection", (socket) => this.#connected(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("listening", resolve);
      server.once("error", reject);
    });
    this.#port = (server.address() as { port: number }).port;
    this.#server = server;
  }

  /** Drops everybody and refuses connections until `start()`. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = [...this.#clients].map(({ socket }) =>
      new Promise((resolve) => socket.once("close", resolve))
    );
    this.drop();
    await Promise.all(closed);
    await new Promise((resolve) => server.close(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Cuts all connections without a closing handshake. */
  drop(): void {
    for (const { socket } of this.#clients) socket.terminate();
  }

  /** Sends everybody a binary frame. */
  binary(): void {
    for (const { socket } of this.#clients) socket.send(new Uint8Array([1, 2, 3]));
  }

  /** Ends every subscription with CLOSED. */
  closeSubscriptions(reason: string): void {
    for (const client of this.#clients) {
      for (const id of client.subs.keys()) send(client, ["CLOSED", id, reason]);
      client.subs.clear();
    }
  }

  /** Open subscriptions of all connections. */
  get subscriptions(): NostrFilter[][] {
    return [...this.#clients].flatMap((client) => [...client.subs.values()]);
  }

  /** Stores and hands to live subscribers, unverified: a hostile relay can do that. */
  publish(event: NostrEvent): void {
    this.events.push(event);
    for (const client of this.#clients) {
      for (const [id, filters] of client.subs) {
        if (matchFilters(filters, event)) this.#deliver(client, id, event);
      }
    }
  }

  #connected(socket: WebSocket): void {
    this.connections++;
    const client: Client = { socket, challenge: crypto.randomUUID(), authed: null, subs: new Map() };
    this.#clients.add(client);
    socket.on("error", () => {});
    socket.on("close", () => this.#clients.delete(client));
    socket.on("message", (data) => this.#heard(client, String(data)));
    if (this.is.auth && !this.is.deaf) send(client, ["AUTH", client.challenge]);
  }

  #heard(client: Client, frame: string): void {
    const message = JSON.parse(frame);
    if (message[0] === "EVENT") this.frames.push(frame);
    if (message[0] === "REQ") this.reqs.push(message.slice(2));
    if (this.is.deaf) return;
    if (message[0] === "EVENT") this.#event(client, message[1]);
    if (message[0] === "REQ") this.#req(client, message[1], message.slice(2));
    if (message[0] === "CLOSE") client.subs.delete(message[1]);
    if (message[0] === "AUTH") this.#auth(client, message[1]);
  }

  #auth(client: Client, event: NostrEvent): void {
    const tag = (name: string) => event.tags.find((t) => t[0] === name)?.[1];
    const ok = event.kind === 22242 && verifyEvent(event) && tag("challenge") === client.challenge &&
      tag("relay") === this.url;
    if (ok) {
      client.authed = event.pubkey;
      this.auths.push(event.pubkey);
    }
    send(client, ["OK", event.id, ok, ok ? "" : "auth-required: wrong"]);
  }

  #event(client: Client, event: NostrEvent): void {
    if (this.is.noOk) return;
    const say = (ok: boolean, reason: string) => send(client, ["OK", event.id, ok, reason]);
    if (this.is.auth && !client.authed) return say(false, this.is.authRefusal);
    if (this.is.refuse !== null) return say(false, this.is.refuse);
    if (this.events.some((e) => e.id === event.id)) return say(false, "duplicate: have it");
    this.publish(event);
    say(true, "");
  }

  #req(client: Client, id: string, filters: NostrFilter[]): void {
    if (this.is.dropOnReq) return client.socket.terminate();
    if (this.is.binaryOnReq) return client.socket.send(new Uint8Array([1]));
    if (this.is.auth && !client.authed) return send(client, ["CLOSED", id, this.is.authRefusal]);
    if (this.is.closed !== null) return send(client, ["CLOSED", id, this.is.closed]);
    client.subs.set(id, filters);
    const found = new Set<NostrEvent>();
    for (const filter of filters) {
      this.events.filter((event) => matchFilters([filter], event))
        .sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))
        .slice(0, Math.min(this.is.limit, filter.limit ?? Infinity))
        .forEach((event) => found.add(event));
    }
    for (const event of found) this.#deliver(client, id, event);
    if (!this.is.noEose) send(client, ["EOSE", id]);
  }

  #deliver(client: Client, id: string, event: NostrEvent): void {
    for (let i = 0; i < (this.is.twice ? 2 : 1); i++) send(client, ["EVENT", id, event]);
  }
}

function send(client: Client, message: unknown[]): void {
  client.socket.send(JSON.stringify(message));
}
