import type { NostrFilter } from "@nostrify/types";
import type { EventStore, EventStoreOptions } from "../../src/nostr/event_store.ts";

/** What the suite needs of a store: NStore's and NRelay's methods, so that other classes can be put to it too. */
export type StoreUnderTest = Pick<
  EventStore,
  "event" | "query" | "count" | "remove" | "req" | "transaction" | "migrate"
>;

/** Opens a store on an empty database of its own. */
export type MakeStore = (options?: EventStoreOptions) => Promise<{ store: StoreUnderTest } & AsyncDisposable>;

/** Registers one test of the suite, on a fresh store. */
export type StoreTest = (
  title: string,
  fn: (store: StoreUnderTest) => Promise<void>,
  options?: EventStoreOptions,
) => void;

/** The found events' ids, in their order. */
export async function ids(store: Pick<StoreUnderTest, "query">, filters: NostrFilter[]): Promise<string[]> {
  return (await store.query(filters)).map((event) => event.id);
}

/** The found events' ids, sorted. */
export async function sortedIds(
  store: Pick<StoreUnderTest, "query">,
  filters: NostrFilter[],
): Promise<string[]> {
  return (await ids(store, filters)).sort();
}
