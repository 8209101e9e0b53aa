import type { Clock } from "../../clock.ts";
import type { Database, Tx } from "../../db/database.ts";
import type { MedusaOrdersTable } from "../../db/tables.ts";
import { RetryLater, type RunningJob } from "../../jobs/runner.ts";
import type { Log } from "../../log.ts";
import type { Updateable } from "kysely";
import { applyTo } from "../../orders/apply.ts";
import type { OrderRow } from "../../orders/orders_store.ts";
import type { OrderEvent } from "../../orders/types.ts";
import { takeHint } from "../catalogue/hints.ts";
import { MedusaError } from "../medusa_error.ts";
import { correction, draftBody } from "./content.ts";
import { emailOf, newRow } from "./new_row.ts";
import type { MedusaOrder } from "./medusa_order.ts";
import { insertMedusaOrder, medusaProductsOf, updateMedusaOrder } from "./medusa_orders_store.ts";
import { nextStep, type Step, type Theirs } from "./plan.ts";
import { sameTotal } from "./same_total.ts";
import { notedOf, rateOf, type Situation, situationOf } from "./situation.ts";
import type { TheirOrders } from "./their_orders.ts";

/** Longer than any plan; more means that both sides never agree. */
const MOST_STEPS = 25;
/** A call whose answer we lost may still be at work: so long nothing is asked anew. */
const SETTLES_MS = 5_000;
/** Calls that change what Medusa has in stock. */
const MOVES_STOCK: readonly Step["do"][] = ["convert", "cancel", "fulfil"];

const SOLD_OUT =
  "Something in this order has just been sold to somebody else. Please order again what is left.";
const ANOTHER_PRICE = "A price in this order has just changed. Please look at the new one and order again.";

const CANCELLED = "The shop cancelled this order.";

export interface MirroringOptions {
  database: Database;
  clock: Clock;
  log: Log;
  theirs: TheirOrders;
  authority: "medusa" | "local";
}

/** Brings one order and Medusa's to the same end: looks, takes one step, looks again. Whoever calls is the only one for this order. */
export class Mirroring {
  readonly #o: MirroringOptions;
  readonly #job: RunningJob;
  readonly #orderId: string;
  /** What Medusa has, as far as this run knows; undefined: nobody has looked. */
  #theirs: Theirs | undefined;

  constructor(options: MirroringOptions, job: RunningJob, orderId: string) {
    this.#o = options;
    this.#job = job;
    this.#orderId = orderId;
  }

  /** Ends the job when nothing is left to do. Throws MedusaErrors. */
  async run(): Promise<void> {
    for (let n = 0; n < MOST_STEPS; n++) {
      const now = await this.#tx(async (tx) => await this.#look(tx));
      if (now === undefined) return;
      if (this.#theirs === undefined) await this.#lookThere(now);
      const step = nextStep(now.ours, notedOf(now.row), this.#theirs!);
      if (step.do === "rest") {
        if (await this.#rest(step.problem ?? null)) return;
      } else if (await this.#take(step, now) === "over") return;
      if (this.#job.signal.aborted) throw this.#job.signal.reason;
    }
    throw new RetryLater("the order and Medusa's don't agree", 60_000);
  }

  async #look(tx: Tx): Promise<Situation | undefined> {
    const now = await situationOf(tx, this.#orderId);
    if (!now) return void await this.#job.complete(tx);
    const wanted = now.ours.wanted === "placed" || now.ours.wanted === "paid";
    if (now.row !== null || !wanted) return now;
    const row = newRow(now.order, now.ours.contentHash, this.#o.clock.now());
    await insertMedusaOrder(tx, row);
    return { ...now, row };
  }

  async #lookThere({ row }: Situation): Promise<void> {
    if (row === null) {
      this.#theirs = null;
      return;
    }
    const wait = row.called_at === null ? 0 : row.called_at + SETTLES_MS - this.#o.clock.now();
    if (wait > 0) throw new RetryLater("the answer to the last call was lost", wait, false);
    if (row.medusa_order === null) {
      this.#theirs = row.call === null ? null : "unknown";
      return;
    }
    this.#theirs = await this.#o.theirs.get(row.medusa_order, this.#signal);
    await this.#note({ call: null, called_at: null, ...(this.#theirs === null && { medusa_order: null }) });
  }

  /** Ends the job, unless something has happened since the look that led here. */
  async #rest(problem: string | null): Promise<boolean> {
    return await this.#tx(async (tx) => {
      const now = await situationOf(tx, this.#orderId);
      const again = now && nextStep(now.ours, notedOf(now.row), this.#theirs!);
      if (again && again.do !== "rest") return false;
      if (now?.row) {
        const over = now.ours.wanted === "gone" || now.ours.fulfilment === "delivered";
        const at = this.#o.clock.now();
        const settled = over && problem === null ? 1 : 0;
        // What Medusa refused stays told until it is mended.
        const told = now.row.state === "refused" ? {} : { problem };
        await updateMedusaOrder(tx, this.#orderId, { ...told, settled, looked_at: at, updated_at: at });
      }
      await this.#job.complete(tx);
      return true;
    });
  }

  async #take(step: Exclude<Step, { do: "rest" }>, now: Situation): Promise<"over" | void> {
    const { theirs } = this.#o;
    const order = this.#theirs as MedusaOrder;
    const signal = this.#signal;
    switch (step.do) {
      case "find":
        return await this.#find(now);
      case "again":
        return await this.#again(now);
      case "draft":
        return await this.#draft(now);
      case "convert":
        return await this.#convert(now, order);
      case "discard":
        await this.#call(step, () => theirs.discard(order.id, signal));
        this.#theirs = null;
        return await this.#note({ medusa_order: null, call: null, called_at: null });
      case "check":
        if (
          !await theirs.oversold(
            now.content.ok ? now.content.content.lines.map((line) => line.variant) : [],
            signal,
          )
        ) {
          return await this.#note({ state: "held", problem: null });
        }
        this.#o.log.error("medusa.oversold", { order: this.#orderId });
        await this.#cancel(order);
        return await this.#refuse(
          SOLD_OUT,
          "Medusa sold more than it had: do several of its processes run without a common lock?",
        );
      case "confirm":
        return await this.#tell({ type: "stockReserved" });
      case "cancel":
        return await this.#cancel(order);
      case "correct": {
        const country = now.content.ok ? now.content.content.destination.country : order.country;
        if (country !== null) await theirs.correct(order.id, correction(now.order, country), signal);
        return await this.#note({ details_hash: now.ours.detailsHash });
      }
      case "collect":
        await this.#call(step, () => theirs.collect(order, signal));
        return await this.#reread(order);
      case "markPaid":
        await this.#call(step, () => theirs.markPaid(order.id, step.collection, signal));
        return await this.#reread(order);
      case "fulfil":
        await this.#call(step, () => theirs.fulfil(order, trackingOf(now.order).carrier, signal));
        return await this.#reread(order);
      case "ship":
        await this.#call(
          step,
          () => theirs.ship(order, step.fulfilment, trackingOf(now.order).tracking, signal),
        );
        return await this.#reread(order);
      case "deliver":
        await this.#call(step, () => theirs.deliver(order.id, step.fulfilment, signal));
        return await this.#reread(order);
      case "complete":
        await this.#call(step, () => theirs.complete(order.id, signal));
        return await this.#reread(order);
      case "shippedThere": {
        const sent = order.fulfilments.filter((one) => one.canceledAt === null && one.shippedAt !== null);
        const carrier = sent.find((one) => one.carrier !== null)?.carrier ?? null;
        const tracking = sent.flatMap((one) => one.tracking).join(", ") || null;
        return await this.#tell({ type: "shipped", carrier, tracking });
      }
      case "deliveredThere":
        return await this.#tell({ type: "delivered" });
      case "cancelledThere":
        return await this.#tell({ type: "merchantCancelled", reason: CANCELLED });
    }
  }

  async #find({ row }: Situation): Promise<void> {
    const found = await this.#o.theirs.find(row!.email, this.#signal);
    const [first = null, ...others] = found;
    // What was asked for twice is there twice: drafts hold nothing.
    for (const one of others) if (one.status === "draft") await this.#o.theirs.discard(one.id, this.#signal);
    this.#theirs = first;
    const placed = first !== null && first.status !== "draft";
    await this.#note({
      medusa_order: first?.id ?? null,
      total: first?.total ?? null,
      ...(placed && { state: "placed" }),
      call: null,
      called_at: null,
    });
  }

  async #again({ order, row, ours }: Situation): Promise<void> {
    const attempt = row!.attempt + 1;
    this.#theirs = null;
    await this.#note({
      attempt,
      email: emailOf(order, attempt),
      state: "wanted",
      medusa_order: null,
      content_hash: ours.contentHash,
      details_hash: null,
      total: null,
      problem: null,
    });
  }

  async #draft({ order, row, ours, content }: Situation): Promise<"over" | void> {
    if (!content.ok) return await this.#refuse(content.reason, "Something of it can't be ordered in Medusa.");
    await this.#note({ content_hash: ours.contentHash, details_hash: ours.detailsHash });
    const body = draftBody(content.content, order, row!.email);
    const made = await this.#asked({ do: "draft" }, () => this.#o.theirs.draft(body, this.#signal));
    if (made === null) return await this.#refuse(SOLD_OUT, "Medusa doesn't take the order.");
    this.#theirs = made;
    await this.#note({ medusa_order: made.id, total: made.total, call: null, called_at: null });
  }

  async #convert({ order, content }: Situation, draft: MedusaOrder): Promise<"over" | void> {
    if (!content.ok) return await this.#refuse(content.reason, "Something of it can't be ordered in Medusa.");
    const { currency, units } = content;
    // What is paid already is paid, whatever Medusa would ask for it.
    const unpaid = order.received_msat === 0;
    const theirs = { total: draft.total, currency };
    if (unpaid && !sameTotal(BigInt(order.total_msat), theirs, { rate: rateOf(order), units })) {
      return await this.#refuse(
        ANOTHER_PRICE,
        `Medusa asks for ${draft.total} ${currency}, which isn't what was quoted.`,
      );
    }
    const made = await this.#asked({ do: "convert" }, () => this.#o.theirs.convert(draft.id, this.#signal));
    if (made === null) return await this.#refuse(SOLD_OUT, "Medusa hasn't got the goods.");
    this.#theirs = made;
    const at = this.#o.clock.now();
    await this.#note({ state: "placed", call: null, called_at: null, stock_at: at });
  }

  async #cancel(order: MedusaOrder): Promise<void> {
    await this.#note({ state: "cancelling" });
    try {
      await this.#call({ do: "cancel" }, () => this.#o.theirs.cancel(order.id, this.#signal));
    } catch (error) {
      // Somebody else was faster, or it can't be: what it is then says the next look.
      if (!(error instanceof MedusaError) || error.kind !== "refused") throw error;
    }
    const left = await this.#o.theirs.get(order.id, this.#signal);
    if (left !== null && left.status !== "canceled") {
      throw new MedusaError("refused", "Medusa doesn't let the order be cancelled");
    }
    this.#theirs = left;
    await this.#note({ state: "cancelled", call: null, called_at: null, stock_at: this.#o.clock.now() });
  }

  /** An answer of no ends the way to an order there: null. */
  async #asked<T>(step: Step, ask: () => Promise<T>): Promise<T | null> {
    try {
      return await this.#call(step, ask);
    } catch (error) {
      if (!(error instanceof MedusaError) || (error.kind !== "refused" && error.kind !== "not_found")) {
        throw error;
      }
      this.#o.log.warn("medusa.refused", { order: this.#orderId, step: step.do, error: error.message });
      return null;
    }
  }

  /** Medusa hasn't got it. Where it decides, the order ends; else the merchant has sold it twice, and is told. */
  async #refuse(reason: string, problem: string): Promise<"over"> {
    const { clock, authority } = this.#o;
    await this.#tx(async (tx) => {
      const now = await situationOf(tx, this.#orderId);
      const at = clock.now();
      if (now?.row) {
        await updateMedusaOrder(tx, this.#orderId, {
          state: "refused",
          problem,
          looked_at: at,
          updated_at: at,
        });
      }
      if (now && authority === "medusa") await applyTo(tx, now.order, { type: "stockRefused", reason }, at);
      // What we show of these goods is wrong.
      const changed = await medusaProductsOf(tx, this.#orderId);
      if (now) await takeHint(tx, { merchant: now.order.merchant, changed, now: at });
      await this.#job.complete(tx);
    });
    return "over";
  }

  async #tell(event: OrderEvent): Promise<void> {
    await this.#tx(async (tx) => {
      const now = await situationOf(tx, this.#orderId);
      // What has changed since the look that led here may lead elsewhere.
      if (!now || (event.type === "stockReserved" && !now.ours.waits)) return;
      await applyTo(tx, now.order, event, this.#o.clock.now());
    });
  }

  async #reread({ id }: MedusaOrder): Promise<void> {
    this.#theirs = await this.#o.theirs.get(id, this.#signal);
    await this.#note({ call: null, called_at: null });
  }

  /**
   * A call that isn't to be made twice: noted before it is sent, so that whoever finds the note looks first. The caller notes
   * what came of it.
   */
  async #call<T>(step: Step, ask: () => Promise<T>): Promise<T> {
    const at = this.#o.clock.now();
    const moves = MOVES_STOCK.includes(step.do) && { stock_at: at };
    await this.#note({ call: step.do, called_at: at, ...moves });
    try {
      return await ask();
    } catch (error) {
      if (error instanceof MedusaError && !error.mayHaveHappened) {
        await this.#note({ call: null, called_at: null });
      }
      throw error;
    }
  }

  #note(change: Updateable<MedusaOrdersTable>): Promise<void> {
    const updated_at = this.#o.clock.now();
    return this.#tx((tx) => updateMedusaOrder(tx, this.#orderId, { ...change, updated_at }));
  }

  #tx<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#o.database.transaction(work);
  }

  get #signal(): AbortSignal {
    return this.#job.signal;
  }
}

function trackingOf({ tracking }: OrderRow): { carrier: string | null; tracking: string | null } {
  const told = JSON.parse(tracking ?? "{}") as { carrier?: string | null; tracking?: string | null };
  return { carrier: told.carrier ?? null, tracking: told.tracking ?? null };
}
