import type { NostrEvent, NostrRelayOK, NPolicy } from "@nostrify/types";
import { addressedTo } from "./addressee_policy.ts";
import type { BanList } from "./ban_list.ts";
import { accept, refuse } from "./verdict.ts";

/**
 * Refuses an event whose author is banned by every served merchant that it names. The author of a gift wrap is a
 * throw-away key (NIP-59): its real sender's ban is looked up after opening.
 */
export class BanPolicy implements NPolicy {
  readonly #bans: BanList;
  readonly #served: () => ReadonlySet<string>;

  constructor(bans: BanList, served: () => ReadonlySet<string>) {
    this.#bans = bans;
    this.#served = served;
  }

  async call(event: NostrEvent): Promise<NostrRelayOK> {
    await this.#bans.fresh();
    const merchants = addressedTo(event, this.#served());
    if (merchants.length > 0 && merchants.every((merchant) => this.#bans.has(merchant, event.pubkey))) {
      return refuse(event, "blocked: this merchant doesn't take messages from this key");
    }
    return accept(event);
  }
}
