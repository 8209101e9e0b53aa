import type { NostrFilter } from "@nostrify/types";
import type { Clock } from "../clock.ts";
import { errorText, type Log } from "../log.ts";
import { Deadline } from "./deadline.ts";
import type { RelayConnection } from "./relay_connection.ts";

/** An answer that is missing for this long makes suspicious; whoever gave up sooner knows nothing. */
const SUSPICIOUS_MS = 4_000;
const PROOF_MS = 5_000;
/** No event has this id. */
const NOTHING: NostrFilter = { ids: ["0".repeat(64)], limit: 1 };

/**
 * Ends connections that are dead while TCP hasn't noticed (a peer that vanished, a proxy that hangs). Silence alone proves nothing, and
 * neither does a missing OK: a question that every relay answers does.
 */
export class ProofOfLife {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #drop: (reason: string, connection: RelayConnection) => void;
  readonly #asked = new WeakSet<RelayConnection>();

  constructor(o: {
    clock: Clock;
    log: Log;
    /** Ends the connection. */
    drop: (reason: string, connection: RelayConnection) => void;
  }) {
    this.#clock = o.clock;
    this.#log = o.log;
    this.#drop = o.drop;
  }

  /** A call that began `since` (monotonic ms) ended without an answer. Resolves when it is clear what that meant; never rejects. */
  async missing(connection: RelayConnection, since: number): Promise<void> {
    const askedAt = this.#clock.monotonic();
    if (askedAt - since < SUSPICIOUS_MS || connection.heardAt >= since) return;
    if (connection.reason !== undefined || this.#asked.has(connection)) return;
    this.#asked.add(connection);
    using deadline = new Deadline(this.#clock, PROOF_MS);
    try {
      for await (const _answer of connection.req([NOTHING], { signal: deadline.signal })) break;
    } catch (error) {
      this.#log.debug("relay.no_proof_of_life", { error: errorText(error) });
      if (connection.heardAt >= askedAt) return;
      this.#drop(
        `it has been silent for ${this.#clock.monotonic() - since} ms while it owed an answer`,
        connection,
      );
    } finally {
      this.#asked.delete(connection);
    }
  }
}
