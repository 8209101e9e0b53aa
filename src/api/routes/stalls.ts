import { z } from "@hono/zod-openapi";
import { stallInput } from "../../catalog/stall_input.ts";
import { createStall, deleteStall, getStall, listStalls, updateStall } from "../../catalog/stalls.ts";
import { addList } from "../list.ts";
import { newApi } from "../new_api.ts";
import type { ApiParts } from "../context.ts";
import { theMerchant } from "./the_merchant.ts";
import { hexKey, idParam, json, merchantQuery, operation, refused, time } from "./describe.ts";

const stallSchema = z.object({
  id: z.string(),
  merchant: hexKey,
  name: z.string(),
  description: z.string(),
  currency: z.string(),
  shipping: z.array(z.object({
    id: z.string(),
    name: z.string(),
    cost: z.number(),
    regions: z.array(z.string()),
    countries: z.array(z.string()),
  })),
  event_id: z.string().nullable(),
  published_at: time.nullable(),
  created_at: time,
  updated_at: time,
}).openapi("Stall");

const tag = "stalls";

/** NIP-15 stalls: changes publish by themselves. */
export function stallRoutes({ database, clock, random, merchants }: ApiParts) {
  const api = newApi();
  addList(api, {
    path: "/stalls",
    id: "listStalls",
    summary: "Stalls, newest first",
    tag,
    scope: "catalog:read",
    reach: "named",
    filter: {},
    item: stallSchema,
    name: "Stalls",
    key: ["int", "text", "text"],
    read: (filter, slice) => listStalls(database.kysely, filter, slice),
    place: ({ created_at, id, merchant }) => [Date.parse(created_at), id, merchant],
    show: (stalls) => stalls,
  });
  api.openapi(
    operation({
      method: "post",
      path: "/stalls",
      id: "createStall",
      summary: "Make a stall and publish it",
      tag,
      scope: "catalog:write",
      reach: "named",
      request: json(stallInput),
      answer: stallSchema,
      status: 201,
    }),
    async (c) => {
      const input = c.req.valid("json");
      const merchant = theMerchant(c.get("access"), merchants, input.merchant);
      const made = await database.transaction((tx) =>
        createStall(tx, { merchant, input, now: clock.now(), random })
      );
      if (!made.ok) throw refused(made);
      return c.json(made.stall, 201);
    },
  );
  api.openapi(
    operation({
      method: "get",
      path: "/stalls/{id}",
      id: "getStall",
      summary: "One stall",
      tag,
      scope: "catalog:read",
      reach: "named",
      request: { params: idParam, query: merchantQuery },
      answer: stallSchema,
      status: 200,
    }),
    async (c) => {
      const found = await one(c.req.valid("param").id, c.req.valid("query").merchant);
      return c.json(found, 200);
    },
  );
  api.openapi(
    operation({
      method: "put",
      path: "/stalls/{id}",
      id: "replaceStall",
      summary: "Replace a stall and publish it",
      tag,
      scope: "catalog:write",
      reach: "named",
      request: { params: idParam, query: merchantQuery, ...json(stallInput) },
      answer: stallSchema,
      status: 200,
    }),
    async (c) => {
      const { id, merchant } = await one(c.req.valid("param").id, c.req.valid("query").merchant);
      const input = c.req.valid("json");
      const done = await database.transaction((tx) =>
        updateStall(tx, { merchant, id, input, now: clock.now(), random })
      );
      if (!done.ok) throw refused(done);
      return c.json(done.stall, 200);
    },
  );
  api.openapi(
    operation({
      method: "delete",
      path: "/stalls/{id}",
      id: "deleteStall",
      summary: "Delete a stall and its products, also on the relays",
      tag,
      scope: "catalog:write",
      reach: "named",
      request: { params: idParam, query: merchantQuery },
      answer: z.object({ id: z.string(), deleted: z.literal(true) }),
      status: 200,
    }),
    async (c) => {
      const { id, merchant } = await one(c.req.valid("param").id, c.req.valid("query").merchant);
      const done = await database.transaction((tx) => deleteStall(tx, { merchant, id, now: clock.now() }));
      if (!done.ok) throw refused(done);
      return c.json({ id, deleted: true as const }, 200);
    },
  );
  return api;

  async function one(id: string, merchant: string | undefined) {
    const found = await getStall(database.kysely, { id, ...(merchant !== undefined && { merchant }) });
    if (!found.ok) throw refused(found);
    return found.stall;
  }
}
