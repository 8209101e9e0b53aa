import type { NostrEvent, NostrRelayInfo, NostrRelayOK, NPolicy } from "@nostrify/types";
import { getPow } from "nostr-tools/nip13";
import { accept, refuse } from "./verdict.ts";

/**
 * NIP-13: the id starts with so many zero bits, and the `nonce` tag commits to at least that target, so that a lucky
 * event that aimed lower doesn't count.
 */
export class PowPolicy implements NPolicy {
  readonly #bits: number;

  constructor(bits: number) {
    this.#bits = bits;
  }

  get info(): NostrRelayInfo {
    return { limitation: { min_pow_difficulty: this.#bits } };
  }

  call(event: NostrEvent): Promise<NostrRelayOK> {
    return Promise.resolve(this.#judge(event));
  }

  #judge(event: NostrEvent): NostrRelayOK {
    if (this.#bits <= 0) return accept(event);
    const has = getPow(event.id);
    if (has < this.#bits) return refuse(event, `pow: ${has} bits, ${this.#bits} are asked for`);
    const target = Number(event.tags.find((tag) => tag[0] === "nonce")?.[2]);
    if (!(target >= this.#bits)) return refuse(event, `pow: the nonce tag must commit to ${this.#bits} bits`);
    return accept(event);
  }
}
