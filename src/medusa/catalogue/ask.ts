import { z } from "zod";

/** A question to Medusa, and what its answer must look like. */
export interface Question<T> {
  method: "GET" | "POST";
  path: string;
  /** A list stands there once for each of its values. */
  query?: Record<string, string | number | readonly string[]>;
  body?: unknown;
  schema: z.ZodType<T>;
  /** The publishable key that routes of the store want. */
  storeKey?: string;
  signal?: AbortSignal | undefined;
}

/** Asks Medusa, after whoever asks for an order. Throws a MedusaError when there is no answer of that shape. */
export type Ask = <T>(question: Question<T>) => Promise<T>;

const PAGE = 200;

/** A whole list of the admin API, page by page. `list` is its name in the answer. */
export async function askAll<T>(
  ask: Ask,
  o: {
    path: string;
    list: string;
    item: z.ZodType<T>;
    query?: Question<T>["query"];
    signal?: AbortSignal | undefined;
  },
): Promise<T[]> {
  const schema = z.object({ [o.list]: z.array(o.item), count: z.number() });
  const all: T[] = [];
  for (;;) {
    const query = { ...o.query, limit: PAGE, offset: all.length };
    const answer = await ask({ method: "GET", path: o.path, query, schema, signal: o.signal });
    const items = (answer as unknown as Record<string, T[]>)[o.list]!;
    all.push(...items);
    if (items.length < PAGE) return all;
  }
}

/** Why Medusa didn't answer as hoped. */
export interface Fault extends Error {
  kind: string;
  /** Whether the same question may be answered another time. */
  temporary: boolean;
}

/** A MedusaError; null for any other error. */
export function faultOf(error: unknown): Fault | null {
  return error instanceof Error && error.name === "MedusaError" ? error as Fault : null;
}
