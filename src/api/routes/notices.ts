import { z } from "@hono/zod-openapi";
import { page } from "../../db/keyset.ts";
import { type ConditionRow, listConditions } from "../../notifications/conditions_store.ts";
import { listNotices, type NoticeRow } from "../../notifications/notices_store.ts";
import type { ApiParts } from "../context.ts";
import { newApi } from "../new_api.ts";
import { pageOf, pageQuery, placeOf } from "../page.ts";
import { hexKey, merchantQuery, operation, rfc3339, rfc3339OrNull, time } from "./describe.ts";

const noticeSchema = z.object({
  id: z.string(),
  merchant: hexKey,
  kind: z.string().openapi({ description: "what NCC_NOTIFY switches, or `summary`" }),
  order_id: z.string().nullable(),
  text: z.string(),
  told: z.enum(["told", "off", "folded", "summed"]).openapi({
    description: "by direct message; off: not wanted; folded, summed: in a summary",
  }),
  at: time,
}).openapi("Notice");

const conditionSchema = z.object({
  merchant: hexKey,
  name: z.string().openapi({ description: "wallet, relay <url>, second_instance, clock" }),
  detail: z.string(),
  raised_at: time,
  cleared_at: time.nullable(),
}).openapi("Condition");

/** What the owners were told, and what is out of order. */
export function noticeRoutes({ database }: ApiParts) {
  const api = newApi();
  api.openapi(
    operation({
      method: "get",
      path: "/notices",
      id: "listNotices",
      summary: "What the owners were told, newest first",
      tag: "notices",
      scope: "notices:read",
      reach: "named",
      request: { query: merchantQuery.extend({ ...pageQuery, kind: z.string().max(50).optional() }) },
      answer: pageOf(noticeSchema, "Notices"),
      status: 200,
    }),
    async (c) => {
      const { limit, cursor, ...filter } = c.req.valid("query");
      const rows = await listNotices(database.kysely, filter, {
        limit: limit + 1,
        before: placeOf(cursor, ["int"])?.[0],
      });
      return c.json(page(rows, limit, (row) => [row.seq], notice), 200);
    },
  );
  api.openapi(
    operation({
      method: "get",
      path: "/conditions",
      id: "listConditions",
      summary: "What is or was out of order for a while, newest first",
      tag: "notices",
      scope: "notices:read",
      reach: "named",
      request: {
        query: merchantQuery.extend({
          ...pageQuery,
          raised: z.enum(["true", "false"]).optional().openapi({
            description: "only what lasts, or is over",
          }),
        }),
      },
      answer: pageOf(conditionSchema, "Conditions"),
      status: 200,
    }),
    async (c) => {
      const { limit, cursor, merchant, raised } = c.req.valid("query");
      const place = placeOf(cursor, ["int", "text", "text"]);
      const rows = await listConditions(
        database.kysely,
        { merchant, ...(raised !== undefined && { raised: raised === "true" }) },
        {
          limit: limit + 1,
          after: place && { raisedAt: place[0], merchant: place[1], name: place[2] },
        },
      );
      return c.json(page(rows, limit, (row) => [row.raised_at, row.merchant, row.name], condition), 200);
    },
  );
  return api;
}

function notice(row: NoticeRow): z.infer<typeof noticeSchema> {
  const { seq, merchant, kind, order_id, text, state, at } = row;
  return { id: String(seq), merchant, kind, order_id, text, told: state, at: rfc3339(at) };
}

function condition(row: ConditionRow): z.infer<typeof conditionSchema> {
  const { merchant, name, detail, raised_at, cleared_at } = row;
  return { merchant, name, detail, raised_at: rfc3339(raised_at), cleared_at: rfc3339OrNull(cleared_at) };
}
