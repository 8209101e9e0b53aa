import type { NostrEvent } from "@nostrify/types";

/** Kind of the event that answers a challenge (NIP-42). */
export const AUTH_KIND = 22_242;
const MAX_SKEW_SECONDS = 600;

/** The reason has a prefix of NIP-01. */
export type AuthVerdict = { ok: true } | { ok: false; reason: string };

/**
 * Whether an event (whose signature is checked elsewhere) answers this connection's challenge, for this relay, now.
 * NIP-42: its `relay` tag must name us, or a relay in between could log in to us as its own clients.
 */
export function checkAuth(
  event: NostrEvent,
  expected: { challenge: string; hosts: readonly string[]; now: number },
): AuthVerdict {
  const value = (name: string) => event.tags.find((tag) => tag[0] === name)?.[1];
  if (event.kind !== AUTH_KIND) {
    return { ok: false, reason: `invalid: AUTH takes an event of kind ${AUTH_KIND}` };
  }
  if (value("challenge") !== expected.challenge) {
    return { ok: false, reason: "invalid: this isn't the challenge given" };
  }
  if (Math.abs(event.created_at - expected.now) > MAX_SKEW_SECONDS) {
    return { ok: false, reason: "invalid: created_at is more than 10 minutes off" };
  }
  const host = hostOf(value("relay") ?? "");
  if (host === null || !expected.hosts.includes(host)) {
    return { ok: false, reason: "invalid: the relay tag names another relay" };
  }
  return { ok: true };
}

/**
 * The hosts that may stand in a `relay` tag. The host that a client says it connected to is its own word, so it counts
 * only where nothing is public: beside a public URL it may be loopback and nothing else.
 */
export function authHosts(publicUrl: string, connectedTo: string): string[] {
  const own = hostOf(publicUrl);
  const connected = hostOf(connectedTo);
  const hosts = own === null ? [] : [own];
  if (connected !== null && (own === null || isLoopback(own) || isLoopback(connected))) hosts.push(connected);
  return hosts;
}

/** Host and port of a URL, without the port that its scheme implies; null for what is no URL. */
function hostOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).host.toLowerCase() : null;
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(host);
}
