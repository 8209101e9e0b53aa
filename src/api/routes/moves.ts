import { z } from "@hono/zod-openapi";
import type { ApiParts } from "../context.ts";
import { newApi } from "../new_api.ts";
import { Problem } from "../problem.ts";
import { hexKey, json, operation, wrongField } from "./describe.ts";
import { merchantSchema, shape } from "./merchants.ts";

const move = z.strictObject({
  secret_key: z.string().max(2_000).optional().openapi({
    description: "nsec, hex or bunker://… of the new key; one is made without it",
  }),
  emergency: z.boolean().openapi({
    description: "the old key is stolen or lost: nothing more is signed or answered with it",
  }),
});

const moved = z.object({
  merchant: merchantSchema,
  stalls: z.int(),
  products: z.int(),
  unpaid_orders: z.int().openapi({ description: "of the old key, waiting for their payment" }),
  unsent_orders: z.int().openapi({ description: "of the old key, paid and to be sent" }),
}).openapi("Move");

const params = z.object({ pubkey: hexKey.openapi({ param: { name: "pubkey", in: "path" } }) });

/** Shops that move to another key. */
export function moveRoutes({ merchants }: ApiParts) {
  const api = newApi();
  api.openapi(
    operation({
      method: "post",
      path: "/merchants/{pubkey}/move",
      id: "moveMerchant",
      summary: "Move the shop to another key",
      tag: "merchants",
      scope: "operator",
      reach: "operator",
      request: { params, ...json(move) },
      answer: moved,
      status: 201,
    }),
    async (c) => {
      const { pubkey } = c.req.valid("param");
      if (!merchants.get(pubkey)) {
        throw new Problem(404, "not_found", `No merchant ${pubkey} is served here.`);
      }
      const { secret_key, emergency } = c.req.valid("json");
      const done = await merchants.move(pubkey, {
        emergency,
        ...(secret_key !== undefined && { secretKey: secret_key }),
      });
      if (!done.ok) {
        throw done.conflict
          ? new Problem(409, "conflict", done.reason)
          : wrongField("/secret_key", done.reason);
      }
      const { merchant, moved: { stalls, products, unpaid, unsent } } = done;
      return c.json({
        merchant: shape(merchant.row, merchant.walletText),
        stalls,
        products,
        unpaid_orders: unpaid,
        unsent_orders: unsent,
      }, 201);
    },
  );
  return api;
}
