import { type RawBuilder, sql } from "kysely";
import type { Dialect } from "../db/database.ts";

/** `(select …)` of texts as one parameter, for `in`: a list of any length is the same prepared statement. */
export function textList(dialect: Dialect, texts: Iterable<string>): RawBuilder<string> {
  const list = JSON.stringify([...texts]);
  return dialect === "sqlite"
    ? sql<string>`(select value from json_each(${list}))`
    // Through text: the driver would encode a parameter of type json once more.
    : sql<string>`(select value from json_array_elements_text(${list}::text::json))`;
}
