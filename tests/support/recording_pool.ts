import type { NostrEvent } from "@nostrify/types";
import type { RelayPool } from "../../src/nostr/relay_pool.ts";

/** Relays that take everything and have nothing: what is published is added to `published` as `[url, event]`. */
export function recordingPool(published: [string, NostrEvent][]): RelayPool {
  const pool: Pick<RelayPool, "publish" | "queryEach" | "query" | "status"> = {
    publish: (url, event) => {
      published.push([url, event]);
      return Promise.resolve({ ok: true, message: "" });
    },
    queryEach: (urls) => Promise.resolve(urls.map((url) => ({ url, ok: true, events: [] }))),
    query: () => Promise.resolve([]),
    status: () => [],
  };
  return pool as RelayPool;
}
