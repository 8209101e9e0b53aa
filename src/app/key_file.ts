import { exportEncrypted, importEncrypted, isEncrypted, parseSecretKey } from "../nostr/keys.ts";
import { readSecretFile, replaceSecretFile } from "../nostr/secret_file.ts";
import type { Random } from "../random.ts";
import { KeyError } from "./merchant_key.ts";

/**
 * Puts the key in the file at `path` under a passphrase (NIP-49), instead of the plain one. What was written opens again
 * before the plain key goes. Throws a `KeyError` when there is no plain key.
 */
export async function encryptKeyFile(path: string, passphrase: string, random: Random): Promise<void> {
  const text = await readSecretFile(path) ?? "";
  if (isEncrypted(text)) throw new KeyError(`${path} is encrypted already.`);
  const plain = parseSecretKey(text);
  if (!plain.ok) throw new KeyError(`${path} holds no usable key. ${plain.reason}`);
  const encrypted = exportEncrypted(plain.secretKey, passphrase);
  const back = importEncrypted(encrypted, passphrase);
  if (!back.ok || back.secretKey.some((byte, i) => byte !== plain.secretKey[i])) {
    throw new Error("The encrypted key didn't open again; the file is as it was.");
  }
  await replaceSecretFile(path, encrypted, random);
}
