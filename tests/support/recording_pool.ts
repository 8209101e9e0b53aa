import type { NostrEvent } from "@nostrify/types";
import type { RelayPool } from "../../src/nostr/relay_pool.ts";

/** Relays that take and keep everything, and have nothing of others: what is published is added to `published` as `[url, event]`. */
export function recordingPool(published: [string, NostrEvent][]): RelayPool {
  const pool: Pick<RelayPool, "publish" | "queryEach" | "query" | "status"> = {
    publish: (url, event) => {
      published.push([url, event]);
      return Promise.resolve({ ok: true, message: "" });
    },
    queryEach: (urls, filters) =>
      Promise.resolve(urls.map((url) => {
        const ids = new Set(filters.flatMap((filter) => filter.ids ?? []));
        const events = published.filter(([at, event]) => at === url && ids.has(event.id)).map(([, event]) =>
          event
        );
        return { url, ok: true, events };
      })),
    query: () => Promise.resolve([]),
    status: () => [],
  };
  return pool as RelayPool;
}
