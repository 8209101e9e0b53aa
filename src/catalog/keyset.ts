import { type Expression, type ExpressionBuilder, type SqlBool } from "kysely";
import { decodeCursor } from "../db/keyset.ts";
import type { Tables } from "../db/tables.ts";

/** Where a list goes on. Several merchants may use one id, so it takes three columns to be unique. */
export interface Position {
  created_at: number;
  id: string;
  merchant: string;
}

/** A row's place in the list. */
export function placeOf({ created_at, id, merchant }: Position): [number, string, string] {
  return [created_at, id, merchant];
}

/** Reads a cursor; null when it isn't one of ours. */
export function readPosition(cursor: string): Position | null {
  const key = decodeCursor(cursor, ["int", "text", "text"]);
  return key && { created_at: key[0], id: key[1], merchant: key[2] };
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
