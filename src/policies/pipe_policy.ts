import type { NostrEvent, NostrRelayOK, NPolicy } from "@nostrify/types";
import { accept } from "./verdict.ts";

/**
 * Asks named policies in the order given and stops at the first refusal, which it returns. Refusals are counted under
 * the policy's name and not under the reason's text, which names kinds and sizes that the sender chose.
 */
export class PipePolicy implements NPolicy {
  readonly #policies: [name: string, policy: NPolicy][];
  readonly #counts: Record<string, number> = {};

  constructor(policies: Record<string, NPolicy>) {
    this.#policies = Object.entries(policies);
  }

  /** Rejects when a policy throws: that is a fault, not a verdict. */
  async call(event: NostrEvent, signal?: AbortSignal): Promise<NostrRelayOK> {
    for (const [name, policy] of this.#policies) {
      const verdict = await policy.call(event, signal);
      if (!verdict[2]) {
        this.#counts[name] = (this.#counts[name] ?? 0) + 1;
        return verdict;
      }
    }
    return accept(event);
  }

  /** How many events each policy has refused since the start. */
  counts(): Record<string, number> {
    return { ...this.#counts };
  }
}
