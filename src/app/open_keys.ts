import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../log.ts";
import { SecretBox } from "../nostr/sealed_secrets.ts";
import type { EventCrypto } from "../nostr/verify.ts";
import type { Random } from "../random.ts";
import type { Settings } from "../settings.ts";
import { BunkerKeys } from "./bunker_keys.ts";
import { type MerchantKey, merchantKey } from "./merchant_key.ts";
import type { WalletUrls } from "./merchant_registry.ts";

/** What opens and signs: the box of sealed secrets, remote signers, and the merchant that the settings set up. */
export interface Keys {
  secrets: SecretBox;
  bunkers: BunkerKeys;
  first: MerchantKey & WalletUrls;
}

/** The file of the master key. A database without it keeps its secrets for ever. */
export function masterKeyPath(dataDir: string): string {
  return `${dataDir}/master.key`;
}

/** Opens them; makes what is missing at first start. Throws a `KeyError`, or `BunkerSilentError`. */
export async function openKeys(o: {
  settings: Settings;
  database: Database;
  crypto: EventCrypto;
  clock: Clock;
  random: Random;
  log: Log;
  stopped?: AbortSignal;
}): Promise<Keys> {
  const { settings, random } = o;
  const secrets = await SecretBox.loadOrCreate(masterKeyPath(settings.NCC_DATA_DIR), random);
  const bunkers = new BunkerKeys({ ...o, secrets });
  const key = await merchantKey(settings, random, bunkers, o.stopped);
  const { NCC_WALLET: wallet = null, NCC_WALLET_SPEND: spend = null } = settings;
  return { secrets, bunkers, first: { ...key, wallet, spend } };
}
