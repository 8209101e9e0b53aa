import type { Api } from "./connection.ts";

interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

/** Largest page that a list gives. */
const MOST = 200;

/** The first `limit` rows of a list, page by page; all of them without a limit. */
export async function take<T>(
  api: Api,
  path: string,
  query = new URLSearchParams(),
  limit = Infinity,
): Promise<T[]> {
  const rows: T[] = [];
  for (let cursor: string | null = ""; cursor !== null && rows.length < limit;) {
    const asked = new URLSearchParams(query);
    asked.set("limit", String(Math.min(MOST, limit - rows.length)));
    if (cursor !== "") asked.set("cursor", cursor);
    const page: Page<T> = await api.call<Page<T>>("GET", `${path}?${asked}`);
    rows.push(...page.data);
    cursor = page.next_cursor;
  }
  return rows;
}
