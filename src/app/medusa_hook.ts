import { useOnce } from "../api/replays_store.ts";
import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import type { Log } from "../log.ts";
import { hintsOf, hookSchema } from "../medusa/hook.ts";
import { TokenBuckets } from "../policies/token_buckets.ts";
import { CALL_TOLERANCE_MS, whoseCall } from "../till/signature.ts";

/** Calls in a minute whose products are each looked at; those beyond are looked at all together. */
const CALLS = { perMinute: 600 };
const SCOPE = "hook:medusa";

/** What became of a call. `again`: it came before, and nothing was done; `nothing`: it is about nothing that is sold here. */
export type MedusaHookOutcome = "taken" | "again" | "nothing" | "not_signed" | "invalid" | "nobody";

export interface MedusaHookParts {
  database: Database;
  clock: Clock;
  log: Log;
  /** NCC_MEDUSA_WEBHOOK_SECRET. */
  secret: string;
  /** Whose Medusa it is; null: nobody's, now. */
  merchant(): string | null;
  /** Has products read again. */
  productHint(
    tx: Tx,
    hint: { merchant: string; changed: readonly string[] | "everything"; now: number },
  ): Promise<void>;
  /** Has an order of Medusa's looked at. */
  orderHint(tx: Tx, medusaOrder: string, merchant: string, now: number): Promise<unknown>;
}

/**
 * What our plugin in Medusa calls when something happened there. A call is a reason to read it again and never more: who has the
 * secret can make us ask Medusa, and that is all.
 */
export class MedusaHook {
  readonly #o: MedusaHookParts;
  readonly #calls: TokenBuckets;

  constructor(parts: MedusaHookParts) {
    this.#o = parts;
    this.#calls = new TokenBuckets({ clock: parts.clock, ...CALLS });
  }

  /** Takes a call: what it hints at is read by jobs, which nobody waits for here. */
  async take(headers: Headers, raw: Uint8Array): Promise<MedusaHookOutcome> {
    const { database, clock, log, secret, productHint, orderHint } = this.#o;
    const merchant = this.#o.merchant();
    if (merchant === null) return "nobody";
    const now = clock.now();
    const call = whoseCall(secret, { headers, raw, now });
    if (!call.ok) {
      log.warn("medusa_hook.refused", { reason: call.reason });
      return "not_signed";
    }
    const read = hookSchema.safeParse(jsonOf(raw));
    if (!read.success) {
      log.warn("medusa_hook.refused", { reason: "its body isn't as our plugin's are" });
      return "invalid";
    }
    const hints = hintsOf(read.data);
    if (hints === null) return "nothing";
    const { order } = hints;
    const crowded = hints.changed.length > 0 && !this.#calls.take("");
    const changed = crowded ? "everything" : hints.changed;
    const first = await database.transaction(async (tx) => {
      if (!await useOnce(tx, SCOPE, call.id, now + 2 * CALL_TOLERANCE_MS)) return false;
      if (changed.length > 0) await productHint(tx, { merchant, changed, now });
      if (order !== null) await orderHint(tx, order, merchant, now);
      return true;
    }, { lasting: false });
    const goods = changed === "everything" ? changed : changed.length;
    log.debug("medusa_hook.called", { about: read.data.event, goods, first });
    return first ? "taken" : "again";
  }
}

/** Undefined when it is no JSON. */
function jsonOf(raw: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(raw));
  } catch {
    return undefined;
  }
}
