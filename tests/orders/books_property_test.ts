import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { checkBooks } from "../support/books.ts";
import { type Answer, type Customer, orderJson } from "../support/customer.ts";
import { Shop } from "../support/shop.ts";
import { decides, refunds } from "./refunds.ts";

const NAMES = ["alice", "bob", "carol"];
const PRODUCTS = ["cup", "bowl"];
const AMOUNTS = { full: 1n, half: 2n, twice: 1n };
const MINUTE = 60_000;

type Step =
  | { do: "order"; who: number; id: string; product: number; quantity: number; both: boolean }
  | { do: "replay"; which: number }
  | { do: "claim"; who: number; id: string }
  | { do: "pay"; which: number; amount: keyof typeof AMOUNTS; silently: boolean }
  | { do: "pass"; minutes: number }
  | { do: "decide"; which: number; event: "cancel" | "ship" | "deliver" | "refund" }
  | { do: "wallet"; refuses: boolean };

const who = fc.nat(NAMES.length - 1);
const id = fc.constantFrom("1", "2");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("order" as const),
      who,
      id,
      product: fc.nat(PRODUCTS.length - 1),
      quantity: fc.integer({ min: 1, max: 4 }),
      both: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("pay" as const),
      which: fc.nat(20),
      amount: fc.constantFrom<keyof typeof AMOUNTS>("full", "full", "half", "twice"),
      silently: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("pass" as const), minutes: fc.constantFrom(1, 16) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("decide" as const),
      which: fc.nat(10),
      event: fc.constantFrom<"cancel" | "ship" | "deliver" | "refund">(
        "cancel",
        "cancel",
        "cancel",
        "ship",
        "deliver",
        "refund",
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("replay" as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("claim" as const), who, id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wallet" as const), refuses: fc.boolean() }) },
);

Deno.test("whatever customers, wallets and the merchant do, the books agree and nobody is left without an answer", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 14 }), async (story) => {
      await using shop = await Shop.open({ terms: { maxOpenOrders: 2, maxHeldShare: 0.5 } });
      await shop.shelf.product({ id: "bowl", name: "Bowl", price: 250, quantity: 3 });
      const world = new World(shop);
      for (const each of story) {
        await world.happens(each);
        await checkBooks(shop);
      }
      await world.ends();
    }),
    { numRuns: 20 },
  );
});

class World {
  readonly #shop: Shop;
  readonly #customers: Customer[];
  readonly #events: Awaited<ReturnType<Customer["writes"]>>[] = [];
  readonly #heard = new Map<string, Answer[]>();
  readonly #asked = new Set<string>();
  #orders = 0;

  constructor(shop: Shop) {
    this.#shop = shop;
    this.#customers = NAMES.map((name) => shop.customer(name));
  }

  async happens(step: Step): Promise<void> {
    const shop = this.#shop;
    switch (step.do) {
      case "order": {
        const ids = step.both ? PRODUCTS : [PRODUCTS[step.product]!];
        const items = ids.map((product_id) => ({ product_id, quantity: step.quantity }));
        this.#asked.add(`${NAMES[step.who]} ${step.id}`);
        this.#events.push(
          await this.#customers[step.who]!.writes(orderJson({ id: step.id, items, nonce: ++this.#orders })),
        );
        break;
      }
      case "replay":
        if (this.#events.length > 0) await shop.receive(this.#events[step.which % this.#events.length]!);
        break;
      case "claim":
        await this.#customers[step.who]!.writes({ id: step.id, type: 2, paid: true, shipped: true });
        break;
      case "pay": {
        const invoices = (await shop.wallet.invoices()).filter((invoice) => invoice.settled === null);
        const invoice = invoices[step.which % (invoices.length || 1)];
        if (!invoice) return;
        const amountMsat = step.amount === "twice"
          ? invoice.amountMsat * 2n
          : invoice.amountMsat / AMOUNTS[step.amount];
        await shop.paid(invoice.bolt11, { late: true, amountMsat, silently: step.silently });
        // Nobody hints at it: it is found by looking, an hour after the order's end at the latest.
        if (step.silently) await shop.pass(61 * MINUTE);
        break;
      }
      case "pass":
        await shop.pass(step.minutes * MINUTE);
        break;
      case "decide": {
        const orders = await shop.orders();
        const order = orders[step.which % (orders.length || 1)];
        if (!order) return;
        const events = {
          cancel: { type: "merchantCancelled", reason: "The kiln broke" },
          ship: { type: "shipped", carrier: null, tracking: null },
          deliver: { type: "delivered" },
        } as const;
        if (step.event === "refund") {
          const due = (await refunds(shop)).find((one) => one.order_id === order.id && one.state === "due");
          if (due) await decides(shop, { byHand: due.id });
          break;
        }
        await shop.happens(order, events[step.event]);
        break;
      }
      case "wallet":
        shop.wallet.faults.always("createInvoice", step.refuses ? { do: "fail", kind: "refused" } : null);
        break;
    }
    await shop.settle();
    await this.#listen();
  }

  /** Time goes by until nothing waits any more: no hold is left, and everybody knows how it ended. */
  async ends(): Promise<void> {
    const shop = this.#shop;
    for (let i = 0; i < 3; i++) await shop.pass(17 * MINUTE);
    await checkBooks(shop);
    await this.#listen();
    const orders = await shop.orders();
    assertEquals(orders.length, this.#asked.size);
    for (const order of orders) {
      const { payment } = order;
      assert(
        !["quoting", "awaiting", "held"].includes(payment),
        `${order.customer_order_id} is still ${payment}`,
      );
      const name = NAMES[this.#customers.findIndex((customer) => customer.pubkey === order.customer)]!;
      const answers = this.#heard.get(`${name} ${order.customer_order_id}`) ?? [];
      assert(answers.length > 0, `${name} ${order.customer_order_id}: silence`);
      const told = answers.some((answer) => answer.type === 2 && answer.paid);
      assertEquals(told, order.received_msat > 0, `${name} ${order.customer_order_id}: ${payment}`);
    }
    for (const product of PRODUCTS) assertEquals((await shop.stock(product)).held, 0);
  }

  async #listen(): Promise<void> {
    for (const [i, customer] of this.#customers.entries()) {
      for (const answer of await customer.hears()) {
        const key = `${NAMES[i]} ${answer.id}`;
        this.#heard.set(key, [...(this.#heard.get(key) ?? []), answer]);
      }
    }
  }
}
