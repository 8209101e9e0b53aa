import type { RelayStatus } from "./relay_options.ts";

/** Lanes whose relay's return is watched for. */
const MOST_LANES = 1_000;

/** A relay that gave one merchant no answer, and its link as it was then. */
export interface Trouble {
  merchant: string;
  relay: string;
  connected: boolean;
  reconnects: number;
}

/** Finds a merchant's link to a relay. */
type LinkOf = (lane: { merchant: string; relay: string }) => RelayStatus | undefined;

/** Lanes without an answer, so that what waits there goes out when the relay is back and not when its next try would be. */
export class LaneTroubles {
  readonly #linkOf: LinkOf;
  readonly #troubles = new Map<string, Trouble>();

  constructor(linkOf: LinkOf) {
    this.#linkOf = linkOf;
  }

  note({ merchant, relay }: { merchant: string; relay: string }): void {
    const link = this.#linkOf({ merchant, relay });
    if (!link || this.#troubles.size >= MOST_LANES) return;
    const { state, reconnects } = link;
    this.#troubles.set(`${merchant} ${relay}`, {
      merchant,
      relay,
      connected: state === "connected",
      reconnects,
    });
  }

  /** Lanes whose relay was gone and is connected again; each is answered once. */
  takeReturned(): Trouble[] {
    const returned: Trouble[] = [];
    for (const [name, trouble] of this.#troubles) {
      const link = this.#linkOf(trouble);
      if (link?.state !== "connected" || (trouble.connected && link.reconnects === trouble.reconnects)) {
        continue;
      }
      this.#troubles.delete(name);
      returned.push(trouble);
    }
    return returned;
  }
}
