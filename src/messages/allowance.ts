import type { SenderRate } from "./sender_rates_store.ts";

const MINUTE_MS = 60_000;
const LEAST_BURST = 200;
const BURST_MINUTES = 10;

/**
 * How many messages of one sender are taken in at all: on average as many as are read (`NCC_DM_RATE`), and ten minutes' worth
 * at once. What is above the rate waits its turn; what is above this would wait for ever, and fill the inbox.
 */
export function allowance(rate: SenderRate): { perMinute: number; burst: number } {
  const perMinute = rate.count * MINUTE_MS / rate.perMs;
  return { perMinute, burst: Math.max(LEAST_BURST, perMinute * BURST_MINUTES) };
}

/** The same as limits of the built-in relay, so that nothing it takes is left unread for that reason. */
export function keyLimits(rate: SenderRate): { eventsPerKey: number; burstPerKey: number } {
  const { perMinute, burst } = allowance(rate);
  return { eventsPerKey: perMinute, burstPerKey: burst };
}
