// @ts-types="@types/ws"
import { type WebSocket, WebSocketServer } from "ws";
import { matchFilters } from "nostr-tools";
import { verifyEvent } from "nostr-tools/pure";
import type { NostrEvent, NostrFilter } from "@nostrify/types";

/** What a scripted relay does wrong. */
export interface Switches {
  /** Answers REQs with CLOSED and this reason; null doesn't. */
  closed: string | null | ((filters: NostrFilter[]) => string | null);
  /** Refuses events with this reason; null accepts. */
  refuse: string | null | ((event: NostrEvent) => string | null);
  /** Accepts events and stores none, or none of these. */
  lies: boolean | ((event: NostrEvent) => boolean);
  /** Never answers EVENT. */
  noOk: boolean;
  /** Reads, but never answers anything, as a peer does that is gone while TCP hasn't noticed. */
  deaf: boolean;
  /** Stores and answers questions, but hands nothing to subscriptions that stand. */
  hoards: boolean;
  /** Hands no event back to the connection that it came from. */
  noEcho: boolean;
  /** Requires NIP-42 for REQ and EVENT. */
  auth: boolean;
  /** What it says to those who didn't authenticate. */
  authRefusal: string;
  /** Challenges only those whom it has refused. */
  lateChallenge: boolean;
  /** Refuses the first so many REQs after AUTH, as if there had been none. */
  authForgets: number;
  /** Drops the connection when a REQ comes. */
  dropOnReq: boolean;
  /** Sends a binary frame when a REQ comes. */
  binaryOnReq: boolean;
  noEose: boolean;
  /** Says EOSE and keeps to itself what it has stored. */
  emptyEose: boolean;
  /** Most events per filter, whatever is asked. */
  limit: number;
  /** Sends a binary frame after so many stored events of an answer that has more. */
  breaksAfter: number;
  /** Gives the stored events that were found in whatever order. */
  shuffles: boolean;
  /** Goes on sending stored events after CLOSE, without end. */
  endless: boolean;
  /** Sends each event twice. */
  twice: boolean;
}

interface Client {
  socket: WebSocket;
  /** Counted from 1. */
  number: number;
  challenge: string;
  authed: string | null;
  forgets: number;
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
  /** Connections that have ended, by their number. */
  readonly gone = new Set<number>();
  /** Told of every frame, and by which connection it came. */
  onFrame: (connection: number, message: unknown[]) => void = () => {};
  is: Switches;
  #server: WebSocketServer | undefined;
  #clients = new Set<Client>();
  #port = 0;

  private constructor(switches: Partial<Switches>) {
    this.is = {
      closed: null,
      refuse: null,
      lies: false,
      noOk: false,
      deaf: false,
      hoards: false,
      noEcho: false,
      auth: false,
      authRefusal: "auth-required: who are you?",
      lateChallenge: false,
      authForgets: 0,
      dropOnReq: false,
      binaryOnReq: false,
      noEose: false,
      emptyEose: false,
      limit: 500,
      breaksAfter: Infinity,
      shuffles: false,
      endless: false,
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

  /** Sends everybody a frame as it is. */
  raw(frame: string): void {
    for (const { socket } of this.#clients) socket.send(frame);
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
  publish(event: NostrEvent, from?: Client): void {
    this.events.push(event);
    if (this.is.hoards) return;
    for (const client of this.#clients) {
      if (client === from && this.is.noEcho) continue;
      for (const [id, filters] of client.subs) {
        if (matchFilters(filters, event)) this.#deliver(client, id, event);
      }
    }
  }

  #connected(socket: WebSocket): void {
    const client: Client = {
      socket,
      number: ++this.connections,
      challenge: crypto.randomUUID(),
      authed: null,
      forgets: this.is.authForgets,
      subs: new Map(),
    };
    this.#clients.add(client);
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#clients.delete(client);
      this.gone.add(client.number);
    });
    socket.on("message", (data) => this.#heard(client, String(data)));
    if (this.is.auth && !this.is.deaf && !this.is.lateChallenge) send(client, ["AUTH", client.challenge]);
  }

  #knows(client: Client): boolean {
    if (!this.is.auth || client.authed) return true;
    if (this.is.lateChallenge) setTimeout(() => send(client, ["AUTH", client.challenge]), 5);
    return false;
  }

  #heard(client: Client, frame: string): void {
    const message = JSON.parse(frame);
    this.onFrame(client.number, message);
    if (message[0] === "EVENT") this.frames.push(frame);
    if (message[0] === "REQ") this.reqs.push(message.slice(2));
    if (this.is.deaf) return;
    if (message[0] === "EVENT") this.#event(client, message[1]);
    if (message[0] === "REQ") this.#req(client, message[1], message.slice(2));
    if (message[0] === "CLOSE") {
      client.subs.delete(message[1]);
      if (this.is.endless) void this.#goOn(client, message[1]);
    }
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
    if (!this.#knows(client)) return say(false, this.is.authRefusal);
    const refusal = typeof this.is.refuse === "function" ? this.is.refuse(event) : this.is.refuse;
    if (refusal !== null) return say(false, refusal);
    if (this.events.some((e) => e.id === event.id)) return say(false, "duplicate: have it");
    const lies = typeof this.is.lies === "function" ? this.is.lies(event) : this.is.lies;
    if (!lies) this.publish(event, client);
    say(true, "");
  }

  async #goOn(client: Client, id: string): Promise<void> {
    for (let i = 0; client.socket.readyState === client.socket.OPEN; i++) {
      send(client, ["EVENT", id, this.events[i % this.events.length]!]);
      if (i % 200 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  #req(client: Client, id: string, filters: NostrFilter[]): void {
    if (this.is.dropOnReq) return client.socket.terminate();
    if (this.is.binaryOnReq) return client.socket.send(new Uint8Array([1]));
    if (!this.#knows(client) || (client.authed && client.forgets-- > 0)) {
      return send(client, ["CLOSED", id, this.is.authRefusal]);
    }
    const refusal = typeof this.is.closed === "function" ? this.is.closed(filters) : this.is.closed;
    if (refusal !== null) return send(client, ["CLOSED", id, refusal]);
    client.subs.set(id, filters);
    const found = new Set<NostrEvent>();
    for (const filter of filters) {
      if (this.is.emptyEose) break;
      const matching = this.events.filter((event) => matchFilters([filter], event));
      if (this.is.shuffles) matching.sort((a, b) => a.id.slice(-4) < b.id.slice(-4) ? -1 : 1);
      else matching.sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1));
      matching.slice(0, Math.min(this.is.limit, filter.limit ?? Infinity))
        .forEach((event) => found.add(event));
    }
    let shown = 0;
    for (const event of found) {
      if (shown++ >= this.is.breaksAfter) return client.socket.send(new Uint8Array([1]));
      this.#deliver(client, id, event);
    }
    if (!this.is.noEose) send(client, ["EOSE", id]);
  }

  #deliver(client: Client, id: string, event: NostrEvent): void {
    for (let i = 0; i < (this.is.twice ? 2 : 1); i++) send(client, ["EVENT", id, event]);
  }
}

function send(client: Client, message: unknown[]): void {
  client.socket.send(JSON.stringify(message));
}
