import type { Updateable } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../db/database.ts";
import type { MedusaOrdersTable } from "../../db/tables.ts";
import type { Log } from "../../log.ts";
import { MedusaError } from "../medusa_error.ts";
import { updateMedusaOrder } from "./medusa_orders_store.ts";
import type { Step } from "./plan.ts";

/** Calls that change what Medusa has in stock. */
const MOVES_STOCK: readonly Step["do"][] = ["convert", "cancel", "fulfil"];

/** What we note of one order in Medusa, before and after each call that isn't to be made twice. */
export class Notes {
  readonly #o: { database: Database; clock: Clock; log: Log };
  readonly #orderId: string;

  constructor(options: { database: Database; clock: Clock; log: Log }, orderId: string) {
    this.#o = options;
    this.#orderId = orderId;
  }

  write(change: Updateable<MedusaOrdersTable>): Promise<void> {
    const { database, clock } = this.#o;
    const updated_at = clock.now();
    return database.transaction((tx) => updateMedusaOrder(tx, this.#orderId, { ...change, updated_at }));
  }

  /** Notes a call before it is sent, so that whoever finds the note looks first. What came of it is for the caller to note. */
  async aroundCall<T>(step: Pick<Step, "do">, ask: () => Promise<T>): Promise<T> {
    const at = this.#o.clock.now();
    const moves = MOVES_STOCK.includes(step.do) && { stock_at: at };
    await this.write({ call: step.do, called_at: at, ...moves });
    try {
      return await ask();
    } catch (error) {
      if (error instanceof MedusaError && !error.mayHaveHappened) {
        await this.write({ call: null, called_at: null });
      }
      throw error;
    }
  }

  /** The same, where an answer of no is an answer: null. */
  async unlessRefused<T>(step: Pick<Step, "do">, ask: () => Promise<T>): Promise<T | null> {
    try {
      return await this.aroundCall(step, ask);
    } catch (error) {
      if (!(error instanceof MedusaError) || (error.kind !== "refused" && error.kind !== "not_found")) {
        throw error;
      }
      this.#o.log.warn("medusa.refused", { order: this.#orderId, step: step.do, error: error.message });
      return null;
    }
  }
}
