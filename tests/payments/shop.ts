import type { Database, Tx } from "../../src/db/database.ts";
import type { PaymentState } from "../../src/db/tables.ts";
import type { RunningJob } from "../../src/jobs/runner.ts";
import type { OrderRow } from "../../src/orders/orders_store.ts";
import type { OrderEvent } from "../../src/orders/types.ts";
import { invoicesOf } from "../../src/payments/invoices_store.ts";
import { type ByListOptions, lookUpByList } from "../../src/payments/look_up_by_list.ts";
import type { OrdersPort } from "../../src/payments/orders_port.ts";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { systemRandom } from "../../src/random.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { silentLog } from "../support/log.ts";

export const MERCHANT = "a".repeat(64);
/** Only what never comes meets it. */
const PATIENCE_MS = 60_000;
export const PRICE = 21_000_000n;

/** Orders as far as payments see them: rows, and a life cycle of one line each; what happened to them is in `events`. */
export class Shop {
  readonly clock = new FakeClock();
  readonly wallet: DemoWallet = new DemoWallet({ clock: this.clock, random: systemRandom, log: silentLog });
  readonly events: string[] = [];
  readonly database: Database;
  readonly common;

  constructor(database: Database) {
    this.database = database;
    this.common = {
      database,
      clock: this.clock,
      random: systemRandom,
      log: silentLog,
      orders: this.orders,
      walletsOf: () => [this.wallet],
    };
  }

  readonly orders: OrdersPort = {
    orderOf: (tx, id) =>
      tx.selectFrom("orders").selectAll().where("id", "=", id)
        .$if(tx.dialect === "postgres", (q) => q.forUpdate()).executeTakeFirst(),
    apply: async (tx, order, event: OrderEvent) => {
      const id = typeof order === "string" ? order : order.id;
      this.events.push(event.type);
      const payment = AFTER[event.type];
      if (payment) await tx.updateTable("orders").set({ payment }).where("id", "=", id).execute();
      return { order: (await this.orders.orderOf(tx, id))! };
    },
    paymentHeld: () => Promise.resolve("give back"),
    paymentArrived: async (tx, { order: paid, amountMsat }) => {
      const orderId = typeof paid === "string" ? paid : paid.id;
      this.events.push(`paid ${amountMsat}`);
      const order = (await this.orders.orderOf(tx, orderId))!;
      const received = BigInt(order.received_msat) + amountMsat;
      const payment: PaymentState = received >= BigInt(order.total_msat) ? "paid" : "awaiting";
      await tx.updateTable("orders").set({ received_msat: received, payment }).where("id", "=", orderId)
        .execute();
    },
  };

  /** A new order that waits for its invoice and lives for 15 minutes. */
  async order(change: Partial<OrderRow> = {}): Promise<string> {
    const id = crypto.randomUUID();
    const now = this.clock.now();
    await this.database.transaction((tx) =>
      tx.insertInto("orders").values({
        id,
        merchant: MERCHANT,
        customer: "b".repeat(64),
        customer_order_id: id,
        dialect: "nip15",
        envelope: "nip04",
        relay: "",
        payment: "quoting",
        fulfilment: "none",
        contact: "{}",
        content_hash: "",
        traits: "{}",
        revision: 1,
        total_msat: PRICE,
        received_msat: 0,
        asked_at_seconds: 0,
        expires_at: now + 900_000,
        created_at: now,
        updated_at: now,
        ...change,
      }).execute()
    );
    return id;
  }

  async change(id: string, change: Partial<OrderRow>): Promise<void> {
    await this.database.transaction((tx) =>
      tx.updateTable("orders").set(change).where("id", "=", id).execute()
    );
  }

  async payment(id: string): Promise<PaymentState> {
    const row = await this.database.kysely.selectFrom("orders").select("payment").where("id", "=", id)
      .executeTakeFirstOrThrow();
    return row.payment;
  }

  invoices(orderId: string) {
    return invoicesOf(this.database.kysely, orderId);
  }

  payments() {
    return this.database.kysely.selectFrom("payments").selectAll().orderBy("created_at").execute();
  }

  /** A job as the runner hands it over; `done` counts how often it was completed. */
  job(orderId: string, attempt = 1): RunningJob & { done: number } {
    return {
      id: 1,
      kind: "invoice.create",
      payload: { order_id: orderId },
      attempt,
      signal: new AbortController().signal,
      done: 0,
      complete(_tx: Tx) {
        this.done++;
        return Promise.resolve();
      },
    };
  }
}

const AFTER: { [event in OrderEvent["type"]]?: PaymentState } = {
  invoiced: "awaiting",
  invoiceFailed: "failed",
  expired: "expired",
};

/** Lets promises and the database run until `condition` holds, without moving time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = "the condition",
): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !await condition();) {
    if (Date.now() > end) throw new Error(`${what} never came true`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** What a list left to do, and which invoices it told of. */
export async function byList(o: Omit<ByListOptions, "onPaid">, ids: string[], signal: AbortSignal) {
  const paid: string[] = [];
  const left = await lookUpByList({ ...o, onPaid: (found) => void paid.push(...found) }, ids, signal);
  return { ...left, paid };
}
