import { base64urlnopad } from "@scure/base";
import { z } from "@hono/zod-openapi";
import { Problem } from "./problem.ts";

/** Query of every list. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(200).default(50).openapi({ description: "how many at most" }),
  cursor: z.string().max(400).optional().openapi({ description: "`next_cursor` of the page before" }),
};

/** A page of a list: keyset, stable while rows are added. */
export function pageOf<T extends z.ZodType>(item: T, name: string) {
  return z.object({ data: z.array(item), next_cursor: z.string().nullable(), has_more: z.boolean() }).openapi(
    name,
  );
}

/** Cuts the row too many that was asked for, and names where the next page begins. */
export function page<Row, T>(
  rows: Row[],
  limit: number,
  key: (row: Row) => unknown[],
  shape: (row: Row) => T,
) {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { data: shown.map(shape), next_cursor: more ? encodeCursor(key(last)) : null, has_more: more };
}

export function encodeCursor(key: unknown[]): string {
  return base64urlnopad.encode(new TextEncoder().encode(JSON.stringify(key)));
}

/** The key in a cursor; undefined without one. Throws a `Problem` for a text that isn't one of ours. */
export function decodeCursor<T extends unknown[]>(
  cursor: string | undefined,
  schema: z.ZodType<T>,
): T | undefined {
  if (cursor === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(base64urlnopad.decode(cursor))));
  } catch {
    throw new Problem(400, "bad_cursor", "This cursor isn't one that a list gave. Begin without one.");
  }
}
