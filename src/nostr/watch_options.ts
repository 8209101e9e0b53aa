/** Times of the watch over a relay, milliseconds. */
export interface WatchOptions {
  checkEveryMs: number;
  /** A relay that refuses checks is asked less and less often, down to this. */
  checkMostMs: number;
  checkTimeoutMs: number;
  /** Events of a kind that a check asks for. */
  checkLimit: number;
  /** How long the subscription may lag behind a check. */
  graceMs: number;
  probeEveryMs: number;
  /** Between two probes, however often the connection is lost. */
  probeLeastMs: number;
  /** A relay that refuses probes gets them less and less often, down to this. */
  probeMostMs: number;
  /** For a probe's way back. */
  echoMs: number;
  /** Between two new connections to a relay that stays deaf; meanwhile the checks bring what it has. */
  renewFirstMs: number;
  renewMostMs: number;
  /** Without a missed event for this long deafness is over, or starts anew. */
  forgiveMs: number;
}

export const watchDefaults: WatchOptions = {
  checkEveryMs: 15_000,
  checkMostMs: 5 * 60_000,
  checkTimeoutMs: 10_000,
  checkLimit: 20,
  graceMs: 8_000,
  probeEveryMs: 10 * 60_000,
  probeLeastMs: 60_000,
  probeMostMs: 6 * 3_600_000,
  echoMs: 10_000,
  renewFirstMs: 30_000,
  renewMostMs: 5 * 60_000,
  forgiveMs: 10 * 60_000,
};
