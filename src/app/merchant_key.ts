import { getPublicKey } from "nostr-tools/pure";
import type { BunkerUrl } from "../nostr/bunker/bunker_url.ts";
import { loadOrCreateKeyFile, parseKey } from "../nostr/keys.ts";
import type { Random } from "../random.ts";
import type { Settings } from "../settings.ts";
import type { BunkerKeys } from "./bunker_keys.ts";

/** What a merchant signs with: the key itself, or a remote signer that knows us by a key of our own. */
export type SigningKey =
  | { type: "secret"; secretKey: Uint8Array }
  | { type: "bunker"; bunker: BunkerUrl; clientKey: Uint8Array }
  /** It was given up: nothing is signed or opened with it. */
  | { type: "none" };

/** A key that the settings or the data directory give. */
export type FoundKey = {
  /** For people: "NCC_KEY" or the file's path. */
  source: string;
  /** It didn't exist before now. */
  created: boolean;
  key: { type: "secret"; secretKey: Uint8Array } | { type: "bunker"; bunker: BunkerUrl };
};

/** The first merchant's key and where it came from. */
export interface MerchantKey extends Pick<FoundKey, "source" | "created"> {
  key: Exclude<SigningKey, { type: "none" }>;
  pubkey: string;
}

/** A key in the settings that can't be used. */
export class KeyError extends Error {
  override readonly name = "KeyError";
}

/** The file that a key is made in when the settings name none. */
export function keyPath(dataDir: string): string {
  return `${dataDir}/key.nsec`;
}

/**
 * Reads the key from the settings, else from the data directory, where a new one is made at first start (0600; under the
 * passphrase if there is one). Nobody is asked for a remote signer's key. Throws a `KeyError`.
 */
export async function findKey(settings: Settings, random: Random): Promise<FoundKey> {
  const passphrase = settings.NCC_KEY_PASSPHRASE ?? null;
  if (settings.NCC_KEY !== undefined) {
    const parsed = parseKey(settings.NCC_KEY, passphrase);
    if (!parsed.ok) throw new KeyError(`NCC_KEY: ${parsed.reason}`);
    return { key: parsed.key, source: "NCC_KEY", created: false };
  }
  const path = keyPath(settings.NCC_DATA_DIR);
  const { secretKey, created } = await fileKey(path, random, passphrase);
  return { key: { type: "secret", secretKey }, source: path, created };
}

/**
 * The first merchant's key, ready for work. A remote signer must answer once, when it is connected for the first time, and
 * may sleep at every later start. Throws a `KeyError`, or `BunkerSilentError` when nobody answered.
 */
export async function merchantKey(
  settings: Settings,
  random: Random,
  bunkers: BunkerKeys,
  stopped?: AbortSignal,
): Promise<MerchantKey> {
  const { key, source, created } = await findKey(settings, random);
  if (key.type === "secret") return { key, pubkey: getPublicKey(key.secretKey), source, created };
  const { pubkey, clientKey } = await bunkers.session(key.bunker, stopped);
  return { key: { ...key, clientKey }, pubkey, source, created };
}

async function fileKey(path: string, random: Random, passphrase: string | null) {
  try {
    return await loadOrCreateKeyFile(path, random, passphrase);
  } catch (error) {
    // A wrong passphrase, another's rights or a damaged file: a restart mends none of them.
    if (error instanceof Error && !(error instanceof Deno.errors.NotCapable)) {
      throw new KeyError(error.message, { cause: error });
    }
    throw error;
  }
}
