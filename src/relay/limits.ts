import type { FairQueueLimits } from "./fair_queue.ts";

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
  /** New connections. */
  connectsPerAddress: number;
  /** Messages of any sort: beyond this nothing is even read. */
  messagesPerAddress: number;
  eventsPerAddress: number;
  eventsInAll: number;
  bytesPerAddress: number;
  bytesInAll: number;
  /** REQ, COUNT, AUTH and whatever isn't understood. */
  questionsPerAddress: number;
  /** Events of one key, once its signature held; a burst of its own. */
  eventsPerKey: number;
  burstPerKey: number;
  /** How often an address may make us look whether somebody is a regular customer, whom a full quota doesn't keep out. */
  claimsPerAddress: number;
  /** Events of an address that cost a signature check and were wrong, before its events aren't looked at for a while. */
  forgeriesPerAddress: number;
  /** Refusals for lack of quota that a connection may get before it is hung up on. */
  refusalsPerConnection: number;
  /** Strangers' events that an address may leave here in a day. */
  keptPerAddressAndDay: number;
  /** Strangers' events on their way through signature check and commit, and those that wait for that. */
  strangers: FairQueueLimits;
  /** Questions that are being answered from the store, and those that wait for that. */
  readers: FairQueueLimits;
}

/** Far above what customers need; a shop behind a proxy that isn't trusted has one address for all of them. */
export const defaultLimits: RelayLimits = {
  connections: 2_000,
  connectionsPerAddress: 100,
  connectsPerAddress: 300,
  subscriptions: 20,
  filters: 10,
  filterValues: 1_000,
  results: 500,
  messageBytes: 131_072,
  tags: 2_000,
  bufferedBytes: 4 * 1024 * 1024,
  pendingEvents: 1_000,
  messagesPerAddress: 6_000,
  eventsPerAddress: 1_200,
  eventsInAll: 60_000,
  bytesPerAddress: 16 * 1024 * 1024,
  bytesInAll: 512 * 1024 * 1024,
  questionsPerAddress: 1_200,
  eventsPerKey: 120,
  burstPerKey: 300,
  claimsPerAddress: 60,
  forgeriesPerAddress: 60,
  refusalsPerConnection: 300,
  keptPerAddressAndDay: 20_000,
  strangers: {
    running: 8,
    runningPerKey: 8,
    waitingPerKey: 50,
    waiting: 1_000,
    weight: 8 * 1024 * 1024,
    patienceMs: 5_000,
  },
  readers: {
    running: 16,
    runningPerKey: 4,
    waitingPerKey: 100,
    waiting: 2_000,
    weight: 2_000,
    patienceMs: 20_000,
  },
};

/** Longest subscription id that NIP-01 allows. */
export const MAX_SUBSCRIPTION_ID = 64;
