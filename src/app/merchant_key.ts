import { loadOrCreateKeyFile, parseSecretKey } from "../nostr/keys.ts";
import { getPublicKey } from "nostr-tools/pure";
import type { Random } from "../random.ts";
import type { Settings } from "../settings.ts";

/** The first merchant's key and where it came from. */
export interface MerchantKey {
  secretKey: Uint8Array;
  pubkey: string;
  /** For people: "NCC_KEY" or the file's path. */
  source: string;
  /** It didn't exist before now. */
  created: boolean;
}

/** A key in the settings that can't be used. */
export class KeyError extends Error {
  override readonly name = "KeyError";
}

/** The file that a key is made in when the settings name none. */
export function keyPath(dataDir: string): string {
  return `${dataDir}/key.nsec`;
}

/** Reads the key from the settings, else from the data directory, where a new one is made at first start (0600). */
export async function merchantKey(settings: Settings, random: Random): Promise<MerchantKey> {
  if (settings.NCC_KEY !== undefined) {
    const parsed = parseSecretKey(settings.NCC_KEY);
    if (!parsed.ok) throw new KeyError(`NCC_KEY: ${parsed.reason}`);
    return {
      secretKey: parsed.secretKey,
      pubkey: getPublicKey(parsed.secretKey),
      source: "NCC_KEY",
      created: false,
    };
  }
  const path = keyPath(settings.NCC_DATA_DIR);
  const { secretKey, created } = await loadOrCreateKeyFile(path, random);
  return { secretKey, pubkey: getPublicKey(secretKey), source: path, created };
}
