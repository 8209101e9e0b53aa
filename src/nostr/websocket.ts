// @ts-types="@types/ws"
import { WebSocket as NodeWebSocket } from "ws";
import { AddressGuard } from "../web/address_guard.ts";

/** A relay's frame may hold one event of the usual limits with room to spare; more is an attack on memory. */
const MAX_FRAME_BYTES = 1024 * 1024;
const HANDSHAKE_MS = 10_000;
/** How long a relay has to answer our closing handshake. */
const CLOSE_MS = 1_000;
const PING_MS = 30_000;

/**
 * Before the URL of a relay that a stranger named. websocket-ts hands on nothing but the URL, and any WebSocket other than ours
 * refuses this scheme: the check can't be left out by accident.
 */
const GUARDED = "guarded+";

const options = {
  maxPayload: MAX_FRAME_BYTES,
  handshakeTimeout: HANDSHAKE_MS,
  closeTimeout: CLOSE_MS,
  perMessageDeflate: false,
  followRedirects: false,
};

/** The URL that makes `RelaySocket` connect to checked addresses only, over TLS. */
export function guardedUrl(url: string): string {
  return GUARDED + url;
}

/**
 * The WebSocket that relays are talked to with, and wallets that tell of payments by one. The runtime's own leaves Nagle's algorithm on, which costs 45 ms whenever
 * two small frames follow each other, takes frames of any size, and never notices a half-open connection.
 */
export class RelaySocket extends NodeWebSocket {
  #heard = true;

  /** Throws for a guarded URL that may not be opened. `headers` go with the handshake. */
  constructor(
    url: string | URL,
    protocols?: string | string[],
    guard: AddressGuard = new AddressGuard(),
    headers: Record<string, string> = {},
  ) {
    const text = String(url);
    const guarded = text.startsWith(GUARDED);
    const plain = guarded ? text.slice(GUARDED.length) : text;
    const refusal = guarded ? guard.refuse(plain, "wss:") : null;
    if (refusal !== null) throw new Error(refusal);
    super(
      plain,
      protocols,
      guarded ? { ...options, headers, lookup: guard.lookup } : { ...options, headers },
    );
    this.on("upgrade", (response) => response.socket.setNoDelay(true));
    // An `error` without a listener would end the process; `close` always follows and is what callers act on.
    this.on("error", () => {});
    this.once("open", () => this.#keepAlive());
  }

  /** RFC 6455 pings: a peer that answers none within a period is gone, though TCP hasn't noticed. */
  #keepAlive(): void {
    const heard = () => {
      this.#heard = true;
    };
    this.on("pong", heard);
    this.on("message", heard);
    const timer = setInterval(() => {
      if (!this.#heard) return this.terminate();
      this.#heard = false;
      this.ping();
    }, PING_MS);
    this.once("close", () => clearInterval(timer));
  }
}

/**
 * Makes `RelaySocket` what `new WebSocket()` gives, because websocket-ts (inside NRelay1) takes the global one.
 * The answer puts the previous class back.
 */
export function installRelaySocket(guard: AddressGuard = new AddressGuard()): () => void {
  const previous = globalThis.WebSocket;
  const install = (value: unknown) =>
    Object.defineProperty(globalThis, "WebSocket", { value, configurable: true, writable: true });
  install(
    class extends RelaySocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols, guard);
      }
    },
  );
  return () => void install(previous);
}
