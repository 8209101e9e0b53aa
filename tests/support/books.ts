import { assert, assertEquals } from "@std/assert";
import type { OrderRow } from "../../src/orders/orders_store.ts";
import type { Shop } from "./shop.ts";

const OPEN = ["quoting", "awaiting", "held"];

/** A payment, as whoever received it has it. */
export interface Received {
  paymentHash: string;
  amountMsat: bigint;
}

/** Everything that the books of a shop are compared by. */
interface Books {
  orders: OrderRow[];
  items: Map<string, { product_id: string; quantity: number }[]>;
}

/**
 * Compares the shop's books with each other and with the wallet's own, at any moment when nothing is under way: nothing is
 * oversold, lost, done twice or unaccounted for. `received`: what came in where that isn't the demo wallet's to say.
 */
export async function checkBooks(shop: Shop, received?: Received[]): Promise<void> {
  const db = shop.database.kysely;
  const orders = await db.selectFrom("orders").selectAll().execute();
  const rows = await db.selectFrom("order_items").selectAll().execute();
  const books = { orders, items: Map.groupBy(rows, (item) => item.order_id) };
  await checkStock(shop, books);
  await checkMoney(shop, books, received ?? await receivedByDemo(shop));
  await checkRefunds(shop, books);
  await checkMessages(shop);
  for (const order of orders) checkOrder(order);
}

async function checkStock(shop: Shop, { orders, items }: Books): Promise<void> {
  const db = shop.database.kysely;
  const holds = await db.selectFrom("holds").selectAll().execute();
  const movements = await db.selectFrom("stock_movements").selectAll().execute();
  const units = (of: OrderRow[], product: string) =>
    sum(
      of.flatMap((order) => items.get(order.id) ?? []).filter((item) => item.product_id === product)
        .map((item) => item.quantity),
    );
  for (const { product_id, on_hand, held } of await db.selectFrom("stock").selectAll().execute()) {
    const its = movements.filter((one) => one.product_id === product_id);
    assertEquals(sum(its.map((one) => one.delta_on_hand)), on_hand ?? 0, `${product_id}: ledger and shelf`);
    assert(held >= 0 && (on_hand === null || (on_hand >= 0 && held <= on_hand)), `${product_id}: oversold`);
    const ours = holds.filter((one) => one.product_id === product_id);
    const inState = (state: string) =>
      sum(ours.filter((one) => one.state === state).map((one) => one.quantity));
    assertEquals(inState("held"), held, `${product_id}: holds`);
    if (shop.terms.stockPolicy === "hold") {
      assertEquals(
        held,
        units(orders.filter((order) => OPEN.includes(order.payment) && order.unheld === 0), product_id),
      );
    }
    const sold = orders.filter((order) => order.fulfilment !== "none" || order.paid_at !== null);
    assertEquals(inState("committed"), units(sold, product_id), `${product_id}: sold`);
  }
  for (const hold of holds) {
    const ends = movements.filter((one) => one.hold_id === hold.id && one.reason !== "hold");
    assertEquals(ends.length, hold.state === "held" ? 0 : 1, `hold ${hold.id} ends once`);
  }
}

async function receivedByDemo({ wallet }: Shop): Promise<Received[]> {
  return (await wallet.invoices()).flatMap(({ paymentHash, settled }) =>
    settled === null ? [] : [{ paymentHash, amountMsat: settled.amountMsat }]
  );
}

async function checkMoney(shop: Shop, { orders }: Books, received: Received[]): Promise<void> {
  const db = shop.database.kysely;
  const payments = await db.selectFrom("payments").selectAll().execute();
  const invoices = await db.selectFrom("invoices").selectAll().execute();
  assertEquals(
    payments.map((payment) => `${payment.payment_hash} ${payment.amount_msat}`).sort(),
    received.map(({ paymentHash, amountMsat }) => `${paymentHash} ${amountMsat}`).sort(),
    "the wallet's books and ours",
  );
  for (const order of orders) {
    const theirs = payments.filter((payment) => payment.order_id === order.id);
    const received = sum(theirs.map((payment) => payment.amount_msat));
    assertEquals(order.received_msat, received, `order ${order.customer_order_id}: received`);
    if (order.payment === "paid" || order.payment === "overpaid") {
      const enough = order.reason === "Accepted by the merchant." ? 0 : order.total_msat - 1_000;
      assert(received > enough, `order ${order.customer_order_id} is paid with too little`);
    }
    const open = invoices.filter((invoice) => invoice.order_id === order.id && invoice.state === "open");
    assert(open.length <= 1, `order ${order.customer_order_id} has ${open.length} invoices to pay`);
    if (!OPEN.includes(order.payment)) assertEquals(open.length, 0, `${order.payment} with an open invoice`);
  }
}

/** What goes back was received, goes back once, and an order is refunded when it has. */
async function checkRefunds(shop: Shop, { orders }: Books): Promise<void> {
  const all = await shop.database.kysely.selectFrom("refunds").selectAll().execute();
  const paid = shop.spend.payments().map(({ paymentHash, amountMsat }) => `${paymentHash} ${amountMsat}`);
  const sent = all.filter((refund) => refund.state === "sent");
  assertEquals(
    paid.sort(),
    sent.map((refund) => `${refund.payment_hash} ${refund.amount_msat}`).sort(),
    "what the wallet paid and what the ledger says",
  );
  for (const order of orders) {
    const theirs = all.filter((refund) => refund.order_id === order.id && refund.state !== "cancelled");
    const id = order.customer_order_id;
    assertEquals(order.refunding_msat, sum(theirs.map((refund) => refund.amount_msat)), `${id}: refunds`);
    assert(order.refunding_msat <= order.received_msat, `${id}: more goes back than was received`);
    const back = theirs.filter((refund) => refund.state === "sent" || refund.state === "by_hand");
    const left = order.received_msat - sum(back.map((refund) => refund.amount_msat));
    if (order.payment === "refunded") assert(left < 1_000, `${id}: refunded, but not all of it`);
    const whole = order.payment === "refund_due" && order.fulfilment === "none";
    if (whole) {
      assert(left >= 1_000 || back.length < theirs.length, `${id}: all is back and it isn't refunded`);
    }
  }
}

/** Every event has one effect, and every fact is told once. */
async function checkMessages(shop: Shop): Promise<void> {
  const db = shop.database.kysely;
  const done = await db.selectFrom("inbox").select("event_id").where("state", "=", "done").execute();
  const kept = await db.selectFrom("messages").select("event_id").where("direction", "=", "in").execute();
  assertEquals(kept.map((row) => row.event_id).sort(), done.map((row) => row.event_id).sort());
  const dead = await db.selectFrom("jobs").select("last_error").where("state", "=", "dead").execute();
  assertEquals(dead, []);
}

function checkOrder(order: OrderRow): void {
  const { payment, fulfilment, customer_order_id: id } = order;
  if (fulfilment !== "none") assert(order.paid_at !== null, `${id} is ${fulfilment} and was never paid`);
  if (order.received_msat > 0) {
    assert(!["expired", "cancelled", "rejected", "failed"].includes(payment), `${id}: money forgotten`);
  }
  if (["expired", "cancelled", "rejected", "failed"].includes(payment)) {
    assert(order.reason, `${id}: no reason`);
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
