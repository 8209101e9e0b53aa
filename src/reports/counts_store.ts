import type { Kysely } from "kysely";
import type { PaymentState, Tables } from "../db/tables.ts";

/** How things stand, for metrics and the status screen. */
export interface Counts {
  orders: Partial<Record<PaymentState, number>>;
  receivedMsat: number;
  unmatchedPayments: number;
  inboxWaiting: number;
  outboxPending: number;
  outboxFailed: number;
  heldUnits: number;
}

export async function readCounts(db: Kysely<Tables>): Promise<Counts> {
  const orders = await db.selectFrom("orders").select(["payment", (eb) => eb.fn.countAll<number>().as("n")])
    .groupBy("payment").execute();
  const payments = await db.selectFrom("payments")
    .select([
      "state",
      (eb) => eb.fn.countAll<number>().as("n"),
      (eb) => eb.fn.sum<number>("amount_msat").as("msat"),
    ])
    .groupBy("state").execute();
  // One by one: a partial index has what is in each state, and nothing has both.
  const outbox = async (state: "pending" | "failed") => {
    const { n } = await db.selectFrom("outbox").select((eb) => eb.fn.countAll<number>().as("n"))
      .where("state", "=", state).executeTakeFirstOrThrow();
    return Number(n);
  };
  const inbox = await db.selectFrom("inbox").select((eb) => eb.fn.countAll<number>().as("n"))
    .where("state", "=", "new").executeTakeFirstOrThrow();
  const held = await db.selectFrom("stock").select((eb) => eb.fn.sum<number>("held").as("n"))
    .executeTakeFirstOrThrow();
  const pick = (rows: { state: string; n: number }[], state: string) =>
    Number(rows.find((row) => row.state === state)?.n ?? 0);
  return {
    orders: Object.fromEntries(orders.map((row) => [row.payment, Number(row.n)])),
    receivedMsat: payments.reduce((sum, row) => sum + Number(row.msat), 0),
    unmatchedPayments: pick(payments, "unmatched"),
    inboxWaiting: Number(inbox.n),
    outboxPending: await outbox("pending"),
    outboxFailed: await outbox("failed"),
    heldUnits: Number(held.n ?? 0),
  };
}
