import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { accept } from "../../src/orders/accept.ts";
import type { DemoFault } from "../../src/payments/demo_faults.ts";
import { checkBooks } from "../support/books.ts";
import { type Customer, orderJson } from "../support/customer.ts";
import { Shop } from "../support/shop.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

type Call = "createInvoice" | "lookup" | "listIncoming";
const lies = (truth: unknown): DemoFault => ({ do: "lie", say: () => truth });
const faults: Record<string, [Call, DemoFault]> = {
  lostInvoice: ["createInvoice", { do: "lose" }],
  lateInvoice: ["createInvoice", { do: "delay", ms: 9 * SECOND }],
  slowInvoice: ["createInvoice", { do: "delay", ms: 3 * SECOND }],
  noInvoice: ["createInvoice", { do: "fail", kind: "refused" }],
  wrongInvoice: ["createInvoice", lies({ bolt11: "lnbcrt1", paymentHash: null })],
  deaf: ["lookup", { do: "fail", kind: "no_answer" }],
  slow: ["lookup", { do: "delay", ms: 12 * SECOND }],
  notFound: ["lookup", lies({ status: "not_found" })],
  open: ["lookup", lies({ status: "open" })],
  nothing: ["lookup", lies({ status: "settled", amountMsat: 0n, settledAt: 1 })],
  noList: ["listIncoming", { do: "fail", kind: "busy" }],
};
const AMOUNTS = { full: [1n, 1n], half: [1n, 2n], twice: [2n, 1n] } as const;

type Step =
  | { do: "order"; who: number; quantity: number }
  | { do: "pay"; which: number; amount: keyof typeof AMOUNTS; silently: boolean }
  | { do: "hint"; which: number }
  | { do: "fault"; fault: string; times: number }
  | { do: "down"; is: boolean }
  | { do: "decide"; which: number; accept: boolean }
  | { do: "pass"; ms: number };

function record<T extends Step>(weight: number, o: { [K in keyof T]: fc.Arbitrary<T[K]> }) {
  const arbitrary: fc.Arbitrary<unknown> = fc.record(o);
  return { weight, arbitrary: arbitrary as fc.Arbitrary<Step> };
}
const just = <T>(value: T) => fc.constant(value);
const step: fc.Arbitrary<Step> = fc.oneof(
  record<Extract<Step, { do: "order" }>>(5, {
    do: just("order"),
    who: fc.nat(1),
    quantity: fc.integer({ min: 1, max: 2 }),
  }),
  record<Extract<Step, { do: "pay" }>>(5, {
    do: just("pay"),
    which: fc.nat(9),
    amount: fc.constantFrom("full", "full", "half", "twice"),
    silently: fc.boolean(),
  }),
  record<Extract<Step, { do: "fault" }>>(5, {
    do: just("fault"),
    fault: fc.constantFrom(...Object.keys(faults)),
    times: fc.integer({ min: 1, max: 3 }),
  }),
  record<Extract<Step, { do: "pass" }>>(5, {
    do: just("pass"),
    ms: fc.constantFrom(2 * SECOND, 9 * SECOND, 30 * SECOND, 16 * MINUTE, 61 * MINUTE),
  }),
  record<Extract<Step, { do: "hint" }>>(1, { do: just("hint"), which: fc.nat(9) }),
  record<Extract<Step, { do: "down" }>>(2, { do: just("down"), is: fc.boolean() }),
  record<Extract<Step, { do: "decide" }>>(2, { do: just("decide"), which: fc.nat(3), accept: fc.boolean() }),
);

/** What chance seldom brings: the wallet says that money came for an invoice that nobody has seen. */
const lostAndPaid: Step[] = [
  { do: "fault", fault: "lostInvoice", times: 1 },
  { do: "order", who: 0, quantity: 1 },
  { do: "pass", ms: 9 * SECOND },
  { do: "pay", which: 0, amount: "full", silently: false },
];

Deno.test("whatever a wallet loses, delays and makes up: every msat that it settled is booked once, and nobody gets two bills", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 14 }), async (story) => {
      await using shop = await Shop.open();
      const world = new World(shop);
      for (const each of story) {
        await world.happens(each);
        await world.check();
      }
      await world.ends();
    }),
    { numRuns: 10, examples: [[lostAndPaid]] },
  );
});

/** A bill as it reached a customer. */
interface Bill {
  link: string;
  /** What the order was when it came: another bill is another version's, or for the rest of a payment. */
  version: string;
}

class World {
  readonly #shop: Shop;
  readonly #customers: Customer[];
  readonly #bills = new Map<string, Bill[]>();

  constructor(shop: Shop) {
    this.#shop = shop;
    this.#customers = ["alice", "bob"].map((name) => shop.customer(name));
  }

  async happens(step: Step): Promise<void> {
    const shop = this.#shop;
    switch (step.do) {
      case "order":
        await this.#customers[step.who]!.writes(
          orderJson({ items: [{ product_id: "cup", quantity: step.quantity }] }),
        );
        await shop.inbox.settled();
        return await this.#passes(SECOND);
      case "pay": {
        const [times, by] = AMOUNTS[step.amount];
        const invoices = (await shop.wallet.invoices()).filter((one) => one.settled === null);
        const invoice = invoices[step.which % (invoices.length || 1)];
        if (!invoice) return;
        const amountMsat = invoice.amountMsat * times / by;
        await shop.wallet.settle(invoice.bolt11, { late: true, amountMsat, silently: step.silently });
        return await this.#passes(SECOND);
      }
      case "hint": {
        const all = await shop.wallet.invoices();
        shop.wallet.hint({ paymentHash: all[step.which]?.paymentHash ?? "00".repeat(32) });
        return await this.#passes(SECOND);
      }
      case "fault": {
        const [call, fault] = faults[step.fault]!;
        return shop.wallet.faults.next(call, ...Array.from({ length: step.times }, () => fault));
      }
      case "down":
        return this.#down(step.is);
      case "decide": {
        const orders = await shop.orders();
        const order = orders[step.which % (orders.length || 1)];
        if (!order) return;
        if (step.accept) {
          await shop.database.transaction((tx) => accept(tx, order.id, shop.clock.now()));
        } else await shop.happensLater(order, { type: "merchantCancelled", reason: "The kiln broke" });
        return await this.#passes(SECOND);
      }
      case "pass":
        return await this.#passes(step.ms);
    }
  }

  /** What holds at any moment. */
  async check(): Promise<void> {
    const db = this.#shop.database.kysely;
    const payments = await db.selectFrom("payments").selectAll().execute();
    const settled = new Map(
      (await this.#shop.wallet.invoices()).map((one) => [one.paymentHash, one.settled?.amountMsat]),
    );
    for (const one of payments) {
      assertEquals(settled.get(one.payment_hash), BigInt(one.amount_msat), "booked and not settled");
    }
    const invoices = await db.selectFrom("invoices").selectAll().execute();
    for (const order of await this.#shop.orders()) {
      const theirs = payments.filter((one) => one.order_id === order.id);
      assertEquals(order.received_msat, theirs.reduce((sum, one) => sum + one.amount_msat, 0));
      const open = invoices.filter((one) => one.order_id === order.id && one.state === "open");
      assert(open.length <= 1, `${open.length} open invoices`);
    }
    await this.#listen();
  }

  /** The wallet comes to its senses, and time goes by. */
  async ends(): Promise<void> {
    const shop = this.#shop;
    this.#down(false);
    for (const call of ["createInvoice", "lookup", "listIncoming"] as const) {
      while (shop.wallet.faults.take(call));
    }
    for (let n = 0; n < 3; n++) await this.#passes(17 * MINUTE);
    for (let n = 0; n < 2; n++) await this.#passes(25 * HOUR);
    await this.#passes(10 * SECOND);
    await shop.settle();
    await this.check();
    await checkBooks(shop);
    for (const order of await shop.orders()) {
      assert(!["quoting", "awaiting", "held"].includes(order.payment), `it is still ${order.payment}`);
    }
    assertEquals((await shop.stock()).held, 0);
  }

  #down(is: boolean): void {
    const fault = is ? { do: "fail", kind: "unreachable" } as const : null;
    for (const call of ["probe", "createInvoice", "lookup", "listIncoming"] as const) {
      this.#shop.wallet.faults.always(call, fault);
    }
  }

  async #passes(ms: number): Promise<void> {
    const stepMs = Math.max(500, ms / 4);
    for (let passed = 0; passed < ms; passed += stepMs) {
      await this.#shop.sleeps(stepMs);
      await this.#listen();
    }
  }

  /** Notes the bills that came, and that no customer has two for the same. */
  async #listen(): Promise<void> {
    for (const customer of this.#customers) {
      for (const answer of await customer.hears()) {
        const [bill] = answer.payment_options ?? [];
        const link = bill?.link;
        if (!link) continue;
        const order = (await this.#shop.orders()).find((one) => one.customer === customer.pubkey)!;
        // What the bill itself asks for: the order may have gone on before it is read.
        const version = `${order.revision} ${(bill as { amount_sats?: number }).amount_sats}`;
        const bills = this.#bills.get(customer.pubkey) ?? [];
        const other = bills.find((one) => one.version === version && one.link !== link);
        assert(!other, `two bills for the same: ${version}`);
        this.#bills.set(customer.pubkey, [...bills, { link, version }]);
      }
    }
  }
}
