import { z } from "@hono/zod-openapi";
import { decodeCursor, type Key, type KeyShape } from "../db/keyset.ts";
import { Problem } from "./problem.ts";

const LIMIT = "must be a whole number from 1 to 200";

/** Query of every list. */
export const pageQuery = {
  limit: z.coerce.number({ error: LIMIT }).int(LIMIT).min(1, LIMIT).max(200, LIMIT).default(50).openapi({
    description: "how many at most",
  }),
  cursor: z.string().max(1000).optional().openapi({ description: "`next_cursor` of the page before" }),
};

/** A page of a list: keyset, stable while rows are added. */
export function pageOf<T extends z.ZodType>(item: T, name: string) {
  return z.object({ data: z.array(item), next_cursor: z.string().nullable(), has_more: z.boolean() }).openapi(
    name,
  );
}

/** A list that is always shown whole, in the shape of a page. */
export function whole<T>(data: T[]): { data: T[]; next_cursor: null; has_more: boolean } {
  return { data, next_cursor: null, has_more: false };
}

/** The place that a cursor names; undefined without one. Throws a `Problem` for a text that isn't one of ours. */
export function placeOf<const S extends KeyShape>(cursor: string | undefined, shape: S): Key<S> | undefined {
  if (cursor === undefined) return undefined;
  const key = decodeCursor(cursor, shape);
  if (key !== null) return key;
  const detail = "This isn't a cursor that a list gave. Begin without one.";
  throw new Problem(422, "invalid", detail, [{ pointer: "/cursor", detail }]);
}
