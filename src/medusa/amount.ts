import { z } from "zod";
import { compareDecimal, type Decimal, decimalOf, formatDecimal } from "../money/decimal.ts";

/**
 * An amount in a currency's major unit (10.5 is 10.50 €): a number of JSON, read by its shortest text, or the text itself.
 * Nothing is computed in floating point.
 */
export const amount = z.union([z.number(), z.string()]).transform((value, context): Decimal => {
  const read = decimalOf(value);
  if (read !== null) return read;
  context.addIssue({ code: "custom", message: "expected an amount" });
  return z.NEVER;
});

/** The exact twin that Medusa gives beside some amounts: `raw_amount` beside `amount`. */
const twin = z.object({ value: z.union([z.string(), z.number()]) });

/**
 * An object whose fields `names` are amounts that may have an exact twin (`raw_<name>`), by which they are read then: in long
 * numbers a JSON number is a rounded one.
 */
export function withAmounts<S extends z.ZodRawShape>(shape: S, names: readonly (keyof S & string)[]) {
  return z.preprocess((value) => {
    if (typeof value !== "object" || value === null) return value;
    const given = value as Record<string, unknown>;
    const exact = names.flatMap((name) => {
      const read = twin.safeParse(given[`raw_${name}`]);
      return read.success ? [[name, read.data.value] as const] : [];
    });
    return { ...given, ...Object.fromEntries(exact) };
  }, z.object(shape));
}

/** How Medusa is told an amount: as a number where that is exact, else as its text. */
export function amountToSend(exact: Decimal): number | string {
  const text = formatDecimal(exact);
  const number = decimalOf(Number(text));
  return number !== null && compareDecimal(number, exact) === 0 ? Number(text) : text;
}
