import { z } from "@hono/zod-openapi";
import { fulfilmentStates, paymentStates } from "../../db/tables.ts";
import { accept } from "../../orders/accept.ts";
import { type Applied, apply } from "../../orders/apply.ts";
import { findOrder, listOrders, type OrderRow } from "../../orders/orders_store.ts";
import { resend } from "../../orders/resend.ts";
import type { OrderEvent } from "../../orders/types.ts";
import { orderStory } from "../../reports/order_story.ts";
import type { ApiParts } from "../context.ts";
import { addList } from "../list.ts";
import { newApi } from "../new_api.ts";
import { pageOf, whole } from "../page.ts";
import { Problem } from "../problem.ts";
import { hexKey, idParam, json, notFound, operation } from "./describe.ts";
import { orderResources, orderSchema } from "./order_resource.ts";
import { timelineEntry, timelineJson } from "./order_timeline.ts";

const tag = "orders";
const short = z.string().trim().min(1).max(200);

/** Orders: looked at, sent on their way, cancelled. What an order's state doesn't allow is refused with 409. */
export function orderRoutes({ database, clock }: ApiParts) {
  const api = newApi();
  addList(api, {
    path: "/orders",
    id: "listOrders",
    summary: "Orders, newest first",
    tag,
    scope: "orders:read",
    reach: "named",
    filter: {
      customer: hexKey.optional(),
      payment: z.enum(paymentStates).optional(),
      fulfilment: z.enum(fulfilmentStates).optional(),
    },
    item: orderSchema,
    name: "Orders",
    key: ["int", "text"],
    read: (filter, slice) => listOrders(database.kysely, filter, slice),
    place: ({ created_at, id }) => [created_at, id],
    show: (rows) => orderResources(database.kysely, rows),
  });
  api.openapi(
    operation({
      method: "get",
      path: "/orders/{id}",
      id: "getOrder",
      summary: "One order",
      tag,
      scope: "orders:read",
      reach: "order",
      request: { params: idParam },
      answer: orderSchema,
      status: 200,
    }),
    async (c) => c.json(await shown(await one(c.req.valid("param").id)), 200),
  );
  api.openapi(
    operation({
      method: "get",
      path: "/orders/{id}/timeline",
      id: "getOrderTimeline",
      summary: "Everything that happened to an order, in order and in plain words",
      tag,
      scope: "orders:read",
      reach: "order",
      request: { params: idParam },
      answer: pageOf(timelineEntry, "Timeline"),
      status: 200,
    }),
    async (c) => {
      const order = await one(c.req.valid("param").id);
      const story = await orderStory(database.kysely, order);
      return c.json(whole(story.map(timelineJson)), 200);
    },
  );
  action(
    "ship",
    "Tell the customer that it is on its way",
    z.strictObject({ carrier: short.optional(), tracking: short.optional() }),
    (body) => ({ type: "shipped", carrier: body.carrier ?? null, tracking: body.tracking ?? null }),
  );
  action("deliver", "It has arrived", z.strictObject({}), () => ({ type: "delivered" }));
  action(
    "cancel",
    "Cancel and tell the customer why",
    z.strictObject({ reason: short }),
    (body) => ({ type: "merchantCancelled", reason: body.reason }),
  );
  api.openapi(
    operation({
      method: "post",
      path: "/orders/{id}/accept",
      id: "acceptOrder",
      summary:
        "Take what has been paid as enough, or keep an excess as the customer's credit: nothing goes back",
      tag,
      scope: "orders:write",
      reach: "order",
      request: { params: idParam, ...json(z.strictObject({})) },
      answer: orderSchema,
      status: 200,
    }),
    async (c) => {
      const { id } = await one(c.req.valid("param").id);
      return c.json(await done(await database.transaction((tx) => accept(tx, id, clock.now()))), 200);
    },
  );
  api.openapi(
    operation({
      method: "post",
      path: "/orders/{id}/resend",
      id: "resendOrder",
      summary: "Send the customer the present state again: the open payment request, or the status",
      tag,
      scope: "orders:write",
      reach: "order",
      request: { params: idParam, ...json(z.strictObject({})) },
      answer: orderSchema,
      status: 200,
    }),
    async (c) => {
      const { id, payment } = await one(c.req.valid("param").id);
      if (payment === "quoting" || payment === "held") {
        const detail = payment === "quoting"
          ? "There is no invoice yet. The customer gets it by itself as soon as there is one."
          : "The customer's payment is on hold: there is nothing to send.";
        throw new Problem(409, "wrong_state", detail);
      }
      return c.json(await shown(await database.transaction((tx) => resend(tx, id, clock.now()))), 200);
    },
  );
  return api;

  function action<T>(
    verb: string,
    summary: string,
    body: z.ZodType<T>,
    event: (body: T) => OrderEvent,
  ): void {
    api.openapi(
      operation({
        method: "post",
        path: `/orders/{id}/${verb}` as "/orders/{id}/verb",
        id: `${verb}Order`,
        summary,
        tag,
        scope: "orders:write",
        reach: "order",
        request: { params: idParam, ...json(body as z.ZodType) },
        answer: orderSchema,
        status: 200,
      }),
      async (c) => {
        const { id } = await one(c.req.valid("param").id);
        const input = c.req.valid("json") as T;
        return c.json(
          await done(await database.transaction((tx) => apply(tx, id, event(input), clock.now()))),
          200,
        );
      },
    );
  }

  async function done({ order, outcome }: Applied) {
    if (outcome.ignored) throw new Problem(409, "wrong_state", outcome.timeline);
    return await shown(order);
  }

  async function one(id: string): Promise<OrderRow> {
    const order = await findOrder(database.kysely, id);
    if (!order) throw notFound("order", id);
    return order;
  }

  async function shown(order: OrderRow) {
    return (await orderResources(database.kysely, [order]))[0]!;
  }
}
