import { MedusaError } from "../../src/medusa/medusa_error.ts";
import type { MedusaClient } from "../../src/medusa/client.ts";

interface Line {
  id: string;
  variant_id: string;
  quantity: number;
  detail: { fulfilled_quantity: number; shipped_quantity: number; delivered_quantity: number };
}

interface Order {
  id: string;
  status: string;
  is_draft_order: boolean;
  email: string;
  total: number;
  metadata: unknown;
  shipping_address: unknown;
  items: Line[];
  payment_collections: {
    id: string;
    status: string;
    amount: number;
    payments: { id: string; captures: { amount: number }[]; refunds: { amount: number }[] }[];
  }[];
  fulfillments: {
    id: string;
    items: { id: string; quantity: number }[];
    shipped_at: string | null;
    delivered_at: string | null;
    canceled_at: string | null;
    metadata: Record<string, unknown>;
    labels: { tracking_number: string }[];
  }[];
}

/** What happens to the n-th call, from 1: it isn't carried out, or it is and nobody hears of it. */
export type Fate = "not sent" | "answer lost" | undefined;

const NOW = "2026-01-01T00:00:00.000Z";

/**
 * What Medusa 2.21.2 does with orders, as measured on a real one: drafts hold nothing, converting reserves, cancelling gives back,
 * every draft asked for is another one, and a second mark-as-paid is refused. It stands for the real one only where a test cuts
 * us off between two calls many times; tests/real/medusa has the real one.
 */
export class ModelMedusa {
  readonly stock: Map<string, { stocked: number; reserved: number }>;
  readonly prices: Map<string, number>;
  readonly orders = new Map<string, Order>();
  /** Method and path of every call, ids left out. */
  readonly calls: string[] = [];
  fate: (n: number, call: string) => Fate = () => undefined;
  /** Before each call that is carried out. */
  before: (call: string) => void = () => {};
  down = false;
  /** As several processes without a common lock: nobody looks whether there is enough. */
  careless = false;
  #ids = 0;

  constructor(stock: Record<string, { units: number; price: number }>) {
    this.stock = new Map(
      Object.entries(stock).map(([id, { units }]) => [id, { stocked: units, reserved: 0 }]),
    );
    this.prices = new Map(Object.entries(stock).map(([id, { price }]) => [id, price]));
  }

  /** As the program's client, but nothing goes over a wire. */
  get client(): MedusaClient {
    type Asked = {
      schema: { parse(value: unknown): unknown };
      query?: Record<string, unknown>;
      body?: unknown;
    };
    const ask = (method: string) => (path: string, asked: Asked) =>
      Promise.resolve().then(() => asked.schema.parse(this.#ask(method, path, asked)));
    return { get: ask("GET"), post: ask("POST"), delete: ask("DELETE") } as unknown as MedusaClient;
  }

  /** What a web customer buys. */
  sellOnTheWeb(variant: string, quantity: number): boolean {
    return this.#reserve([{ variant_id: variant, quantity }]);
  }

  /** What the merchant does in Medusa's own pages. */
  fulfilOnTheirSide(id: string, how: { carrier: string; tracking: string }): void {
    const order = this.#of(id);
    this.#fulfil(order, { items: order.items, metadata: { carrier: how.carrier } });
    const labels = [{ tracking_number: how.tracking }];
    const ful = order.fulfillments.at(-1)!.id;
    this.#fulfil(order, { items: [], labels }, ful, "shipments");
  }

  deliverOnTheirSide(id: string): void {
    this.#fulfil(this.#of(id), {}, this.#of(id).fulfillments.at(-1)!.id, "mark-as-delivered");
  }

  cancelOnTheirSide(id: string): void {
    this.#cancel(this.#of(id));
  }

  /** Orders that hold or have sold goods. */
  get live(): Order[] {
    return [...this.orders.values()].filter((one) => !one.is_draft_order && one.status !== "canceled");
  }

  /** What was captured for all orders that stand. */
  get captured(): number {
    return this.live.flatMap((one) => one.payment_collections).flatMap((one) => one.payments)
      .flatMap((one) => one.captures).reduce((sum, one) => sum + one.amount, 0);
  }

  #ask(
    method: string,
    path: string,
    { query = {}, body }: { query?: Record<string, unknown>; body?: unknown },
  ): unknown {
    const call = `${method} ${path.replace(/\/(order|pay|ful)_\d+/g, "/…")}`;
    this.calls.push(call);
    const fate = this.down ? "not sent" : this.fate(this.calls.length, call);
    if (fate === "not sent") throw new MedusaError("unreachable", `${call}: nobody there`);
    this.before(call);
    const answer = this.#carryOut(method, path.split("/").slice(2), query, body as Record<string, unknown>);
    if (fate === "answer lost") throw new MedusaError("no_answer", `${call}: no answer`);
    return structuredClone(answer);
  }

  #carryOut(
    method: string,
    [what, id, then, ful, last]: string[],
    query: Record<string, unknown>,
    body: Record<string, unknown>,
  ): unknown {
    if (what === "product-variants") return this.#levels(query.id as string[]);
    if (what === "reservations") return { reservations: [{ location_id: "sloc_1" }] };
    if (what === "payments") return this.#refund(id!, Number(body.amount));
    if (what === "payment-collections") {
      return then
        ? this.#markPaid(id!, this.#of(String(body.order_id)))
        : this.#collect(this.#of(String(body.order_id)), Number(body.amount));
    }
    const drafts = what === "draft-orders";
    if (id === undefined) {
      if (method === "POST") return { draft_order: this.#draft(body) };
      const ids = query.id as string[] | undefined;
      const found = [...this.orders.values()].filter((one) =>
        one.is_draft_order === drafts && (ids ? ids.includes(one.id) : one.email.includes(String(query.q)))
      );
      return drafts ? { draft_orders: found } : { orders: found };
    }
    const order = this.#of(id);
    if (method === "DELETE") {
      if (!order.is_draft_order) throw refused("not a draft");
      this.orders.delete(id);
      return { id, deleted: true };
    }
    if (then === "convert-to-order") this.#convert(order);
    else if (then === "cancel") this.#cancel(order);
    else if (then === "complete") order.status = "completed";
    else if (then === "fulfillments") this.#fulfil(order, body, ful, last);
    else if (method === "POST") {
      const metadata = {
        ...order.metadata as Record<string, unknown>,
        ...body.metadata as Record<string, unknown>,
      };
      Object.assign(order, body, { metadata });
    }
    return { order };
  }

  #of(id: string): Order {
    const order = this.orders.get(id);
    if (!order) throw new MedusaError("not_found", `there is no order ${id}`, { status: 404 });
    return order;
  }

  #id(kind: string): string {
    return `${kind}_${++this.#ids}`;
  }

  #draft(body: Record<string, unknown>): Order {
    const lines = body.items as { variant_id: string; quantity: number }[];
    const methods = (body.shipping_methods ?? []) as { amount: string }[];
    for (const { variant_id, quantity } of lines) {
      if (this.#free(variant_id) < quantity) throw refused("no inventory");
    }
    const goods = lines.reduce((sum, line) => sum + this.prices.get(line.variant_id)! * line.quantity, 0);
    const order: Order = {
      id: this.#id("order"),
      status: "draft",
      is_draft_order: true,
      email: String(body.email),
      total: goods + methods.reduce((sum, { amount }) => sum + Number(amount), 0),
      metadata: body.metadata,
      shipping_address: body.shipping_address,
      items: lines.map(({ variant_id, quantity }) => ({
        id: this.#id("line"),
        variant_id,
        quantity,
        detail: { fulfilled_quantity: 0, shipped_quantity: 0, delivered_quantity: 0 },
      })),
      payment_collections: [],
      fulfillments: [],
    };
    this.orders.set(order.id, order);
    return order;
  }

  #free(variant: string): number {
    const { stocked, reserved } = this.stock.get(variant)!;
    return this.careless ? Infinity : stocked - reserved;
  }

  #reserve(lines: { variant_id: string; quantity: number }[]): boolean {
    if (lines.some((line) => this.#free(line.variant_id) < line.quantity)) return false;
    for (const line of lines) this.stock.get(line.variant_id)!.reserved += line.quantity;
    return true;
  }

  #convert(order: Order): void {
    if (!order.is_draft_order) throw refused("is not a draft order");
    if (!this.#reserve(order.items)) throw refused("Not enough stock available");
    Object.assign(order, { status: "pending", is_draft_order: false });
  }

  #cancel(order: Order): void {
    if (order.status === "canceled") throw refused("has been canceled");
    if (order.fulfillments.some((one) => one.canceled_at === null)) {
      throw refused("cancel the fulfillments first");
    }
    for (const line of order.items) this.stock.get(line.variant_id)!.reserved -= line.quantity;
    order.status = "canceled";
  }

  #collect(order: Order, amount: number) {
    const collection = { id: this.#id("pay"), status: "not_paid", amount, payments: [] };
    order.payment_collections.push(collection);
    return { payment_collection: collection };
  }

  #markPaid(id: string, order: Order) {
    const collection = order.payment_collections.find((one) => one.id === id)!;
    if (collection.status === "completed") throw refused("is paid already");
    collection.status = "completed";
    collection.payments.push({ id: this.#id("pay"), captures: [{ amount: collection.amount }], refunds: [] });
    return { payment_collection: collection };
  }

  /** What the merchant gives back in Medusa's own pages. */
  refundOnTheirSide(id: string, amount: number): void {
    this.#refund(this.#of(id).payment_collections[0]!.payments[0]!.id, amount);
  }

  #refund(id: string, amount: number): unknown {
    const all = [...this.orders.values()].flatMap((one) => one.payment_collections).flatMap((one) =>
      one.payments
    );
    const payment = all.find((one) => one.id === id)!;
    const sum = (some: { amount: number }[]) => some.reduce((total, one) => total + one.amount, 0);
    if (sum(payment.refunds) + amount > sum(payment.captures)) {
      throw refused("You cannot refund more than what is captured");
    }
    payment.refunds.push({ amount });
    return { payment };
  }

  #fulfil(order: Order, body: Record<string, unknown>, id?: string, what?: string): void {
    const items = (body.items ?? []) as { id: string; quantity: number }[];
    const count = (counted: { id: string; quantity: number }[], which: keyof Line["detail"]) =>
      counted.forEach((one) => order.items.find((line) => line.id === one.id)!.detail[which] += one.quantity);
    if (id === undefined) {
      for (const { id, quantity } of items) {
        const level = this.stock.get(order.items.find((line) => line.id === id)!.variant_id)!;
        level.stocked -= quantity;
        level.reserved -= quantity;
      }
      count(items, "fulfilled_quantity");
      const none = { shipped_at: null, delivered_at: null, canceled_at: null, labels: [] };
      const metadata = (body.metadata ?? {}) as Record<string, unknown>;
      order.fulfillments.push({ id: this.#id("ful"), items, ...none, metadata });
      return;
    }
    const one = order.fulfillments.find((each) => each.id === id)!;
    if (what === "shipments") {
      one.shipped_at = NOW;
      one.labels = body.labels as typeof one.labels;
      count(one.items, "shipped_quantity");
    } else {
      one.delivered_at = NOW;
      count(one.items, "delivered_quantity");
    }
  }

  #levels(ids: string[]) {
    return {
      variants: ids.map((id) => {
        const { stocked, reserved } = this.stock.get(id)!;
        const location_levels = [{ stocked_quantity: stocked, reserved_quantity: reserved }];
        return { id, allow_backorder: false, inventory_items: [{ inventory: { location_levels } }] };
      }),
    };
  }
}

function refused(message: string): MedusaError {
  return new MedusaError("refused", message, { type: "not_allowed", status: 400 });
}
