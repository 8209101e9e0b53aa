import { z } from "@hono/zod-openapi";
import type { RestoreReport } from "../../app/restore_report.ts";
import type { ApiParts } from "../context.ts";
import { newApi } from "../new_api.ts";
import { Problem } from "../problem.ts";
import { hexKey, json, msat, operation, rfc3339, rfc3339OrNull, time } from "./describe.ts";

const told = z.object({
  merchant: hexKey,
  customer: hexKey,
  customer_order_id: z.string(),
  told: z.string().openapi({
    description: "what the customer heard: asked to pay, paid, paid and shipped, refused …",
  }),
});

const restoreSchema = z.object({
  state: z.enum(["none", "fenced", "lifted"]),
  restored_at: time.nullable(),
  backup_at: time.nullable().openapi({ description: "until then the restored database knows what happened" }),
  lifted_at: time.nullable(),
  relays: z.array(z.object({
    merchant: hexKey,
    relay: z.string().nullable().openapi({ description: "null: the built-in one" }),
    state: z.enum(["waiting", "read", "failed"]),
    messages: z.int(),
    note: z.string().nullable(),
  })),
  unknown_orders: z.object({ count: z.int(), some: z.array(told) }).openapi({
    description: "answered by the relays' account, and not in the database",
  }),
  orders_ahead: z.array(told.extend({ id: z.string(), payment: z.string(), fulfilment: z.string() })).openapi(
    {
      description: "customers were told more than the database knows",
    },
  ),
  published: z.array(z.object({
    merchant: hexKey,
    kind: z.int(),
    d: z.string(),
    published_at: time,
    content: z.string(),
    known: z.boolean(),
  })).openapi({ description: "stalls and products of which relays have a newer version" }),
  figures: z.object({
    said: z.int(),
    payments: z.int(),
    received_msat: msat,
    unmatched: z.int(),
    messages_waiting: z.int(),
    jobs_waiting: z.int(),
    refunds_in_doubt: z.int(),
  }).nullable(),
  words: z.array(z.string()),
}).openapi("Restore");

/** What a restored backup doesn't know, and the end of its fence. */
export function restoreRoutes({ restore }: ApiParts) {
  const api = newApi();
  api.openapi(
    operation({
      method: "get",
      path: "/restore",
      id: "getRestore",
      summary: "What relays and wallets know that the restored database doesn't",
      tag: "operator",
      scope: "operator",
      reach: "operator",
      request: {},
      answer: restoreSchema,
      status: 200,
    }),
    async (c) => c.json(shape(await restore.report()), 200),
  );
  api.openapi(
    operation({
      method: "post",
      path: "/restore/confirm",
      id: "confirmRestore",
      summary: "Confirm the differences: from now on orders are answered again",
      tag: "operator",
      scope: "operator",
      reach: "operator",
      request: json(z.strictObject({
        anyway: z.boolean().default(false).openapi({ description: "also while relays couldn't be read" }),
      })),
      answer: restoreSchema,
      status: 200,
    }),
    async (c) => {
      const confirmed = await restore.confirm(c.req.valid("json"));
      if (!confirmed.ok) throw new Problem(409, "wrong_state", confirmed.reason);
      return c.json(shape(await restore.report()), 200);
    },
  );
  return api;
}

function shape(report: RestoreReport): z.infer<typeof restoreSchema> {
  const { restored_at, backup_at, lifted_at, published, figures, ...rest } = report;
  return {
    ...rest,
    restored_at: rfc3339OrNull(restored_at),
    backup_at: rfc3339OrNull(backup_at),
    lifted_at: rfc3339OrNull(lifted_at),
    published: published.map(({ at_seconds, ...one }) => ({
      ...one,
      published_at: rfc3339(at_seconds * 1000),
    })),
    figures: figures && { ...figures, received_msat: String(figures.received_msat) },
  };
}
