import type { NostrEvent, NostrRelayOK } from "@nostrify/types";

/** A policy's yes (NIP-01: `OK` with an empty reason). */
export function accept(event: NostrEvent): NostrRelayOK {
  return ["OK", event.id, true, ""];
}

/** A policy's no. The reason starts with a prefix of NIP-01: `blocked:`, `invalid:`, `pow:`, `rate-limited:`, … */
export function refuse(event: NostrEvent, reason: string): NostrRelayOK {
  return ["OK", event.id, false, reason];
}
