import { z } from "@hono/zod-openapi";
import { productInput, stockInput } from "../../catalog/product_input.ts";
import {
  changeStock,
  createProduct,
  deleteProduct,
  getProduct,
  listProducts,
  updateProduct,
} from "../../catalog/products.ts";
import type { ApiParts } from "../context.ts";
import { addList } from "../list.ts";
import { newApi } from "../new_api.ts";
import { theMerchant } from "./the_merchant.ts";
import { hexKey, idParam, json, merchantQuery, operation, refused, time } from "./describe.ts";

const productSchema = z.object({
  id: z.string(),
  merchant: hexKey,
  stall_id: z.string(),
  name: z.string(),
  type: z.enum(["simple", "variable", "variation"]),
  parent_id: z.string().nullable(),
  description: z.string(),
  images: z.array(z.string()),
  currency: z.string(),
  price: z.number(),
  quantity: z.int().nullable().openapi({ description: "on hand; null = unlimited" }),
  specs: z.array(z.array(z.string()).length(2)),
  shipping: z.array(z.object({ id: z.string(), cost: z.number() })),
  categories: z.array(z.string()),
  digital: z.boolean(),
  active: z.boolean(),
  held: z.int().openapi({ description: "reserved for open orders" }),
  available: z.int().nullable(),
  event_id: z.string().nullable(),
  published_at: time.nullable(),
  created_at: time,
  updated_at: time,
}).openapi("Product");

const tag = "products";

/** NIP-15 products: changes publish by themselves. */
export function productRoutes({ database, clock, random, merchants }: ApiParts) {
  const api = newApi();
  addList(api, {
    path: "/products",
    id: "listProducts",
    summary: "Products, newest first",
    tag,
    scope: "catalog:read",
    reach: "named",
    filter: { stall_id: z.string().optional() },
    item: productSchema,
    name: "Products",
    key: ["int", "text", "text"],
    read: ({ merchant, stall_id: stallId }, slice) =>
      listProducts(database.kysely, { merchant, stallId }, slice),
    place: ({ created_at, id, merchant }) => [Date.parse(created_at), id, merchant],
    show: (products) => products,
  });
  api.openapi(
    operation({
      method: "post",
      path: "/products",
      id: "createProduct",
      summary: "Make a product and publish it",
      tag,
      scope: "catalog:write",
      reach: "named",
      request: json(productInput),
      answer: productSchema,
      status: 201,
    }),
    async (c) => {
      const input = c.req.valid("json");
      const merchant = theMerchant(c.get("access"), merchants, input.merchant);
      const made = await database.transaction((tx) =>
        createProduct(tx, { merchant, input, now: clock.now(), random })
      );
      if (!made.ok) throw refused(made);
      return c.json(made.product, 201);
    },
  );
  api.openapi(
    operation({
      method: "get",
      path: "/products/{id}",
      id: "getProduct",
      summary: "One product",
      tag,
      scope: "catalog:read",
      reach: "named",
      request: { params: idParam, query: merchantQuery },
      answer: productSchema,
      status: 200,
    }),
    async (c) => c.json(await one(c.req.valid("param").id, c.req.valid("query").merchant), 200),
  );
  api.openapi(
    operation({
      method: "put",
      path: "/products/{id}",
      id: "replaceProduct",
      summary: "Replace a product and publish it; without `quantity` its stock stays",
      tag,
      scope: "catalog:write",
      reach: "named",
      request: { params: idParam, query: merchantQuery, ...json(productInput) },
      answer: productSchema,
      status: 200,
    }),
    async (c) => {
      const { id, merchant } = await one(c.req.valid("param").id, c.req.valid("query").merchant);
      const input = c.req.valid("json");
      const done = await database.transaction((tx) =>
        updateProduct(tx, { merchant, id, input, now: clock.now() })
      );
      if (!done.ok) throw refused(done);
      return c.json(done.product, 200);
    },
  );
  api.openapi(
    operation({
      method: "delete",
      path: "/products/{id}",
      id: "deleteProduct",
      summary: "Delete a product, also on the relays",
      tag,
      scope: "catalog:write",
      reach: "named",
      request: { params: idParam, query: merchantQuery },
      answer: z.object({ id: z.string(), deleted: z.literal(true) }),
      status: 200,
    }),
    async (c) => {
      const { id, merchant } = await one(c.req.valid("param").id, c.req.valid("query").merchant);
      const done = await database.transaction((tx) => deleteProduct(tx, { merchant, id, now: clock.now() }));
      if (!done.ok) throw refused(done);
      return c.json({ id, deleted: true as const }, 200);
    },
  );
  api.openapi(
    operation({
      method: "post",
      path: "/products/{id}/stock",
      id: "changeStock",
      summary: "Change what is on hand: exactly one of `add` and `set`",
      tag,
      scope: "catalog:write",
      reach: "named",
      request: { params: idParam, query: merchantQuery, ...json(stockInput) },
      answer: productSchema,
      status: 200,
    }),
    async (c) => {
      const { id, merchant } = await one(c.req.valid("param").id, c.req.valid("query").merchant);
      const change = c.req.valid("json");
      const done = await database.transaction((tx) =>
        changeStock(tx, { merchant, id, change, now: clock.now() })
      );
      if (!done.ok) throw refused(done);
      return c.json(done.product, 200);
    },
  );
  return api;

  async function one(id: string, merchant: string | undefined) {
    const found = await getProduct(database.kysely, { id, ...(merchant !== undefined && { merchant }) });
    if (!found.ok) throw refused(found);
    return found.product;
  }
}
