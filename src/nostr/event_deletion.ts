import { NKinds } from "@nostrify/nostrify";
import type { NostrEvent } from "@nostrify/types";
import type { Address } from "./event_row.ts";

/** The kind that asks for deletions (NIP-09). */
export const DELETION = 5;

/** What a deletion names. */
export interface DeletionTargets {
  /** Ids of `e` tags. Whether the author owns those events shows only in the store. */
  ids: string[];
  /** The author's own addresses, of `a` tags. Versions up to the deletion's `created_at` go. */
  addresses: Address[];
}

/**
 * NIP-09: what this kind 5 event deletes, without repetitions. An address is `kind:pubkey:d` written exactly as an event
 * of that kind has it: `d` is everything behind the second colon, other colons included, and empty means empty. What is
 * another author's, or no address at all, is left out.
 */
export function deletionTargets(event: NostrEvent): DeletionTargets {
  const ids = new Set<string>();
  const addresses = new Map<string, Address>();
  for (const [name, value] of event.tags) {
    if (value === undefined) continue;
    if (name === "e") ids.add(value);
    if (name === "a") {
      const address = parseAddress(value, event.pubkey);
      if (address) addresses.set(value, address);
    }
  }
  return { ids: [...ids], addresses: [...addresses.values()] };
}

function parseAddress(text: string, author: string): Address | undefined {
  const digits = /^(0|[1-9][0-9]{0,9}):/.exec(text)?.[1];
  if (digits === undefined) return undefined;
  const prefix = `${digits}:${author}:`;
  if (!text.startsWith(prefix)) return undefined;
  const kind = Number(digits);
  const d = text.slice(prefix.length);
  const exists = NKinds.addressable(kind) || (NKinds.replaceable(kind) && d === "");
  return exists ? { kind, d, text } : undefined;
}
