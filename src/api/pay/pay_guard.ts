import { TokenBuckets } from "../../policies/token_buckets.ts";
import type { ApiParts } from "../context.ts";
import { findPayable, type Payable } from "./payable_store.ts";

/** Requests of one address in a minute, and how many of them one for what isn't there counts for. */
const REQUESTS = { perMinute: 600 };
const WRONG_COSTS = 30;

/** Whose page a request is for: an order's; nobody's; or its address asks too much. */
export type Found = { payable: Payable } | { refused: "unknown" | "crowded" };

/** Finds what the open pages are about, for as long as their reader doesn't guess. */
export class PayGuard {
  readonly #database: ApiParts["database"];
  readonly #clock: ApiParts["clock"];
  readonly #addresses: TokenBuckets;

  constructor({ clock, database }: Pick<ApiParts, "clock" | "database">) {
    this.#database = database;
    this.#clock = clock;
    this.#addresses = new TokenBuckets({ clock, ...REQUESTS });
  }

  async find(address: string, token: string): Promise<Found> {
    if (!this.#addresses.take(address)) return { refused: "crowded" };
    const payable = await findPayable(this.#database.kysely, token, this.#clock.now());
    if (payable) return { payable };
    this.#addresses.charge(address, WRONG_COSTS - 1);
    return { refused: "unknown" };
  }
}
