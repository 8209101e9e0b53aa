import type { Clock } from "../clock.ts";
import { TokenBuckets } from "../policies/token_buckets.ts";
import type { RelayLimits } from "./limits.ts";

const ALL = "";
const MINUTES_OF_A_DAY = 24 * 60;

/** What is left of the limits, by address and in all. In memory: each process of a shop has its own. */
export class Quotas {
  readonly #limits: RelayLimits;
  readonly #connections = new Map<string, number>();
  readonly #events: TokenBuckets;
  readonly #bytes: TokenBuckets;
  readonly #allEvents: TokenBuckets;
  readonly #allBytes: TokenBuckets;
  readonly #questions: TokenBuckets;
  readonly #connects: TokenBuckets;
  readonly #keys: TokenBuckets;
  readonly #claims: TokenBuckets;
  readonly #forgeries: TokenBuckets;
  readonly #kept: TokenBuckets;
  readonly #messages: TokenBuckets;
  readonly #refusals: TokenBuckets;
  #open = 0;

  constructor(clock: Clock, limits: RelayLimits) {
    this.#limits = limits;
    const buckets = (perMinute: number, burst = perMinute) => new TokenBuckets({ clock, perMinute, burst });
    this.#events = buckets(limits.eventsPerAddress);
    this.#bytes = buckets(limits.bytesPerAddress);
    this.#allEvents = buckets(limits.eventsInAll);
    this.#allBytes = buckets(limits.bytesInAll);
    this.#questions = buckets(limits.questionsPerAddress);
    this.#connects = buckets(limits.connectsPerAddress);
    this.#keys = buckets(limits.eventsPerKey, limits.burstPerKey);
    this.#claims = buckets(limits.claimsPerAddress);
    this.#forgeries = buckets(limits.forgeriesPerAddress);
    this.#messages = buckets(limits.messagesPerAddress);
    this.#refusals = buckets(limits.refusalsPerConnection);
    this.#kept = buckets(limits.keptPerAddressAndDay / MINUTES_OF_A_DAY, limits.keptPerAddressAndDay);
  }

  /** Takes a place for a connection; false when there is none. Every place taken is given back by `disconnect`. */
  connect(address: string): boolean {
    const key = addressKey(address);
    const count = this.#connections.get(key) ?? 0;
    if (this.#open >= this.#limits.connections || count >= this.#limits.connectionsPerAddress) return false;
    if (!this.#connects.take(key)) return false;
    this.#connections.set(key, count + 1);
    this.#open++;
    return true;
  }

  /** Gives a place back. */
  disconnect(address: string): void {
    const key = addressKey(address);
    const count = this.#connections.get(key) ?? 0;
    if (count <= 1) this.#connections.delete(key);
    else this.#connections.set(key, count - 1);
    this.#open--;
  }

  /** Whether one more message of any sort fits. */
  takeMessage(address: string): boolean {
    return this.#messages.take(addressKey(address));
  }

  /** Whether an event of so many bytes fits. */
  takeEvent(address: string, bytes: number): boolean {
    const key = addressKey(address);
    return this.#events.take(key) && this.#bytes.take(key, bytes) && this.#allEvents.take(ALL) &&
      this.#allBytes.take(ALL, bytes);
  }

  /** Whether one more question (REQ, COUNT, AUTH, junk) fits. */
  takeQuestion(address: string): boolean {
    return this.#questions.take(addressKey(address));
  }

  /** Whether one more event of a key fits; to be asked once the signature held, or anybody could use up another's. */
  takeKey(pubkey: string): boolean {
    return this.#keys.take(pubkey);
  }

  /** Whether the address may say once more that it speaks for a regular. */
  takeClaim(address: string): boolean {
    return this.#claims.take(addressKey(address));
  }

  mayClaim(address: string): boolean {
    return this.#claims.has(addressKey(address));
  }

  /** Whether one more event would fit; nothing is taken. */
  hasEvent(address: string): boolean {
    return this.#events.has(addressKey(address));
  }

  /** Whether signatures from there are worth a check, which is what costs most. */
  believes(address: string): boolean {
    return this.#forgeries.has(addressKey(address));
  }

  /** A check was for nothing. */
  forged(address: string): void {
    this.#forgeries.take(addressKey(address));
  }

  /** Whether a connection may be refused once more for lack of quota; else it is hung up on. */
  takeRefusal(connection: string): boolean {
    return this.#refusals.take(connection);
  }

  /** Whether one more event of a stranger may be kept. */
  takeKept(address: string): boolean {
    return this.#kept.take(addressKey(address));
  }
}

/** What counts as one address: an IPv4 address, or the /64 network of an IPv6 address, which is one household. */
export function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.toLowerCase().split("%")[0]!.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill("0"), ...right];
  return groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16)).join(":");
}
