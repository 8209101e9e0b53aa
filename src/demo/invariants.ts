import type { DemoWallet } from "../payments/demo_wallet.ts";
import { products } from "./sample_shop.ts";
import type { CallApi, Told } from "./story.ts";

/** Something that must hold, and whether it does. */
export interface Invariant {
  name: string;
  holds: boolean;
  detail: string;
}

interface OrderJson {
  customer_order_id: string;
  customer: string;
  payment: string;
  received_msat: string;
  items: { product_id: string; quantity: number }[];
}

const SOLD = ["paid", "overpaid"];
const OPEN = ["quoting", "awaiting", "held"];

/** Compares three books: the shop's, the customers', and the wallet's. */
export async function checkInvariants(told: Told, wallet: DemoWallet, call: CallApi): Promise<Invariant[]> {
  const { data: orders } = await call<{ data: OrderJson[] }>("GET", "/orders?limit=200");
  const { data: payments } = await call<{ data: { amount_msat: string; order_id: string | null }[] }>(
    "GET",
    "/payments?limit=200",
  );
  const { data: shelf } = await call<{ data: { id: string; quantity: number | null; held: number }[] }>(
    "GET",
    "/products?limit=200",
  );
  const units = (id: string, states: string[]) =>
    orders.filter((order) => states.includes(order.payment)).flatMap((order) => order.items)
      .filter((item) => item.product_id === id).reduce((sum, item) => sum + item.quantity, 0);

  const oversold = shelf.filter(({ id, quantity, held }) => {
    const before = products.find((product) => product.id === id)!.quantity;
    if (held !== (quantity === null && before === null ? held : units(id, OPEN))) return true;
    return before !== null && (quantity === null || quantity < 0 || quantity !== before - units(id, SOLD));
  });
  const lost = told.sent.filter(({ id, customer }) =>
    !orders.some((order) => order.customer_order_id === id && order.customer === customer.pubkey) ||
    !customer.answers.some((answer) => answer.id === id)
  );
  const wrong = told.sent.filter(({ id, end }) => {
    const payment = orders.find((order) => order.customer_order_id === id)?.payment ?? "none";
    return end === "paid"
      ? !SOLD.includes(payment)
      : end === "open"
      ? !OPEN.includes(payment)
      : payment !== "rejected";
  });
  const duplicated = told.sent.filter(({ id, customer }) => {
    const answers = customer.answers.filter((answer) => answer.id === id);
    const invoices = new Set(
      answers.flatMap((answer) => answer.payment_options ?? []).map((option) => option.link),
    );
    const told = answers.filter((answer) =>
      answer.paid === true && answer.shipped !== true && answer.status === "processing"
    );
    return invoices.size > 1 || told.length > 1;
  });
  const inWallet = (await wallet.invoices()).reduce(
    (sum, invoice) => sum + (invoice.settled?.amountMsat ?? 0n),
    0n,
  );
  const inBooks = payments.reduce((sum, payment) => sum + BigInt(payment.amount_msat), 0n);
  const inOrders = orders.reduce((sum, order) => sum + BigInt(order.received_msat), 0n);
  const unaccounted = inWallet - inBooks + (inBooks - inOrders);

  const none = (name: string, found: unknown[]): Invariant => ({
    name,
    holds: found.length === 0,
    detail: String(found.length),
  });
  return [
    none("oversold", oversold),
    none("lost", lost),
    none("wrongly decided", wrong),
    none("duplicated", duplicated),
    {
      name: "unaccounted",
      holds: unaccounted === 0n && inBooks === inOrders,
      detail: `${unaccounted / 1000n} sat of ${inWallet / 1000n}`,
    },
  ];
}
