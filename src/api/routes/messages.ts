import { z } from "@hono/zod-openapi";
import { sendChat } from "../../messages/chat.ts";
import { listMessages, type MessageRow } from "../../messages/messages_store.ts";
import { parsePublicKey } from "../../nostr/keys.ts";
import type { ApiParts } from "../context.ts";
import { addList } from "../list.ts";
import { newApi } from "../new_api.ts";
import { Problem } from "../problem.ts";
import { theMerchant } from "./the_merchant.ts";
import { hexKey, json, operation, rfc3339, time, wrongField } from "./describe.ts";

const messageSchema = z.object({
  id: z.string(),
  merchant: hexKey,
  customer: hexKey,
  direction: z.enum(["in", "out"]),
  type: z.enum(["chat", "order", "payment_request", "status", "claim", "digital"]),
  envelope: z.enum(["nip04", "nip17"]),
  order_id: z.string().nullable(),
  body: z.string(),
  at: time,
}).openapi("Message");

const newMessage = z.strictObject({
  merchant: hexKey.optional(),
  customer: z.string().max(100).openapi({ description: "npub or 64 hex characters" }),
  body: z.string().trim().min(1).max(10_000),
});

/** Conversations with customers. A person's answer travels as the customer wrote. */
export function messageRoutes({ database, clock, random, merchants, restore }: ApiParts) {
  const api = newApi();
  addList(api, {
    path: "/messages",
    id: "listMessages",
    summary: "Messages, newest first",
    tag: "messages",
    scope: "messages:read",
    reach: "named",
    filter: {
      customer: hexKey.optional(),
      type: z.enum(["chat", "order", "payment_request", "status", "claim", "digital"]).optional(),
    },
    item: messageSchema,
    name: "Messages",
    key: ["int"],
    read: (filter, slice) => listMessages(database.kysely, filter, slice),
    place: ({ seq }) => [seq],
    show: (rows) => rows.map(shape),
  });
  api.openapi(
    operation({
      method: "post",
      path: "/messages",
      id: "sendMessage",
      summary: "Write to a customer",
      tag: "messages",
      scope: "messages:write",
      reach: "named",
      request: json(newMessage),
      answer: messageSchema,
      status: 201,
    }),
    async (c) => {
      const input = c.req.valid("json");
      if (restore.fenced) {
        throw new Problem(
          409,
          "wrong_state",
          "A backup was restored: nothing is sent until `ncc restore confirm`.",
        );
      }
      const customer = parsePublicKey(input.customer);
      if (!customer.ok) throw wrongField("/customer", customer.reason);
      const identity = merchants.identityOf(theMerchant(c.get("access"), merchants, input.merchant))!;
      const row = await sendChat({ database, clock, random }, identity, customer.pubkey, input.body);
      return c.json(shape(row), 201);
    },
  );
  return api;
}

function shape(row: MessageRow): z.infer<typeof messageSchema> {
  const { merchant, customer, direction, type, envelope, order_id, body } = row;
  return {
    id: String(row.seq),
    merchant,
    customer,
    direction,
    type,
    envelope,
    order_id,
    body,
    at: rfc3339(row.at),
  };
}
