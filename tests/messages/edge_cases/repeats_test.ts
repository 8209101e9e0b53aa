import { assertEquals } from "@std/assert";
import { changeStock } from "../../../src/catalog/products.ts";
import type { Answer, Customer, OrderJson } from "../../support/customer.ts";
import { orderJson } from "../../support/customer.ts";
import type { OrderRow } from "../../../src/orders/orders_store.ts";
import type { OrderEvent } from "../../../src/orders/types.ts";
import { checkBooks } from "../../support/books.ts";
import { Shop } from "../../support/shop.ts";

/** One customer's order on its way to a situation of its life. */
class Story {
  constructor(readonly shop: Shop, readonly customer: Customer, readonly order: OrderJson) {}

  async row(): Promise<OrderRow> {
    return (await this.shop.orders()).find((order) => order.customer === this.customer.pubkey)!;
  }

  orders(more: OrderJson = {}): Promise<Answer[]> {
    return this.customer.says({ ...this.order, ...more });
  }

  async happens(...events: OrderEvent[]): Promise<void> {
    for (const event of events) await this.shop.happens(await this.row(), event);
  }

  /** Orders and pays this part of it. */
  async pays(times = 1): Promise<void> {
    const [request] = await this.orders();
    const amountMsat = BigInt(Math.round(request!.payment_options![0]!.amount_sats * 1000 * times));
    await this.customer.pays(request!, { amountMsat });
  }
}

const cancelled: OrderEvent = { type: "merchantCancelled", reason: "The kiln broke" };
const shipped: OrderEvent = { type: "shipped", carrier: null, tracking: null };

/** How an order gets into each situation of its life (tests/orders/samples.ts has the same names). */
const situations: Record<string, (story: Story) => Promise<void>> = {
  async quoting(story) {
    story.shop.wallet.faults.always("createInvoice", { do: "lose" });
    await story.customer.writes(story.order);
    await story.shop.inbox.settled();
  },
  awaiting: async (story) => void await story.orders(),
  "awaiting rest": (story) => story.pays(0.4),
  async held(story) {
    await story.orders();
    await story.happens({ type: "paymentHeld" });
  },
  async expired(story) {
    await story.orders();
    await story.shop.pass(900_001);
  },
  async cancelled(story) {
    await story.orders();
    await story.happens(cancelled);
  },
  rejected: async (story) => void await story.orders({ items: [{ product_id: "moon", quantity: 1 }] }),
  async failed(story) {
    story.shop.walletThere = false;
    await story.orders();
    story.shop.walletThere = true;
  },
  paid: (story) => story.pays(),
  async "paid shipped"(story) {
    await story.pays();
    await story.happens(shipped);
  },
  async "paid delivered"(story) {
    await story.pays();
    await story.happens(shipped, { type: "delivered" });
  },
  overpaid: (story) => story.pays(2),
  async "paid twice"(story) {
    const [first] = await story.orders();
    const [second] = await story.orders({ items: [{ product_id: "cup", quantity: 2 }] });
    await story.customer.pays(second!);
    await story.customer.pays(first!);
  },
  async "refund due"(story) {
    await story.pays();
    await story.happens(cancelled);
  },
  async refunded(story) {
    await story.pays();
    await story.happens(cancelled);
    // How money goes back is told elsewhere.
    await story.shop.database.transaction((tx) =>
      tx.updateTable("orders").set({ payment: "refunded" }).where("customer", "=", story.customer.pubkey)
        .execute()
    );
  },
};

/** What customers then say about the same order. */
const asks: Record<string, (order: OrderJson) => unknown> = {
  repeat: (order) => order,
  change: (order) => ({ ...order, items: [{ product_id: "cup", quantity: 3 }] }),
  "wrong change": (order) => ({ ...order, items: [{ product_id: "cup", quantity: 0 }] }),
  cancel: ({ id }) => ({ id, type: 3, status: "cancelled" }),
  claim: ({ id }) => `✅ PAYMENT RECEIVED\n\nOrder #${id} has been paid!`,
};

/**
 * The answers: `pay` is type 1 with an invoice of so many sats, `no` type 1 without options, a word alone type 2 with that
 * status; `*` where the order is refused or cancelled, so that clients which name the stall get a type 2 as well.
 * Nothing: the answer that is on its way anyway (the invoice), or a claim, which is never answered.
 */
const expected: Record<string, Record<string, string>> = {
  quoting: { repeat: "", change: "", "wrong change": "no", cancel: "no*" },
  awaiting: { repeat: "pay 100", change: "pay 300", "wrong change": "no", cancel: "no*" },
  "awaiting rest": { repeat: "pay 60", change: "no", "wrong change": "no", cancel: "processing paid" },
  held: { repeat: "no", change: "no", "wrong change": "no", cancel: "no*" },
  expired: { repeat: "no*", change: "no*", "wrong change": "no*", cancel: "no*" },
  cancelled: { repeat: "no*", change: "no*", "wrong change": "no*", cancel: "no*" },
  rejected: { repeat: "pay 100", change: "pay 300", "wrong change": "no*", cancel: "no*" },
  failed: { repeat: "pay 100", change: "pay 300", "wrong change": "no*", cancel: "no*" },
  paid: every("processing paid"),
  "paid shipped": every("processing paid shipped"),
  "paid delivered": every("completed paid shipped"),
  overpaid: every("processing paid"),
  "paid twice": every("processing paid"),
  "refund due": every("processing paid"),
  refunded: every("refunded"),
};

function every(answer: string): Record<string, string> {
  return { repeat: answer, change: answer, "wrong change": answer, cancel: answer };
}

const shapes = [
  { name: "LNbits' shape in NIP-04", envelope: "nip04", more: {}, failed: null },
  {
    name: "stall_id in NIP-17",
    envelope: "nip17",
    more: { stall_id: "tea" },
    failed: ["failed", "cancelled"],
  },
  {
    name: "stallId in NIP-04",
    envelope: "nip04",
    more: { stallId: "tea" },
    failed: ["cancelled", "cancelled"],
  },
] as const;

for (const shape of shapes) {
  Deno.test(`#2 #3 #34 a repeat, a change, a cancellation and a claim in every situation: ${shape.name}`, async () => {
    for (const [situation, arrive] of Object.entries(situations)) {
      await using shop = await Shop.open();
      await restock(shop, 1_000);
      for (const [ask, say] of Object.entries(asks)) {
        const customer = shop.customer(ask, shape.envelope);
        const story = new Story(shop, customer, { ...orderJson({ id: "mq4t8z1k" }), ...shape.more });
        await arrive(story);
        await customer.hears();
        // The same rumor of the same second would be the same message.
        const at = Math.floor(shop.clock.now() / 1000) + 1;
        await customer.writes(say(story.order), { at });
        if (situation === "quoting") await shop.inbox.settled();
        else await shop.settle();
        await untilSent(shop);
        const answers = (await customer.hears()).map(short);
        assertEquals(answers, answersTo(situation, ask, shape.failed), `${situation}: ${ask}`);
        shop.wallet.faults.always("createInvoice", null);
        if (situation === "quoting") await lateInvoice(shop);
      }
      if (!["held", "refunded"].includes(situation)) await checkBooks(shop);
    }
  });
}

function answersTo(situation: string, ask: string, failed: readonly [string, string] | null): string[] {
  const answer = expected[situation]![ask] ?? "";
  if (answer === "") return [];
  if (!answer.endsWith("*")) return [spoken(answer, failed)];
  const ends = ask === "cancel" && !["rejected", "failed"].includes(situation) ||
    ["expired", "cancelled"].includes(situation);
  return ["no", ...(failed ? [failed[ends ? 1 : 0]] : [])];
}

/** plebeian.market has words of its own for a paid order. */
function spoken(answer: string, failed: readonly [string, string] | null): string {
  if (failed?.[0] !== "cancelled") return answer;
  return answer.replace(/^processing (paid shipped)/, "shipped $1").replace(/^processing/, "confirmed")
    .replace(/^refunded/, "cancelled");
}

function short(answer: Answer): string {
  if (answer.type === 1) {
    const [option] = answer.payment_options!;
    return option ? `pay ${option.amount_sats}` : "no";
  }
  return `${answer.status}${answer.paid ? " paid" : ""}${answer.shipped ? " shipped" : ""}`;
}

async function restock(shop: Shop, quantity: number): Promise<void> {
  const o = { merchant: shop.merchant, id: "cup", change: { set: quantity }, now: shop.clock.now() };
  await shop.database.transaction((tx) => changeStock(tx, o));
}

/** The question that the wallet lost runs out, and the next one is answered. */
async function lateInvoice(shop: Shop): Promise<void> {
  await shop.sleeps(9_000);
  await shop.clock.advance(1_000);
  await shop.settle();
}

/** Waits for the answers alone: while an invoice is being made not everything can be done. */
async function untilSent(shop: Shop): Promise<void> {
  for (let i = 0; i < 500; i++) {
    const rows = await shop.database.kysely.selectFrom("jobs").select("id").where("kind", "=", "reply.send")
      .where("state", "!=", "dead").execute();
    if (rows.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error("answers wait");
}
