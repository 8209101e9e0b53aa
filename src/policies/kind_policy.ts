import type { NostrEvent, NostrRelayOK, NPolicy } from "@nostrify/types";
import { accept, refuse } from "./verdict.ts";

/**
 * What anybody may send to a merchant: direct messages (NIP-04), chat, orders and receipts in the open (kinds 14, 16,
 * 17), bids (NIP-15) and gift wraps (NIP-59).
 */
export const INTAKE_KINDS: readonly number[] = [4, 14, 16, 17, 1021, 1059];

/** Accepts events of the given kinds. */
export class KindPolicy implements NPolicy {
  readonly #kinds: ReadonlySet<number>;

  constructor(kinds: Iterable<number>) {
    this.#kinds = new Set(kinds);
  }

  call(event: NostrEvent): Promise<NostrRelayOK> {
    if (this.#kinds.has(event.kind)) return Promise.resolve(accept(event));
    const kinds = [...this.#kinds].join(", ");
    return Promise.resolve(refuse(event, `blocked: kind ${event.kind} isn't taken here, only ${kinds}`));
  }
}
