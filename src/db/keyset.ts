import { type RawBuilder, sql, type SqlBool } from "kysely";

/** One page of a list. It stays right while rows are added: the next one begins where this one's last row stands. */
export interface Page<T> {
  data: T[];
  next_cursor: string | null;
  has_more: boolean;
}

/** What each column of a list's order holds. */
export type KeyShape = readonly ("int" | "text")[];
/** The columns' values of one row. */
export type Key<S extends KeyShape> = { -readonly [I in keyof S]: S[I] extends "int" ? number : string };

/** What of a list is read: at most `limit` rows, after the one whose place is `after`. */
export interface Slice<K extends readonly (number | string)[]> {
  limit: number;
  after?: K | undefined;
}

/** Whether a row comes after a place in a list that is sorted by these columns, up (`>`) or down (`<`); all do after none. */
export function isAfter<K extends readonly (number | string)[]>(
  place: K | undefined,
  columns: { [I in keyof K]: string },
  sign: "<" | ">",
): RawBuilder<SqlBool> {
  if (place === undefined) return sql<SqlBool>`true`;
  const row = sql.join(columns.map((column) => sql.ref(column)));
  return sql<SqlBool>`(${row}) ${sql.raw(sign)} (${sql.join(place)})`;
}

/** Cuts a page out of rows that were read with one more than `limit`; `key` names a row's place in the list. */
export function page<Row>(
  rows: Row[],
  limit: number,
  key: (row: Row) => readonly (number | string)[],
): Page<Row> {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { data, next_cursor: more ? encodeCursor(key(last)) : null, has_more: more };
}

/** A place in a list as text, for those who should only hand it back. */
export function encodeCursor(key: readonly (number | string)[]): string {
  const bytes = new TextEncoder().encode(JSON.stringify(key));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Reads a cursor; null when it isn't one that a list of this shape gave. */
export function decodeCursor<const S extends KeyShape>(text: string, shape: S): Key<S> | null {
  const key = parse(text);
  if (!Array.isArray(key) || key.length !== shape.length) return null;
  const fits = shape.every((type, i) =>
    type === "int" ? Number.isSafeInteger(key[i]) : typeof key[i] === "string" && !key[i].includes("\0")
  );
  return fits ? key as Key<S> : null;
}

function parse(text: string): unknown {
  try {
    const bytes = Uint8Array.from(
      atob(text.replaceAll("-", "+").replaceAll("_", "/")),
      (c) => c.charCodeAt(0),
    );
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    // Not base64, not UTF-8, or not JSON: no cursor of ours.
    return null;
  }
}
