import type { Clock } from "../../clock.ts";
import { MedusaError } from "../medusa_error.ts";
import { draftBody, withoutPerson } from "./content.ts";
import type { MedusaOrder } from "./medusa_order.ts";
import { emailOf } from "./new_row.ts";
import type { Notes } from "./notes.ts";
import { sameTotal } from "./same_total.ts";
import { rateOf, type Situation } from "./situation.ts";
import type { TheirOrders } from "./their_orders.ts";

export const SOLD_OUT =
  "Something in this order has just been sold to somebody else. Please order again what is left.";
const ANOTHER_PRICE = "A price in this order has just changed. Please look at the new one and order again.";
const UNKNOWN = "Something of it can't be ordered in Medusa.";
const NOT_TAKEN = "Medusa doesn't take the order.";
const NOT_THERE = "Medusa hasn't got the goods.";

/** Why nothing is placed: a sentence for the customer, and one for the merchant. */
export interface Refused {
  refused: string;
  problem: string;
}

/** The calls that make an order in Medusa, hold its goods, and end it again; each answers what is there then. */
export class Placing {
  readonly #o: { theirs: TheirOrders; notes: Notes; clock: Clock };

  constructor(options: { theirs: TheirOrders; notes: Notes; clock: Clock }) {
    this.#o = options;
  }

  /** Looks for the order by its address. What was asked for twice is there twice: further drafts, which hold nothing, go. */
  async find({ row }: Situation, signal: AbortSignal): Promise<MedusaOrder | null> {
    const { theirs, notes } = this.#o;
    const [first = null, ...others] = await theirs.find(row!.email, signal);
    for (const one of others) if (one.status === "draft") await theirs.discard(one.id, signal);
    const placed = first !== null && first.status !== "draft";
    await notes.write({
      medusa_order: first?.id ?? null,
      total: first?.total ?? null,
      ...(placed && { state: "placed" }),
      call: null,
      called_at: null,
    });
    return first;
  }

  /** Begins another order, with an address of its own. */
  async again({ order, row, ours }: Situation): Promise<null> {
    const attempt = row!.attempt + 1;
    await this.#o.notes.write({
      attempt,
      email: emailOf(order, attempt),
      state: "wanted",
      medusa_order: null,
      content_hash: ours.contentHash,
      details_hash: null,
      total: null,
      problem: null,
    });
    return null;
  }

  async draft({ order, row, ours, content }: Situation, signal: AbortSignal): Promise<MedusaOrder | Refused> {
    if (!content.ok) return { refused: content.reason, problem: UNKNOWN };
    const { theirs, notes } = this.#o;
    await notes.write({ content_hash: ours.contentHash, details_hash: ours.detailsHash });
    const body = draftBody(content.content, order, row!.email);
    const made = await notes.unlessRefused({ do: "draft" }, () => theirs.draft(body, signal));
    if (made === null) return { refused: SOLD_OUT, problem: NOT_TAKEN };
    await notes.write({ medusa_order: made.id, total: made.total, call: null, called_at: null });
    return made;
  }

  /** Makes the draft an order, if it costs what the customer was quoted. */
  async convert(
    { order, content }: Situation,
    draft: MedusaOrder,
    signal: AbortSignal,
  ): Promise<MedusaOrder | Refused> {
    if (!content.ok) return { refused: content.reason, problem: UNKNOWN };
    const { theirs, notes, clock } = this.#o;
    const { currency, units } = content;
    // What is paid already is paid, whatever Medusa would ask for it.
    const unpaid = order.received_msat === 0;
    const asked = { total: draft.total, currency };
    if (unpaid && !sameTotal(BigInt(order.total_msat), asked, { rate: rateOf(order), units })) {
      const problem = `Medusa asks for ${draft.total} ${currency}, which isn't what was quoted.`;
      return { refused: ANOTHER_PRICE, problem };
    }
    const made = await notes.unlessRefused({ do: "convert" }, () => theirs.convert(draft.id, signal));
    if (made === null) return { refused: SOLD_OUT, problem: NOT_THERE };
    await notes.write({ state: "placed", call: null, called_at: null, stock_at: clock.now() });
    return made;
  }

  /**
   * Cancels the order, which gives its goods back. That it is we who do is noted first: whoever finds it cancelled knows by whom. The
   * customer's name and address go before: Medusa changes nothing of an order that is cancelled, so they would stay for ever.
   */
  async cancel({ id, country }: MedusaOrder, signal: AbortSignal): Promise<MedusaOrder | null> {
    const { theirs, notes, clock } = this.#o;
    await notes.write({ state: "cancelling" });
    try {
      if (country !== null) await theirs.correct(id, withoutPerson(country), signal);
      await notes.aroundCall({ do: "cancel" }, () => theirs.cancel(id, signal));
    } catch (error) {
      // Somebody else was faster, or it can't be: the next look says which.
      if (!(error instanceof MedusaError) || error.kind !== "refused") throw error;
    }
    const left = await theirs.get(id, signal);
    if (left !== null && left.status !== "canceled") {
      throw new MedusaError("refused", "Medusa doesn't let the order be cancelled");
    }
    await notes.write({ state: "cancelled", call: null, called_at: null, stock_at: clock.now() });
    return left;
  }
}
