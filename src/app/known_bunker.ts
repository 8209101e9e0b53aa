import type { Clock } from "../clock.ts";
import { openDatabase } from "../db/open.ts";
import type { Log } from "../log.ts";
import type { BunkerUrl } from "../nostr/bunker/bunker_url.ts";
import { SecretBox } from "../nostr/sealed_secrets.ts";
import { readSecretFile } from "../nostr/secret_file.ts";
import type { EventCrypto } from "../nostr/verify.ts";
import type { Random } from "../random.ts";
import type { Settings } from "../settings.ts";
import { BunkerKeys } from "./bunker_keys.ts";
import { masterKeyPath } from "./open_keys.ts";
import { hasDatabase } from "./set_up.ts";

/**
 * What was agreed with a remote signer when it was connected for the first time; null when it never was. For looks from
 * outside a running shop: it makes nothing and asks nobody.
 */
export async function knownBunker(
  bunker: BunkerUrl,
  o: { settings: Settings; crypto: EventCrypto; clock: Clock; random: Random; log: Log },
): Promise<{ pubkey: string; clientKey: Uint8Array } | null> {
  const { settings } = o;
  const path = masterKeyPath(settings.NCC_DATA_DIR);
  if (!await hasDatabase(settings) || await readSecretFile(path) === null) return null;
  const secrets = await SecretBox.loadOrCreate(path, o.random);
  const database = await openDatabase(settings.NCC_DATABASE_URL ?? null, settings.NCC_DATA_DIR);
  try {
    return await new BunkerKeys({ ...o, database, secrets }).known(bunker);
  } finally {
    await database.close();
  }
}
