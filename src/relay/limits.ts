/** What one client, one address and all together may ask of the built-in relay. Rates are per minute, with a burst of as many. */
export interface RelayLimits {
  connections: number;
  connectionsPerAddress: number;
  /** Open subscriptions of a connection. */
  subscriptions: number;
  /** Filters of one REQ or COUNT. */
  filters: number;
  /** Values of one list in a filter. */
  filterValues: number;
  /** Stored events that one REQ answers with at most. */
  results: number;
  /** Bytes of a client's message. */
  messageBytes: number;
  /** Tags of an event. */
  tags: number;
  /** Bytes that wait for a reader before it is dropped as too slow. */
  bufferedBytes: number;
  /** Events of one connection that wait for their commit. */
  pendingEvents: number;
  eventsPerAddress: number;
  eventsInAll: number;
  bytesPerAddress: number;
  bytesInAll: number;
  /** REQ, COUNT, AUTH and whatever isn't understood. */
  questionsPerAddress: number;
}

/** Far above what customers need; a shop behind a proxy that isn't trusted has one address for all of them. */
export const defaultLimits: RelayLimits = {
  connections: 2_000,
  connectionsPerAddress: 100,
  subscriptions: 20,
  filters: 10,
  filterValues: 1_000,
  results: 500,
  messageBytes: 131_072,
  tags: 2_000,
  bufferedBytes: 4 * 1024 * 1024,
  pendingEvents: 1_000,
  eventsPerAddress: 1_200,
  eventsInAll: 60_000,
  bytesPerAddress: 16 * 1024 * 1024,
  bytesInAll: 512 * 1024 * 1024,
  questionsPerAddress: 1_200,
};

/** Longest subscription id that NIP-01 allows. */
export const MAX_SUBSCRIPTION_ID = 64;
