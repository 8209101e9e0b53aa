import { type Expression, type ExpressionBuilder, type SqlBool } from "kysely";
import type { Tables } from "../db/tables.ts";

/** Where a list goes on. Several merchants may use one id, so it takes three columns to be unique. */
export interface Position {
  created_at: number;
  id: string;
  merchant: string;
}

/** One page of a list, newest first. */
export interface Page<T> {
  data: T[];
  next_cursor: string | null;
  has_more: boolean;
}

/** Hides a position from those who should only hand it back. */
export function encodeCursor({ created_at, id, merchant }: Position): string {
  const bytes = new TextEncoder().encode(JSON.stringify([created_at, id, merchant]));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Reads a cursor; null when it isn't one of ours. */
export function decodeCursor(text: string): Position | null {
  try {
    const bytes = Uint8Array.from(
      atob(text.replaceAll("-", "+").replaceAll("_", "/")),
      (c) => c.charCodeAt(0),
    );
    const [created_at, id, merchant] = JSON.parse(new TextDecoder().decode(bytes));
    const ours = Number.isSafeInteger(created_at) && typeof id === "string" && typeof merchant === "string";
    return ours ? { created_at, id, merchant } : null;
  } catch {
    // Not base64, or not JSON: no cursor of ours.
    return null;
  }
}

/** The rows after a position, newest first. */
export function after<T extends "stalls" | "products">(
  eb: ExpressionBuilder<Tables, T>,
  position: Position,
): Expression<SqlBool> {
  const row = eb as unknown as ExpressionBuilder<Tables, "stalls">;
  return row(
    row.refTuple("created_at", "id", "merchant"),
    "<",
    row.tuple(position.created_at, position.id, position.merchant),
  );
}

/** Cuts a page out of rows that were read with one more than `limit`. */
export function page<R extends Position, T>(rows: R[], limit: number, show: (row: R) => T): Page<T> {
  const shown = rows.slice(0, limit);
  const more = rows.length > limit;
  return { data: shown.map(show), next_cursor: more ? encodeCursor(shown.at(-1)!) : null, has_more: more };
}
