import { errorText } from "../../log.ts";
import { npub, parsePublicKey } from "../../nostr/keys.ts";
import { localSigner, type MerchantSigner } from "../../nostr/signer.ts";
import type { EventCrypto } from "../../nostr/verify.ts";
import { merchantKey } from "../merchant_key.ts";
import { hasKey } from "../set_up.ts";
import { type Finding, type Patient, problem, well } from "./finding.ts";

/** The merchant's key, and a signer with it for those relays that ask who reads. No key is made. */
export async function lookAtKey(
  { settings, random }: Patient,
  crypto: EventCrypto,
): Promise<{ finding: Finding; signer: MerchantSigner | null }> {
  const what = "key";
  try {
    if (!await hasKey(settings)) {
      return { finding: well(what, "none yet; the first start makes one"), signer: null };
    }
    const { secretKey, pubkey, source } = await merchantKey(settings, random);
    return {
      finding: well(what, `${npub(pubkey)} from ${source}`),
      signer: localSigner(secretKey, crypto, { random }),
    };
  } catch (error) {
    const remedy = settings.NCC_KEY === undefined
      ? "Put the right key file back from your backup (ncc key export makes one)."
      : "Set NCC_KEY to the shop's nsec, or to its 64 hex characters.";
    return { finding: problem(what, errorText(error), remedy), signer: null };
  }
}

/** Who may administer by NIP-98. */
export function lookAtOwners({ settings }: Patient): Finding {
  const what = "owners";
  for (const owner of settings.NCC_OWNERS) {
    const key = parsePublicKey(owner);
    if (!key.ok) return problem(what, `${owner}: ${key.reason}`, "Copy your npub to NCC_OWNERS again.");
  }
  return settings.NCC_OWNERS.length > 0
    ? well(what, `${settings.NCC_OWNERS.length} may administer by NIP-98`)
    : well(what, "none: the admin token alone administers");
}
