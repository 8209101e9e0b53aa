/**
 * Who floods, as a thread of its own: signs junk beforehand and sends it at a steady rate over many connections from several
 * addresses. It speaks with `junk.ts` by messages.
 */
// @ts-types="@types/ws"
import { WebSocket } from "ws";
import type { NostrEvent } from "@nostrify/types";
import { encryptNip04 } from "../src/nostr/nip04.ts";
import { type EventCrypto, loadVerifier } from "../src/nostr/verify.ts";
import { systemRandom } from "../src/random.ts";

/** What is flooded, and from where. */
export interface FloodOrder {
  relay: string;
  merchant: string;
  /** Events a second in all. */
  rate: number;
  seconds: number;
  addresses: number;
  connections: number;
}

/** How the relay answered. */
export interface FloodReport {
  sent: number;
  accepted: number;
  /** By the reason's prefix. */
  refused: Record<string, number>;
  hungUp: number;
}

const KEYS = 1_000;
/** Of a hundred events: gift wraps that can't be opened, kind 4 that can. The others are kind 4 that can't. */
const WRAPS = 15;
const READABLE = 15;

const thread = self as unknown as {
  onmessage: (message: MessageEvent<FloodOrder | "go">) => void;
  postMessage(message: "ready" | FloodReport): void;
};

let order: FloodOrder;
let junk: string[] = [];
thread.onmessage = async ({ data }) => {
  if (data === "go") return thread.postMessage(await flood(order, junk));
  order = data;
  junk = makeJunk(await loadVerifier(), order);
  thread.postMessage("ready");
};

/** Signed frames, each of another id. */
function makeJunk(crypto: EventCrypto, { merchant, rate, seconds }: FloodOrder): string[] {
  const now = Math.floor(Date.now() / 1000);
  const keys = Array.from({ length: KEYS }, () => {
    const secretKey = systemRandom.bytes(32);
    const shared = crypto.agreement(secretKey)(merchant);
    const readable = encryptNip04(shared, "buy my coins!", systemRandom.bytes(16));
    const noise = encryptNip04(systemRandom.bytes(32), "x".repeat(150), systemRandom.bytes(16));
    return { secretKey, readable, noise };
  });
  return Array.from({ length: rate * seconds }, (_, i) => {
    const key = keys[i % KEYS]!;
    const part = (i * 37) % 100;
    const wrap = part < WRAPS;
    const content = wrap
      ? btoa(String.fromCharCode(2, ...systemRandom.bytes(300)))
      : part < WRAPS + READABLE
      ? key.readable
      : key.noise;
    const tags = [["p", merchant], ["n", String(i)]];
    const event: NostrEvent = crypto.sign(
      { kind: wrap ? 1059 : 4, created_at: now, tags, content },
      key.secretKey,
    );
    return JSON.stringify(["EVENT", event]);
  });
}

async function flood(o: FloodOrder, frames: string[]): Promise<FloodReport> {
  const report: FloodReport = { sent: 0, accepted: 0, refused: {}, hungUp: 0 };
  const slots = Array.from({ length: o.connections }, (_, i) => new Flooder(o, i, report));
  await Promise.all(slots.map((slot) => slot.connect()));
  const began = performance.now();
  for (let at = 0; at < frames.length;) {
    const due = Math.min(frames.length, Math.ceil((performance.now() - began) / 1000 * o.rate));
    for (; at < due; at++) slots[at % slots.length]!.send(frames[at]!);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  for (const slot of slots) slot.close();
  return report;
}

/** One connection, which comes back when it is hung up on. */
class Flooder {
  #socket: WebSocket | undefined;
  #ended = false;

  constructor(readonly o: FloodOrder, readonly number: number, readonly report: FloodReport) {}

  async connect(): Promise<void> {
    const localAddress = `127.0.2.${1 + this.number % this.o.addresses}`;
    const socket = new WebSocket(this.o.relay, { localAddress, perMessageDeflate: false });
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.on("open", () => {
      this.#socket = socket;
      resolve();
    });
    // It is closed next.
    socket.on("error", () => {});
    socket.on("close", () => {
      resolve();
      this.#socket = undefined;
      if (this.#ended) return;
      this.report.hungUp++;
      setTimeout(() => this.#ended || this.connect(), 500);
    });
    socket.on("message", (data) => {
      const [verb, , accepted, reason] = JSON.parse(String(data));
      if (verb !== "OK") return;
      if (accepted) this.report.accepted++;
      else {
        const prefix = String(reason).split(":")[0]!;
        this.report.refused[prefix] = (this.report.refused[prefix] ?? 0) + 1;
      }
    });
    await promise;
  }

  send(frame: string): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.report.sent++;
    this.#socket.send(frame);
  }

  close(): void {
    this.#ended = true;
    this.#socket?.close();
  }
}
