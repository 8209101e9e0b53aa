import { parsePublicKey } from "../nostr/keys.ts";
import type { Settings } from "../settings.ts";

/** The owners' keys, hex. Throws for one that the settings let through and that is none (a wrong checksum). */
export function ownerKeys({ NCC_OWNERS }: Settings): ReadonlySet<string> {
  return new Set(NCC_OWNERS.map((text) => {
    const parsed = parsePublicKey(text);
    if (!parsed.ok) throw new Error(`NCC_OWNERS: ${parsed.reason}`);
    return parsed.pubkey;
  }));
}

/** Owners who won't be told anything: the merchants' own keys, which get no messages from themselves. */
export function untoldOwners(settings: Settings, merchants: ReadonlySet<string>): string[] {
  return [...ownerKeys(settings)].filter((owner) => merchants.has(owner));
}

/** What to say to whom that happens. */
export const UNTOLD_OWNER =
  "NCC_OWNERS names the shop's own key: it may administer, but gets no messages from itself. Add your personal npub.";
