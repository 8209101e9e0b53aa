/** Limits and times of a link; milliseconds. */
export interface RelayOptions {
  connectTimeoutMs: number;
  /** For a relay's OK, including the wait for a connection. */
  publishTimeoutMs: number;
  /** For a whole `query()`. */
  queryTimeoutMs: number;
  /** How long a relay may say nothing between a REQ and its EOSE before the connection counts as dead. */
  silenceMs: number;
  /** A connection without users is closed after this long. */
  idleMs: number;
  /** A connection that lived this long starts the back-off anew. */
  stableMs: number;
  backOffFirstMs: number;
  backOffMostMs: number;
  maxEventBytes: number;
  /** A `query()` takes no more than this many events. */
  maxQueryEvents: number;
}

export const relayDefaults: RelayOptions = {
  connectTimeoutMs: 10_000,
  publishTimeoutMs: 10_000,
  queryTimeoutMs: 10_000,
  silenceMs: 15_000,
  idleMs: 60_000,
  stableMs: 30_000,
  backOffFirstMs: 500,
  backOffMostMs: 60_000,
  maxEventBytes: 65_536,
  maxQueryEvents: 5_000,
};

export interface RelayStatus {
  url: string;
  /** `closed`: nobody needs it now; `waiting`: for the next try to connect. */
  state: "connecting" | "connected" | "closed" | "waiting";
  lastEventAt: number | null;
  lastEoseAt: number | null;
  error: string | null;
  /** Connections after the first. */
  reconnects: number;
}
