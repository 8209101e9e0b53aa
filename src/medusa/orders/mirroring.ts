import type { Clock } from "../../clock.ts";
import type { Database, Tx } from "../../db/database.ts";
import { RetryLater, type RunningJob } from "../../jobs/runner.ts";
import type { Log } from "../../log.ts";
import { applyTo } from "../../orders/apply.ts";
import type { OrderRow } from "../../orders/orders_store.ts";
import type { OrderEvent } from "../../orders/types.ts";
import { refundOrder } from "../../payments/refund_requests.ts";
import { takeHint } from "../catalogue/hints.ts";
import { addToReport } from "../report_store.ts";
import { correction } from "./content.ts";
import { amountBack } from "./amount_back.ts";
import { newRow } from "./new_row.ts";
import type { MedusaOrder } from "./medusa_order.ts";
import { insertMedusaOrder, medusaProductsOf, updateMedusaOrder } from "./medusa_orders_store.ts";
import { Notes } from "./notes.ts";
import { nextStep, type Step, type Theirs } from "./plan.ts";
import { Placing, type Refused, SOLD_OUT } from "./placing.ts";
import { notedOf, type Situation, situationOf } from "./situation.ts";
import type { TheirOrders } from "./their_orders.ts";

/** Longer than any plan; more means that both sides never agree. */
const MOST_STEPS = 25;
/** A call whose answer we lost may still be at work: so long nothing is asked anew. */
const SETTLES_MS = 5_000;

const OVERSOLD = "Medusa sold more than it had: do several of its processes run without a common lock?";
const REFUNDED = "The shop gives it back.";
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
  readonly #notes: Notes;
  readonly #placing: Placing;
  /** What Medusa has, as far as this run knows; undefined: nobody has looked. */
  #theirs: Theirs | undefined;

  constructor(options: MirroringOptions, job: RunningJob, orderId: string) {
    this.#o = options;
    this.#job = job;
    this.#orderId = orderId;
    this.#notes = new Notes(options, orderId);
    this.#placing = new Placing({ ...options, notes: this.#notes });
  }

  /** Ends the job when nothing is left to do. Throws MedusaErrors. */
  async run(): Promise<void> {
    for (let n = 0; n < MOST_STEPS; n++) {
      const now = await this.#o.database.transaction(async (tx) => await this.#look(tx));
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
    await this.#notes.write({
      call: null,
      called_at: null,
      ...(this.#theirs === null && { medusa_order: null }),
    });
  }

  /** Ends the job, unless something has happened since the look that led here. */
  async #rest(problem: string | null): Promise<boolean> {
    return await this.#o.database.transaction(async (tx) => {
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
        this.#theirs = await this.#placing.find(now, signal);
        return;
      case "again":
        this.#theirs = await this.#placing.again(now);
        return;
      case "draft":
        return await this.#placed(await this.#placing.draft(now, signal));
      case "convert":
        return await this.#placed(await this.#placing.convert(now, order, signal));
      case "discard":
        await this.#notes.aroundCall(step, () => theirs.discard(order.id, signal));
        this.#theirs = null;
        return await this.#notes.write({ medusa_order: null, call: null, called_at: null });
      case "check":
        return await this.#check(now, order);
      case "confirm":
        return await this.#tell({ type: "stockReserved" });
      case "cancel":
        this.#theirs = await this.#placing.cancel(order, signal);
        return;
      case "correct": {
        const country = now.content.ok ? now.content.content.destination.country : order.country;
        if (country !== null) await theirs.correct(order.id, correction(now.order, country), signal);
        return await this.#notes.write({ details_hash: now.ours.detailsHash });
      }
      case "collect":
        await this.#notes.aroundCall(step, () => theirs.collect(order, signal));
        return await this.#reread(order);
      case "markPaid":
        await this.#notes.aroundCall(step, () => theirs.markPaid(order.id, step.collection, signal));
        return await this.#reread(order);
      case "fulfil":
        await this.#notes.aroundCall(step, () => theirs.fulfil(order, trackingOf(now.order).carrier, signal));
        return await this.#reread(order);
      case "ship":
        await this.#notes.aroundCall(
          step,
          () => theirs.ship(order, step.fulfilment, trackingOf(now.order).tracking, signal),
        );
        return await this.#reread(order);
      case "deliver":
        await this.#notes.aroundCall(step, () => theirs.deliver(order.id, step.fulfilment, signal));
        return await this.#reread(order);
      case "complete":
        await this.#notes.aroundCall(step, () => theirs.complete(order.id, signal));
        return await this.#reread(order);
      case "refund": {
        const amount = amountBack(now, order, step.backMsat);
        if (amount !== null) {
          await this.#notes.aroundCall(step, () => theirs.refund(step.payment, amount, signal));
        }
        return await this.#reread(order);
      }
      case "refundedThere":
        return await this.#refundedThere(now, step.msat);
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

  async #placed(made: MedusaOrder | Refused): Promise<"over" | void> {
    if ("refused" in made) return await this.#refuse(made.refused, made.problem);
    this.#theirs = made;
  }

  async #check(now: Situation, order: MedusaOrder): Promise<"over" | void> {
    const variants = now.content.ok ? now.content.content.lines.map((line) => line.variant) : [];
    if (!await this.#o.theirs.oversold(variants, this.#signal)) {
      return await this.#notes.write({ state: "held", problem: null });
    }
    const { database, clock, log } = this.#o;
    log.error("medusa.oversold", { order: this.#orderId });
    const at = clock.now();
    const found = { oversells: OVERSOLD, oversold_at: at };
    await database.transaction((tx) => addToReport(tx, now.order.merchant, found, at));
    this.#theirs = await this.#placing.cancel(order, this.#signal);
    return await this.#refuse(SOLD_OUT, OVERSOLD);
  }

  /** Medusa hasn't got it. Where it decides, the order ends; else the merchant has sold it twice, and is told. */
  async #refuse(reason: string, problem: string): Promise<"over"> {
    const { clock, authority } = this.#o;
    await this.#o.database.transaction(async (tx) => {
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
    await this.#o.database.transaction(async (tx) => {
      const now = await situationOf(tx, this.#orderId);
      // What has changed since the look that led here may lead elsewhere.
      if (!now || (event.type === "stockReserved" && !now.ours.waits)) return;
      await applyTo(tx, now.order, event, this.#o.clock.now());
    });
  }

  /** Our ledger gets what Medusa's merchant gives back; how it reaches the customer is the ledger's matter. */
  async #refundedThere({ ours }: Situation, msat: bigint): Promise<void> {
    const { database, clock, log } = this.#o;
    const done = await database.transaction((tx) =>
      refundOrder(tx, {
        orderId: this.#orderId,
        amountMsat: msat - ours.refunds.inLedger,
        reason: REFUNDED,
        fact: `medusa:${this.#orderId}:${msat}`,
      }, clock.now())
    );
    if (done.ok) return;
    log.warn("medusa.refund_not_taken", { order: this.#orderId, reason: done.reason });
    throw new RetryLater(`a refund made in Medusa can't be made here: ${done.reason}`, 3_600_000, false);
  }

  async #reread({ id }: MedusaOrder): Promise<void> {
    this.#theirs = await this.#o.theirs.get(id, this.#signal);
    await this.#notes.write({ call: null, called_at: null });
  }

  get #signal(): AbortSignal {
    return this.#job.signal;
  }
}

function trackingOf({ tracking }: OrderRow): { carrier: string | null; tracking: string | null } {
  const told = JSON.parse(tracking ?? "{}") as { carrier?: string | null; tracking?: string | null };
  return { carrier: told.carrier ?? null, tracking: told.tracking ?? null };
}
