import { z } from "@hono/zod-openapi";
import { forgetCustomer } from "../../app/forget_customer.ts";
import { parsePublicKey } from "../../nostr/keys.ts";
import { type CustomerRow, listCustomers } from "../../reports/customers_store.ts";
import type { ApiParts } from "../context.ts";
import { addList } from "../list.ts";
import { newApi } from "../new_api.ts";
import { Problem } from "../problem.ts";
import {
  hexKey,
  json,
  merchantQuery,
  msat,
  notFound,
  operation,
  rfc3339,
  time,
  wrongField,
} from "./describe.ts";
import { theMerchant } from "./the_merchant.ts";

const customerSchema = z.object({
  pubkey: hexKey,
  merchant: hexKey,
  orders: z.int(),
  spent_msat: msat,
  first_order_at: time,
  last_order_at: time,
  forgotten_orders: z.int().openapi({ description: "orders that the customer's data was taken out of" }),
}).openapi("Customer");

const forgottenSchema = z.object({
  pubkey: hexKey,
  merchant: hexKey,
  orders: z.int().openapi({ description: "that the customer's data was taken out of" }),
  messages: z.int().openapi({ description: "that were deleted" }),
  wiped: z.boolean().openapi({ description: "the database's log of commits holds nothing of it any more" }),
  backups: z.array(z.string()).openapi({ description: "files that still hold the customer's data" }),
  removed_backups: z.array(z.string()),
}).openapi("Forgotten");

const pubkeyParam = z.object({
  pubkey: z.string().max(100).openapi({
    param: { name: "pubkey", in: "path" },
    description: "64 hex characters or npub",
  }),
});

/** Who has bought. No address: that is the order's. */
export function customerRoutes({ database, clock, merchants, settings }: ApiParts) {
  const api = newApi();
  addList(api, {
    path: "/customers",
    id: "listCustomers",
    summary: "Who has ordered, by key",
    tag: "customers",
    scope: "customers:read",
    reach: "named",
    filter: {},
    item: customerSchema,
    name: "Customers",
    key: ["text", "text"],
    read: (filter, slice) => listCustomers(database.kysely, filter, slice),
    place: ({ merchant, customer }) => [merchant, customer],
    show: (rows) => rows.map(shape),
  });
  api.openapi(
    operation({
      method: "get",
      path: "/customers/{pubkey}",
      id: "getCustomer",
      summary: "One customer",
      tag: "customers",
      scope: "customers:read",
      reach: "named",
      request: { params: pubkeyParam, query: merchantQuery },
      answer: customerSchema,
      status: 200,
    }),
    async (c) => {
      const customer = keyOf(c.req.valid("param").pubkey);
      const merchant = theMerchant(c.get("access"), merchants, c.req.valid("query").merchant);
      const [row] = await listCustomers(database.kysely, { merchant, customer }, { limit: 1 });
      if (row === undefined) throw notFound("customer", customer);
      return c.json(shape(row), 200);
    },
  );
  api.openapi(
    operation({
      method: "post",
      path: "/customers/{pubkey}/forget",
      id: "forgetCustomer",
      summary: "Take a customer's data out of the database for good",
      tag: "customers",
      scope: "customers:write",
      reach: "named",
      request: {
        params: pubkeyParam,
        query: merchantQuery,
        ...json(z.strictObject({
          backups: z.boolean().default(false).openapi({
            description: "remove the backups that still hold the customer's data, too",
          }),
        })),
      },
      answer: forgottenSchema,
      status: 200,
    }),
    async (c) => {
      const customer = keyOf(c.req.valid("param").pubkey);
      const merchant = theMerchant(c.get("access"), merchants, c.req.valid("query").merchant);
      const { backups: remove } = c.req.valid("json");
      if (remove && c.get("access").merchant !== null) {
        throw new Problem(403, "bound_to_merchant", "Backups hold all merchants' data: ask the operator.");
      }
      const done = await forgetCustomer(
        { database, clock, settings },
        { merchant, customer },
        { backups: remove },
      );
      if (!done.ok) throw new Problem(409, "wrong_state", done.reason);
      const { orders, messages, wiped, backups, removedBackups: removed_backups } = done.forgotten;
      return c.json({ pubkey: customer, merchant, orders, messages, wiped, backups, removed_backups }, 200);
    },
  );
  return api;
}

function keyOf(text: string): string {
  const key = parsePublicKey(text);
  if (!key.ok) throw wrongField("/pubkey", key.reason);
  return key.pubkey;
}

function shape(row: CustomerRow): z.infer<typeof customerSchema> {
  return {
    pubkey: row.customer,
    merchant: row.merchant,
    orders: row.orders,
    spent_msat: String(row.spent_msat),
    first_order_at: rfc3339(row.first_at),
    last_order_at: rfc3339(row.last_at),
    forgotten_orders: row.forgotten,
  };
}
