import type { NostrEvent, NostrRelayOK, NPolicy } from "@nostrify/types";
import { accept, refuse } from "./verdict.ts";

/** Nobody writes to more people at once when ordering. */
export const MAX_P_TAGS = 10;

/** Accepts events whose `p` tags name a served merchant, with at most ten `p` tags. */
export class AddresseePolicy implements NPolicy {
  readonly #served: () => ReadonlySet<string>;

  constructor(served: () => ReadonlySet<string>) {
    this.#served = served;
  }

  call(event: NostrEvent): Promise<NostrRelayOK> {
    return Promise.resolve(this.#judge(event));
  }

  #judge(event: NostrEvent): NostrRelayOK {
    const count = event.tags.filter((tag) => tag[0] === "p").length;
    if (count > MAX_P_TAGS) return refuse(event, `blocked: ${count} p tags, at most ${MAX_P_TAGS} are taken`);
    if (addressedTo(event, this.#served()).length === 0) {
      return refuse(event, "blocked: no p tag names a merchant of this relay");
    }
    return accept(event);
  }
}

/** The served merchants that the event's `p` tags name, each once. */
export function addressedTo(event: NostrEvent, served: ReadonlySet<string>): string[] {
  const named = event.tags.filter(([name, value]) =>
    name === "p" && value !== undefined && served.has(value)
  );
  return [...new Set(named.map((tag) => tag[1]!))];
}
