import { z } from "@hono/zod-openapi";
import { type ConditionRow, listConditions } from "../../notifications/conditions_store.ts";
import { listNotices, type NoticeRow } from "../../notifications/notices_store.ts";
import type { ApiParts } from "../context.ts";
import { addList } from "../list.ts";
import { newApi } from "../new_api.ts";
import { hexKey, rfc3339, rfc3339OrNull, time } from "./describe.ts";

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
  addList(api, {
    path: "/notices",
    id: "listNotices",
    summary: "What the owners were told, newest first",
    tag: "notices",
    scope: "notices:read",
    reach: "named",
    filter: { kind: z.string().max(50).optional() },
    item: noticeSchema,
    name: "Notices",
    key: ["int"],
    read: (filter, slice) => listNotices(database.kysely, filter, slice),
    place: ({ seq }) => [seq],
    show: (rows) => rows.map(notice),
  });
  addList(api, {
    path: "/conditions",
    id: "listConditions",
    summary: "What is or was out of order for a while, newest first",
    tag: "notices",
    scope: "notices:read",
    reach: "named",
    filter: {
      raised: z.enum(["true", "false"]).optional().openapi({ description: "only what lasts, or is over" }),
    },
    item: conditionSchema,
    name: "Conditions",
    key: ["int", "text", "text"],
    read: ({ merchant, raised }, slice) =>
      listConditions(
        database.kysely,
        { merchant, raised: raised === undefined ? undefined : raised === "true" },
        slice,
      ),
    place: ({ raised_at, merchant, name }) => [raised_at, merchant, name],
    show: (rows) => rows.map(condition),
  });
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
