import { bytesToHex } from "@noble/hashes/utils.js";
import type { NostrEvent } from "@nostrify/types";
import { type Clock, seconds } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import { arrive } from "../nostr/arrivals.ts";
import type { Verifier } from "../nostr/verify.ts";
import type { Random } from "../random.ts";
import { authHosts, checkAuth } from "./auth.ts";
import { Connection } from "./connection.ts";
import { FairQueue } from "./fair_queue.ts";
import { defaultLimits, type RelayLimits } from "./limits.ts";
import { LiveFeed } from "./live_feed.ts";
import { type ClientMessage, clientMessageParser, type Parsed } from "./messages.ts";
import { informationDocument, plainAnswer, type RelayInfo } from "./nip11.ts";
import { type OnArrival, Publishing, type RelayAdmission, type StrangersRoom } from "./publishing.ts";
import { addressKey, Quotas } from "./quotas.ts";
import { type ReadableStore, Reading } from "./reading.ts";
import { authMessage, closedMessage, noticeMessage, okMessage } from "./replies.ts";

/** Keys that one connection may speak for. */
const MAX_KEYS = 10;
const CLOSE_PATIENCE_MS = 2_000;

/** What the relay stands on. */
export interface RelayServerOptions {
  database: Database;
  store: ReadableStore;
  verifier: Verifier;
  clock: Clock;
  random: Random;
  log: Log;
  /** "open" takes every valid event: for tests and private relays. */
  admission: "open" | RelayAdmission;
  /** What the information document says (NIP-11). */
  info: () => RelayInfo;
  merchants: () => ReadonlySet<string>;
  /** The relay's own URL as clients know it: `ws://127.0.0.1:8787/relay` when nothing is public. */
  url: () => string;
  /** Default: `arrive`. */
  onArrival?: OnArrival;
  /** Whether this key is a regular customer's: then a full quota or a crowd doesn't keep its events out. Default: nobody is. */
  isRegular?: (pubkey: string) => Promise<boolean>;
  /** What room is left for everybody else; `welcome` is false while what came before is still being read. Default: room for all. */
  strangers?: StrangersRoom & { readonly welcome: boolean };
  limits?: Partial<RelayLimits>;
}

/** The built-in relay: NIP-01, 09, 11, 40, 42, 45 and 70 over the event store, for one HTTP route. */
export class RelayServer {
  readonly #o: RelayServerOptions;
  readonly #limits: RelayLimits;
  readonly #quotas: Quotas;
  readonly #feed: LiveFeed;
  readonly #reading: Reading;
  readonly #publishing: Publishing;
  /** Turns at checking who somebody is: not held up by how busy the inbox is. */
  readonly #checks: FairQueue;
  readonly #parse: (text: string) => Parsed;
  readonly #stopListening: () => void;
  readonly #connections = new Map<Connection, { gone: Promise<void> }>();
  /** What is under way for clients. */
  readonly #running = new Set<Promise<void>>();
  #closing = false;
  readonly #counts = { connections: 0, slow_readers: 0, hung_up: 0 };

  constructor(o: RelayServerOptions) {
    this.#o = o;
    const limits = this.#limits = { ...defaultLimits, ...o.limits };
    const quotas = this.#quotas = new Quotas(o.clock, limits);
    const feed = this.#feed = new LiveFeed({ ...o, query: (filters) => o.store.query(filters) });
    this.#reading = new Reading({ ...o, feed, limits, anyKind: o.admission === "open" });
    const strangers = o.strangers ?? { full: false, welcome: true };
    this.#checks = new FairQueue({ limits: limits.strangers, clock: o.clock });
    this.#publishing = new Publishing({
      ...o,
      onArrival: o.onArrival ?? arrive,
      isRegular: o.isRegular ?? (() => Promise.resolve(false)),
      strangers,
      turns: new FairQueue({ limits: limits.strangers, clock: o.clock, open: () => strangers.welcome }),
      feed,
      quotas,
      limits,
    });
    this.#parse = clientMessageParser(limits);
    this.#stopListening = o.database.listen("event", (ids) => this.#run(() => feed.woken(ids)));
  }

  /**
   * Answers one HTTP request: a WebSocket's upgrade, the information document, or a line of text. `address` is the
   * client's, behind a trusted proxy the one that it names; all requests without one share the quota of an address.
   */
  handle(request: Request, address = ""): Response {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return plainAnswer(
        request,
        () => informationDocument(this.#o.info(), this.#limits, this.#o.admission === "open"),
      );
    }
    if (this.#closing) return new Response("the relay is stopping, try again later\n", { status: 503 });
    if (!this.#quotas.connect(address)) {
      this.#counts.connections++;
      return new Response("rate-limited: too many connections\n", {
        status: 429,
        headers: { "retry-after": "60" },
      });
    }
    try {
      const { socket, response } = Deno.upgradeWebSocket(request);
      this.#welcome(socket, request.url, address);
      return response;
    } catch (error) {
      this.#quotas.disconnect(address);
      this.#o.log.debug("relay.no_upgrade", { error: errorText(error) });
      return new Response("this isn't a WebSocket handshake\n", { status: 400 });
    }
  }

  /** Says goodbye to every client and resolves when nothing is under way any more. Requests are refused from now on. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#stopListening();
    const gone = [...this.#connections.values()].map((entry) => entry.gone);
    for (const connection of this.#connections.keys()) connection.close(1001, "the relay is stopping");
    const all = new AbortController();
    await Promise.race([
      Promise.all(gone).then(() => all.abort()),
      // A client that is gone without a word answers no goodbye.
      this.#o.clock.sleep(CLOSE_PATIENCE_MS, all.signal),
    ]);
    all.abort();
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** How many clients are connected. */
  connections(): number {
    return this.#connections.size;
  }

  /** Since the start: events refused for lack of room or quota, connections not let in, clients hung up on. */
  counts(): Record<string, number> {
    return { ...this.#publishing.counts(), ...this.#counts };
  }

  #welcome(socket: WebSocket, url: string, address: string): void {
    const connection = new Connection({
      socket,
      address,
      url,
      challenge: bytesToHex(this.#o.random.bytes(16)),
      maxBuffered: this.#limits.bufferedBytes,
      clock: this.#o.clock,
      onSlow: () => {
        this.#counts.slow_readers++;
        this.#o.log.info("relay.slow_reader");
      },
    });
    const gone = new Promise<void>((resolve) => {
      socket.onclose = () => {
        connection.ended();
        for (const id of [...connection.subscriptions.keys()]) this.#feed.unsubscribe(connection, id);
        this.#connections.delete(connection);
        this.#quotas.disconnect(address);
        resolve();
      };
    });
    this.#connections.set(connection, { gone });
    socket.binaryType = "arraybuffer";
    socket.onopen = () => connection.send(authMessage(connection.challenge));
    socket.onmessage = (message) => this.#receive(connection, message.data);
    // Clients vanish all the time; `close` follows.
    socket.onerror = (event) => {
      const text = event instanceof ErrorEvent ? event.message : "";
      this.#o.log.debug("relay.socket_error", { error: text });
    };
  }

  #receive(connection: Connection, data: unknown): void {
    if (!connection.open) return;
    if (!this.#quotas.takeMessage(connection.address)) return this.#hangUp(connection, "too many messages");
    if (typeof data !== "string") {
      return this.#misunderstood(connection, noticeMessage("invalid: only text is taken"));
    }
    const unread = this.#publishing.turnsAway(connection.address) ? eventIdIn(data) : null;
    if (unread !== null) {
      const [accepted, reason] = this.#publishing.turnAway();
      connection.send(okMessage(unread, accepted, reason));
      return this.#refused(connection, reason);
    }
    const parsed = this.#parse(data);
    if (!parsed.ok) return this.#misunderstood(connection, parsed.reply);
    this.#run(() => this.#obey(connection, parsed.message, data.length));
  }

  /** Answers junk, as long as it isn't too much. */
  #misunderstood(connection: Connection, reply: string): void {
    if (this.#quotas.takeQuestion(connection.address)) connection.send(reply);
    else this.#hangUp(connection, "too many messages that aren't understood");
  }

  #hangUp(connection: Connection, reason: string): void {
    this.#counts.hung_up++;
    connection.close(1008, `rate-limited: ${reason}`);
  }

  /** Answering refusals costs too: who doesn't slow down is hung up on. */
  #refused(connection: Connection, reason: string): void {
    if (!reason.startsWith("rate-limited:") || this.#quotas.takeRefusal(connection.challenge)) return;
    if (connection.open) this.#hangUp(connection, "too many refusals, come back later");
  }

  async #obey(connection: Connection, message: ClientMessage, bytes: number): Promise<void> {
    // NIP-42: clients ask right behind their AUTH, without waiting for its OK, and mean to ask as who they say they are.
    if (message.verb === "REQ" || message.verb === "COUNT" || message.verb === "CLOSE") {
      await connection.authenticated;
    }
    switch (message.verb) {
      case "EVENT": {
        const [accepted, reason] = await this.#publishing.publish(connection, message.event, bytes);
        connection.send(okMessage(message.event.id, accepted, reason));
        return this.#refused(connection, reason);
      }
      case "REQ":
      case "COUNT": {
        const { verb, id, filters } = message;
        if (!this.#quotas.takeQuestion(connection.address)) {
          const reason = "rate-limited: too many questions, slow down";
          if (verb === "REQ") this.#feed.unsubscribe(connection, id);
          connection.send(closedMessage(id, reason));
          return this.#refused(connection, reason);
        }
        return await (verb === "REQ"
          ? this.#reading.req(connection, id, filters)
          : this.#reading.count(connection, id, filters));
      }
      case "CLOSE":
        return this.#feed.unsubscribe(connection, message.id);
      case "AUTH": {
        const { authenticated } = connection;
        const answered = authenticated.then(() => this.#authenticate(connection, message.event));
        connection.authenticated = answered.then(() => {}, () => {});
        const reason = await answered;
        connection.send(okMessage(message.event.id, reason === "", reason));
        return this.#refused(connection, reason);
      }
    }
  }

  /** The reason why not; empty when the connection now speaks for the event's author too. */
  async #authenticate(connection: Connection, event: NostrEvent): Promise<string> {
    if (!this.#quotas.takeQuestion(connection.address)) return "rate-limited: too many questions, slow down";
    const verdict = checkAuth(event, {
      challenge: connection.challenge,
      hosts: authHosts(this.#o.url(), connection.url),
      now: seconds(this.#o.clock.now()),
    });
    if (!verdict.ok) return verdict.reason;
    const { address } = connection;
    if (!this.#quotas.believes(address)) return "rate-limited: too many wrong signatures, slow down";
    const checked = await this.#checks.run(
      addressKey(address),
      () => Promise.resolve(this.#o.verifier.verify(event)),
    );
    if (!checked.ok) return "rate-limited: too much at once, try again in a minute";
    if (!checked.value) {
      this.#quotas.forged(address);
      return "invalid: the id or the signature is wrong";
    }
    if (connection.keys.size >= MAX_KEYS && !connection.keys.has(event.pubkey)) {
      return `rate-limited: at most ${MAX_KEYS} keys on a connection`;
    }
    connection.keys.add(event.pubkey);
    return "";
  }

  /** Keeps track of work that nobody awaits. Its faults are answered where they happen and logged here. */
  #run(work: () => Promise<void>): void {
    const running: Promise<void> = work()
      .catch((error) => this.#o.log.error("relay.fault", { error: errorText(error) }))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }
}

/** The id in the text of an EVENT, without reading the rest; null where it doesn't stand as programs write it. */
function eventIdIn(text: string): string | null {
  if (!text.startsWith('["EVENT"')) return null;
  return /"id":\s*"([0-9a-f]{64})"/.exec(text)?.[1] ?? null;
}
