import { z } from "zod";
import type { MedusaClient, MedusaQuestion } from "../client.ts";

/** A question about the catalogue. */
export type Question<T> = Pick<MedusaQuestion<T>, "schema" | "query" | "body" | "storeKey" | "signal"> & {
  method: "GET" | "POST";
  path: string;
};

/** Asks Medusa, after whoever asks for an order. Throws a MedusaError when there is no answer of that shape. */
export type Ask = <T>(question: Question<T>) => Promise<T>;

/** A page of products is much work for Medusa. */
const ANSWER_MS = 30_000;

/** Asks by a client. Nothing that is asked about the catalogue does harm when it is asked twice. */
export function askOf(client: Pick<MedusaClient, "request">): Ask {
  return (question) =>
    client.request({ ...question, priority: "catalogue", answerMs: ANSWER_MS, safe: true });
}

const PAGE = 200;

/** A whole list of the admin API, `page` of them at a time. `list` is its name in the answer. */
export async function askAll<T>(
  ask: Ask,
  o: {
    path: string;
    list: string;
    item: z.ZodType<T>;
    query?: Question<T>["query"];
    page?: number;
    signal?: AbortSignal | undefined;
  },
): Promise<T[]> {
  const { page = PAGE } = o;
  const schema = z.object({ [o.list]: z.array(o.item) });
  const all: T[] = [];
  for (;;) {
    const query = { ...o.query, limit: page, offset: all.length };
    const answer = await ask({ method: "GET", path: o.path, query, schema, signal: o.signal });
    const items = (answer as unknown as Record<string, T[]>)[o.list]!;
    all.push(...items);
    if (items.length < page) return all;
  }
}
