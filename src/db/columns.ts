import type { ColumnType } from "kysely";

/** A whole number; `bigint` is accepted when writing. */
export type Int = ColumnType<number, number | bigint, number | bigint>;
export type IntOrNull = ColumnType<number | null, number | bigint | null | undefined, number | bigint | null>;
export type Flag = ColumnType<0 | 1, 0 | 1, 0 | 1>;
/** A flag that may be left out when writing: then it is 0. */
export type FlagOff = ColumnType<0 | 1, 0 | 1 | undefined, 0 | 1>;
/** An amount that may be left out when writing: then it is 0. */
export type IntZero = ColumnType<number, number | bigint | undefined, number | bigint>;
export type Text = ColumnType<string, string, string>;
export type TextOrNull = ColumnType<string | null, string | null | undefined, string | null>;
/** A string out of a closed set. */
export type Word<T extends string> = ColumnType<T, T, T>;
/** The same, or none of it. */
export type WordOrNull<T extends string> = ColumnType<T | null, T | null | undefined, T | null>;
