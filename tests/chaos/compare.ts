import type { Books, CustomerBook, ShopOrder } from "./books.ts";

/** What mustn't be there, by what it is; each entry says where. */
export interface Findings {
  /** Orders without an answer, payments that the customer wasn't told of, orders or payments that the shop doesn't know. */
  lost: string[];
  /** A second payable invoice, a second "paid", an answer too many. */
  duplicated: string[];
  /** More was sold or held than there was, or the shelf doesn't add up. */
  oversold: string[];
  /** Refused though there was enough, or taken though there wasn't. */
  wronglyDecided: string[];
  /** Money that the three books disagree about. */
  unaccounted: string[];
  /** Work that was given up or never ended, messages that nobody understands. */
  leftOver: string[];
}

const SOLD = ["paid", "overpaid"];
const OPEN = ["quoting", "awaiting", "held"];

/** Compares the books of customers, wallet, shop and relay. Pure. */
export function compare(books: Books): Findings {
  const orders = new Map(
    books.shop.orders.map((order) => [keyOf(order.customer, order.customer_order_id), order]),
  );
  const found: Findings = {
    lost: [],
    duplicated: [],
    oversold: [],
    wronglyDecided: [],
    unaccounted: [],
    leftOver: [],
  };
  for (const book of books.customers) compareOrder(book, orders.get(keyOf(book.customer, book.id)), found);
  compareShelf(books, found);
  compareMoney(books, found);
  for (const job of books.shop.deadJobs) found.leftOver.push(`dead job ${job.kind}: ${job.last_error}`);
  if (books.shop.openJobs > 0) found.leftOver.push(`${books.shop.openJobs} jobs that never ended`);
  if (books.shop.orders.length !== books.customers.length) {
    found.leftOver.push(
      `${books.shop.orders.length} orders in the shop, ${books.customers.length} were sent`,
    );
  }
  return found;
}

/** How many entries there are in all. */
export function count(found: Findings): number {
  return Object.values(found).reduce((sum, entries) => sum + entries.length, 0);
}

function compareOrder(book: CustomerBook, order: ShopOrder | undefined, found: Findings): void {
  const { id } = book;
  for (const text of book.strange) found.leftOver.push(`${id}: ${text}`);
  if (!order) return void found.lost.push(`${id}: the shop doesn't have it`);
  const answers = book.requests + book.refusals.length;
  if (answers === 0) found.lost.push(`${id}: not answered, the shop says ${order.payment}`);
  if (book.invoices.length > 1) {
    found.duplicated.push(`${id}: ${book.invoices.length} different invoices, sent ${book.sent} times`);
  }
  if (book.apologies > 1) found.duplicated.push(`${id}: told ${book.apologies} times that it takes longer`);
  // Who asks again is answered again, by the same invoice.
  if (answers > book.sent) found.duplicated.push(`${id}: sent ${book.sent} times, answered ${answers} times`);
  if (book.invoices.length > 0 && book.refusals.length > 0) {
    found.duplicated.push(`${id}: an invoice and a refusal (${book.refusals[0]})`);
  }
  if (book.paid !== null && book.toldPaid === 0) {
    found.lost.push(`${id}: paid and not told so, the shop says ${order.payment}`);
  }
  if (book.paid === null && book.toldPaid > 0) found.unaccounted.push(`${id}: told "paid" without a payment`);
  // An order that is sent again after its payment is answered by where it stands.
  if (book.toldPaid > book.sent) {
    found.duplicated.push(`${id}: sent ${book.sent} times, told "paid" ${book.toldPaid} times`);
  }
  const expected = book.refusals.length > 0 && book.invoices.length === 0
    ? order.payment === "rejected"
    : book.paid === null
    ? OPEN.includes(order.payment)
    : SOLD.includes(order.payment);
  if (!expected && answers > 0) {
    found.wronglyDecided.push(`${id}: the customer ${stateOf(book)}, the shop says ${order.payment}`);
  }
}

function stateOf(book: CustomerBook): string {
  if (book.invoices.length === 0) return "was refused";
  return book.paid === null ? "has an open invoice" : "paid";
}

function compareShelf({ shelf, shop, relay, customers }: Books, found: Findings): void {
  const units = (id: string, states: readonly string[]) =>
    shop.orders.filter((order) => states.includes(order.payment)).flatMap((order) => order.items)
      .filter((item) => item.product_id === id).reduce((sum, item) => sum + item.quantity, 0);
  for (const { id, quantity: before } of shelf) {
    const product = shop.products.find((one) => one.id === id);
    if (!product) {
      found.oversold.push(`${id}: gone`);
      continue;
    }
    const [sold, held] = [units(id, SOLD), units(id, OPEN)];
    const expected = before === null ? null : before - sold;
    if (product.quantity !== expected) {
      found.oversold.push(`${id}: ${before} − ${sold} sold, but ${product.quantity} on hand`);
    }
    if (relay.get(id) !== expected) {
      found.oversold.push(`${id}: ${expected} on hand, but ${relay.get(id)} on the relay`);
    }
    if (before === null) continue;
    if (product.held !== held) found.oversold.push(`${id}: ${held} in open orders, but ${product.held} held`);
    if (sold + held > before) found.oversold.push(`${id}: ${sold} sold and ${held} held of ${before}`);
    // Orders for one unit each: the first so many get theirs, and nobody else.
    const wanted = customers.filter((book) => book.productId === id).reduce(
      (sum, one) => sum + one.quantity,
      0,
    );
    const got = Math.min(before, wanted);
    if (sold + held !== got) {
      found.wronglyDecided.push(`${id}: ${wanted} wanted of ${before}, ${sold} sold and ${held} held`);
    }
  }
}

function compareMoney({ customers, wallet, shop }: Books, found: Findings): void {
  const settled = wallet.filter((entry) => entry.settledAt !== null);
  const inWallet = settled.reduce((sum, entry) => sum + BigInt(entry.amountMsat), 0n);
  const inPayments = shop.payments.reduce((sum, payment) => sum + BigInt(payment.amount_msat), 0n);
  const inOrders = shop.orders.reduce((sum, order) => sum + BigInt(order.received_msat), 0n);
  if (inWallet !== inPayments) found.unaccounted.push(`wallet ${inWallet} msat, payments ${inPayments} msat`);
  if (inPayments !== inOrders) found.unaccounted.push(`payments ${inPayments} msat, orders ${inOrders} msat`);
  const paid = new Set(customers.flatMap((book) => book.paid === null ? [] : [book.paid]));
  for (const { bolt11, paymentHash } of settled) {
    if (!paid.has(bolt11)) found.unaccounted.push(`${paymentHash}: settled, but no customer paid it`);
    paid.delete(bolt11);
  }
  for (const bolt11 of paid) found.unaccounted.push(`paid, but not in the wallet: ${bolt11.slice(0, 40)}…`);
}

function keyOf(customer: string, id: string): string {
  return `${customer}:${id}`;
}
