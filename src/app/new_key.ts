import { getPublicKey } from "nostr-tools/pure";
import { npub, nsec, parseKey } from "../nostr/keys.ts";
import { createSecretFile, readSecretFile } from "../nostr/secret_file.ts";
import { newSecretKey } from "../nostr/secret_bytes.ts";
import { exportEncrypted } from "../nostr/keys.ts";
import type { Random } from "../random.ts";
import type { Settings } from "../settings.ts";
import { keyPath } from "./merchant_key.ts";

/** What became of the files, and what a person has to do; null: nothing. */
export interface KeptKey {
  /** Where the old key's file is now. */
  backup: string | null;
  next: string | null;
}

/**
 * A new key in a file beside the present one: mode 0600, under the passphrase if there is one. One that an earlier, broken
 * off change left is used again.
 */
export async function newKeyFile(
  settings: Settings,
  random: Random,
): Promise<{ text: string; file: string }> {
  const file = `${settings.NCC_DATA_DIR}/key.next`;
  const passphrase = settings.NCC_KEY_PASSPHRASE ?? null;
  const left = await readSecretFile(file);
  if (left !== null) {
    const read = parseKey(left, passphrase);
    if (read.ok && read.key.type === "secret") return { text: nsec(read.key.secretKey), file };
    throw new Error(`${file} was left by an earlier change and can't be used. Move it away.`);
  }
  const secretKey = newSecretKey(random);
  const kept = passphrase === null ? nsec(secretKey) : exportEncrypted(secretKey, passphrase);
  if (!await createSecretFile(file, kept, random)) {
    throw new Error(`${file} was made by somebody else just now.`);
  }
  return { text: nsec(secretKey), file };
}

/**
 * After the move: the new key's file takes the place of the old one, which is kept under another name. Where the settings give
 * the key, or give a key of the person's own, they are told what to set: files of theirs are left alone.
 */
export async function keepNewKey(
  settings: Settings,
  random: Random,
  o: { from: string; file: string | null },
): Promise<KeptKey> {
  const path = keyPath(settings.NCC_DATA_DIR);
  const present = await readSecretFile(path);
  const read = present === null ? null : parseKey(present, settings.NCC_KEY_PASSPHRASE ?? null);
  const isOurs = settings.NCC_KEY === undefined && read?.ok === true && read.key.type === "secret" &&
    getPublicKey(read.key.secretKey) === o.from;
  const backup = isOurs ? `${settings.NCC_DATA_DIR}/key.of-${npub(o.from).slice(0, 16)}.nsec` : null;
  if (o.file === null) {
    return { backup: null, next: "Set NCC_KEY (or NCC_KEY_FILE) to the new key before the next start." };
  }
  if (backup !== null) {
    if (!await createSecretFile(backup, present!, random)) throw new Error(`${backup} is there already.`);
    await Deno.rename(o.file, path);
    return { backup, next: null };
  }
  if (present === null) {
    await Deno.rename(o.file, path);
    return { backup: null, next: `Take NCC_KEY out of your settings: the new key is in ${path}.` };
  }
  return {
    backup: null,
    next: `The new key is in ${o.file}: set NCC_KEY_FILE to it, or keep it as a backup.`,
  };
}
