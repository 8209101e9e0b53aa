import type { ColumnType } from "kysely";

/** A whole number; `bigint` is accepted when writing. */
export type Int = ColumnType<number, number | bigint, number | bigint>;
export type IntOrNull = ColumnType<number | null, number | bigint | null | undefined, number | bigint | null>;
export type Flag = ColumnType<0 | 1, 0 | 1, 0 | 1>;
export type Text = ColumnType<string, string, string>;
export type TextOrNull = ColumnType<string | null, string | null | undefined, string | null>;
/** A string out of a closed set. */
export type Word<T extends string> = ColumnType<T, T, T>;
