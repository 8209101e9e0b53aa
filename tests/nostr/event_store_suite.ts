import { calls } from "./event_store_calls.ts";
import { deletions } from "./event_store_deletions.ts";
import type { MakeStore, StoreTest } from "./event_store_harness.ts";
import { queries } from "./event_store_queries.ts";
import { searches } from "./event_store_searches.ts";
import { writes } from "./event_store_writes.ts";

/** The contract of the event store, one test for each clause of it; the letters are the design's. */
export function storeSuite(name: string, makeStore: MakeStore, { ignore = false } = {}): void {
  const test: StoreTest = (title, fn, options) =>
    Deno.test({
      name: `${title} (${name})`,
      ignore,
      fn: async () => {
        await using made = await makeStore(options);
        await fn(made.store);
      },
    });
  for (const part of [writes, deletions, queries, searches, calls]) part(test);
}
