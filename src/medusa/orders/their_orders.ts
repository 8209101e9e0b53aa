import { z } from "zod";
import type { MedusaClient } from "../client.ts";
import { MedusaError } from "../medusa_error.ts";
import { type MedusaOrder, medusaOrder, ORDER_FIELDS } from "./medusa_order.ts";

const asOrder = z.object({ order: medusaOrder });
const asDraft = z.object({ draft_order: medusaOrder });
const orders = z.object({ orders: z.array(medusaOrder) });
const drafts = z.object({ draft_orders: z.array(medusaOrder) });
const anything = z.unknown();
const collection = z.object({ payment_collection: z.object({ id: z.string() }) });
const reservations = z.object({ reservations: z.array(z.object({ location_id: z.string().nullish() })) });
const levels = z.object({
  variants: z.array(z.object({
    allow_backorder: z.boolean().nullish(),
    inventory_items: z.array(z.object({
      inventory: z.object({
        location_levels: z.array(z.object({ stocked_quantity: z.number(), reserved_quantity: z.number() }))
          .nullish(),
      }).nullish(),
    })).nullish(),
  })),
});

/** Medusa lists no more of them at once than this by an address that only one has. */
const FEW = 20;
const fields = { fields: ORDER_FIELDS };

/** The calls that an order of ours needs; each answers the order as it is then. They throw MedusaErrors. */
export class TheirOrders {
  readonly #client: MedusaClient;

  constructor(client: MedusaClient) {
    this.#client = client;
  }

  /** Null: there is none. */
  async get(id: string, signal: AbortSignal): Promise<MedusaOrder | null> {
    try {
      const query = { schema: asOrder, priority: "order", signal, query: fields } as const;
      return (await this.#client.get(`/admin/orders/${id}`, query)).order;
    } catch (error) {
      if (error instanceof MedusaError && error.kind === "not_found") return null;
      throw error;
    }
  }

  /** All that have this address, drafts last. */
  async find(email: string, signal: AbortSignal): Promise<MedusaOrder[]> {
    const query = { q: email, limit: FEW, ...fields };
    const asked = { priority: "order", signal, query } as const;
    const found = [
      ...(await this.#client.get("/admin/orders", { ...asked, schema: orders })).orders,
      ...(await this.#client.get("/admin/draft-orders", { ...asked, schema: drafts })).draft_orders
        .map((order) => ({ ...order, status: "draft" })),
    ];
    return found.filter((one) => one.email === email);
  }

  /** Those of these ids that there are. */
  async list(ids: readonly string[], signal: AbortSignal): Promise<MedusaOrder[]> {
    const query = { id: ids, limit: ids.length, ...fields };
    return (await this.#client.get("/admin/orders", { schema: orders, priority: "catalogue", signal, query }))
      .orders;
  }

  async draft(body: Record<string, unknown>, signal: AbortSignal): Promise<MedusaOrder> {
    const asked = { schema: asDraft, priority: "order", signal, query: fields, body } as const;
    return { ...(await this.#client.post("/admin/draft-orders", asked)).draft_order, status: "draft" };
  }

  async discard(id: string, signal: AbortSignal): Promise<void> {
    await this.#client.delete(`/admin/draft-orders/${id}`, { schema: anything, priority: "order", signal });
  }

  convert(id: string, signal: AbortSignal): Promise<MedusaOrder> {
    return this.#post(`/admin/draft-orders/${id}/convert-to-order`, {}, signal);
  }

  cancel(id: string, signal: AbortSignal): Promise<MedusaOrder> {
    return this.#post(`/admin/orders/${id}/cancel`, undefined, signal);
  }

  correct(id: string, body: Record<string, unknown>, signal: AbortSignal): Promise<MedusaOrder> {
    return this.#post(`/admin/orders/${id}`, body, signal);
  }

  /** Begins a collection of all that the order comes to, and answers its id. */
  async collect({ id, total }: MedusaOrder, signal: AbortSignal): Promise<string> {
    const body = { order_id: id, amount: Number(total) };
    const asked = { schema: collection, priority: "order", signal, body } as const;
    return (await this.#client.post("/admin/payment-collections", asked)).payment_collection.id;
  }

  /** Four at once would be four payments: whoever calls this is the only one for this order. */
  async markPaid(id: string, collectionId: string, signal: AbortSignal): Promise<void> {
    const asked = { schema: anything, priority: "order", signal, body: { order_id: id } } as const;
    await this.#client.post(`/admin/payment-collections/${collectionId}/mark-as-paid`, asked);
  }

  /** Notes that so much of a payment has gone back. Not to be called twice: Medusa adds them up. */
  async refund(paymentId: string, amount: number, signal: AbortSignal): Promise<void> {
    const asked = { schema: anything, priority: "order", signal, body: { amount, note: "ncc" } } as const;
    await this.#client.post(`/admin/payments/${paymentId}/refund`, asked);
  }

  /** What isn't in a fulfilment yet, from where it was reserved. */
  async fulfil(
    { id, items }: MedusaOrder,
    carrier: string | null,
    signal: AbortSignal,
  ): Promise<MedusaOrder> {
    const open = items.filter((item) => item.fulfilled < item.quantity);
    const query = { line_item_id: open.map((item) => item.id), limit: open.length };
    const held = await this.#client.get("/admin/reservations", {
      schema: reservations,
      priority: "order",
      signal,
      query,
    });
    const location = held.reservations.find((one) => one.location_id)?.location_id;
    return await this.#post(`/admin/orders/${id}/fulfillments`, {
      items: open.map((item) => ({ id: item.id, quantity: item.quantity - item.fulfilled })),
      ...(location && { location_id: location }),
      no_notification: true,
      // Medusa has no field for it, and keeps what is said here only when a fulfilment is made.
      ...(carrier !== null && { metadata: { carrier } }),
    }, signal);
  }

  ship(
    { id, items }: MedusaOrder,
    fulfilment: string,
    tracking: string | null,
    signal: AbortSignal,
  ): Promise<MedusaOrder> {
    return this.#post(`/admin/orders/${id}/fulfillments/${fulfilment}/shipments`, {
      items: items.map((item) => ({ id: item.id, quantity: item.quantity - item.shipped })),
      labels: tracking === null ? [] : [{ tracking_number: tracking, tracking_url: "", label_url: "" }],
      no_notification: true,
    }, signal);
  }

  deliver(id: string, fulfilment: string, signal: AbortSignal): Promise<MedusaOrder> {
    return this.#post(`/admin/orders/${id}/fulfillments/${fulfilment}/mark-as-delivered`, {
      no_notification: true,
    }, signal);
  }

  complete(id: string, signal: AbortSignal): Promise<MedusaOrder> {
    return this.#post(`/admin/orders/${id}/complete`, {}, signal);
  }

  /**
   * Whether Medusa has sold more of these variants than there is, or has one of them no more. Its lock is of one process, so several of
   * them can; so can one with two lines of the same goods; and what was deleted between draft and order is ordered all the same.
   */
  async oversold(variants: readonly string[], signal: AbortSignal): Promise<boolean> {
    const query = {
      id: variants,
      limit: variants.length,
      fields: "id,allow_backorder,*inventory_items,*inventory_items.inventory.location_levels",
    };
    const read = await this.#client.get("/admin/product-variants", {
      schema: levels,
      priority: "order",
      signal,
      query,
    });
    return read.variants.length < variants.length ||
      read.variants.some((variant) =>
        variant.allow_backorder !== true &&
        (variant.inventory_items ?? []).some(({ inventory }) =>
          (inventory?.location_levels ?? []).some((one) => one.reserved_quantity > one.stocked_quantity)
        )
      );
  }

  async #post(path: string, body: unknown, signal: AbortSignal): Promise<MedusaOrder> {
    const asked = {
      schema: asOrder,
      priority: "order",
      signal,
      query: fields,
      ...(body !== undefined && { body }),
    } as const;
    return (await this.#client.post(path, asked)).order;
  }
}
