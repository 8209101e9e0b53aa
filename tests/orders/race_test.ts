import { assertEquals } from "@std/assert";
import { checkBooks } from "../support/books.ts";
import { orderJson } from "../support/customer.ts";
import { onEachSharedDatabase, type SharedDatabase } from "../support/databases.ts";
import { Shop, type ShopOptions } from "../support/shop.ts";

const CUSTOMERS = 20;
const last = orderJson({ items: [{ product_id: "last", quantity: 1 }] });

/** Two processes of one shop that has one of its last product; on SQLite there is one. */
async function shops(shared: SharedDatabase, options: ShopOptions = {}): Promise<[Shop, Shop]> {
  const first = await Shop.open({ database: await shared.open(), ...options });
  await first.shelf.product({ id: "last", name: "Last", quantity: 1 });
  if (shared.dialect === "sqlite") return [first, first];
  return [first, await first.another({ database: await shared.open() })];
}

onEachSharedDatabase(
  `the last one, ordered by ${CUSTOMERS} customers at once: one gets an invoice, all an answer`,
  async (shared) => {
    const [first, second] = await shops(shared);
    await using _first = first;
    await using _second = second;
    const customers = Array.from({ length: CUSTOMERS }, (_, i) => first.customer(`customer ${i}`));
    await Promise.all(customers.map((customer) => customer.writes(last)));
    await first.settle();
    const answers = await Promise.all(customers.map((customer) => customer.hears()));
    const offered = answers.filter(([answer]) => answer!.payment_options!.length === 1);
    assertEquals([answers.every((all) => all.length === 1), offered.length], [true, 1]);
    await first.paid(offered[0]![0]!.payment_options![0]!.link);
    assertEquals(await first.stock("last"), { onHand: 0, held: 0 });
    await checkBooks(first);
  },
);

onEachSharedDatabase(
  `the last one, sold by first payment, paid by ${CUSTOMERS} at once: one sale, all others get it back`,
  async (shared) => {
    const [first, second] = await shops(shared, { terms: { stockPolicy: "onpay" } });
    await using _first = first;
    await using _second = second;
    const customers = Array.from({ length: CUSTOMERS }, (_, i) => first.customer(`customer ${i}`));
    await Promise.all(customers.map((customer) => customer.writes(last)));
    await first.settle();
    const links = await Promise.all(customers.map(async (customer) => {
      const [request] = await customer.hears();
      return request!.payment_options![0]!.link;
    }));
    await Promise.all(links.map((link) => first.paid(link)));
    const told = await Promise.all(customers.map((customer) => customer.hears()));
    assertEquals(told.map((all) => all.length), customers.map(() => 1));
    const states = Map.groupBy(await first.orders(), (order) => order.payment);
    assertEquals([states.get("paid")?.length, states.get("refund_due")?.length], [1, CUSTOMERS - 1]);
    assertEquals(await first.stock("last"), { onHand: 0, held: 0 });
    await checkBooks(first);
  },
);

onEachSharedDatabase(
  "orders that want the same two products in both orders, and change their minds, never get stuck",
  async (shared) => {
    const [first, second] = await shops(shared);
    await using _first = first;
    await using _second = second;
    await first.shelf.product({ id: "bowl", name: "Bowl", quantity: 30 });
    await first.database.transaction((tx) =>
      tx.updateTable("stock").set({ on_hand: 30 }).where("product_id", "=", "cup").execute()
    );
    const customers = Array.from({ length: 8 }, (_, i) => first.customer(`customer ${i}`));
    const both = ["cup", "bowl"];
    for (let round = 0; round < 3; round++) {
      const at = Math.floor(first.clock.now() / 1000) + round;
      await Promise.all(customers.map((customer, i) => {
        const ids = round % 2 === i % 2 ? both : both.toReversed();
        const items = ids.slice(0, 1 + (i + round) % 2).map((product_id) => ({
          product_id,
          quantity: 1 + round,
        }));
        return customer.writes(orderJson({ items }), { at });
      }));
    }
    await first.settle();
    const orders = await first.orders();
    assertEquals(orders.map((order) => order.payment), customers.map(() => "awaiting"));
    const shelf = await Promise.all(both.map((id) => first.stock(id)));
    assertEquals(shelf[0]!.held + shelf[1]!.held, 8 / 2 * 3 + 8 / 2 * 6);
  },
);
