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
