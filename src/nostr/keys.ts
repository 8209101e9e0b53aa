import { ECDH } from "node:crypto";
import { hexToBytes } from "@noble/hashes/utils.js";
import { decode, npubEncode, nsecEncode } from "nostr-tools/nip19";
import { decrypt, encrypt } from "nostr-tools/nip49";
import type { Random } from "../random.ts";
import { isSecretKey, newSecretKey } from "./secret_bytes.ts";
import { createSecretFile, readSecretFile } from "./secret_file.ts";

export type SecretKeyResult = { ok: true; secretKey: Uint8Array } | { ok: false; reason: string };
export type PublicKeyResult = { ok: true; pubkey: string } | { ok: false; reason: string };

/**
 * Reads a secret key as people have it: nsec1… or 64 hex digits. The reason of a refusal says what was given instead,
 * never the text itself.
 */
export function parseSecretKey(text: string): SecretKeyResult {
  const given = bare(text);
  if (/^[0-9a-f]{64}$/i.test(given)) return checked(hexToBytes(given.toLowerCase()));
  if (!/^nsec1/i.test(given)) return { ok: false, reason: `${whatItIs(given)} ${SECRET_WANTED}` };
  const decoded = decodeBech32(given);
  if (decoded?.type !== "nsec") return { ok: false, reason: misspelt("nsec1…") };
  return checked(decoded.data);
}

/** Reads a public key: npub1…, nprofile1… or 64 hex digits. Gives hex. */
export function parsePublicKey(text: string): PublicKeyResult {
  const given = bare(text);
  if (/^[0-9a-f]{64}$/i.test(given)) return checkedPoint(given.toLowerCase());
  if (!/^(npub|nprofile)1/i.test(given)) return { ok: false, reason: `${whatItIs(given)} ${PUBLIC_WANTED}` };
  const decoded = decodeBech32(given);
  if (decoded?.type === "npub") return checkedPoint(decoded.data);
  if (decoded?.type === "nprofile") return checkedPoint(decoded.data.pubkey);
  return { ok: false, reason: misspelt("npub1…") };
}

/** The public key as people write it (NIP-19). */
export function npub(pubkey: string): string {
  return npubEncode(pubkey);
}

/** The secret key as people write it (NIP-19): for the owner's eyes only. */
export function nsec(secretKey: Uint8Array): string {
  return nsecEncode(secretKey);
}

/**
 * The secret key in the file at `path`, made and stored there when there is none: nsec, mode 0600. When several processes
 * start at once, all get the same. Throws when the file is open to others or holds no key; a file is never overwritten.
 */
export async function loadOrCreateKeyFile(
  path: string,
  random: Random,
): Promise<{ secretKey: Uint8Array; created: boolean }> {
  const present = await readSecretFile(path);
  if (present !== null) return { secretKey: fromFile(path, present), created: false };
  const secretKey = newSecretKey(random);
  if (await createSecretFile(path, nsec(secretKey), random)) return { secretKey, created: true };
  return { secretKey: fromFile(path, await readSecretFile(path) ?? ""), created: false };
}

/** The key under a passphrase, as ncryptsec1… (NIP-49), to be kept elsewhere. Takes a fifth of a second of computing. */
export function exportEncrypted(secretKey: Uint8Array, passphrase: string): string {
  if (passphrase === "") {
    throw new Error("A passphrase is needed: without one the export would protect nothing.");
  }
  return encrypt(secretKey, passphrase);
}

/** The key in an ncryptsec1… (NIP-49). */
export function importEncrypted(text: string, passphrase: string): SecretKeyResult {
  const given = bare(text);
  if (!/^ncryptsec1/i.test(given)) {
    return { ok: false, reason: `${whatItIs(given)} ncryptsec1… is expected.` };
  }
  try {
    return checked(decrypt(given, passphrase));
  } catch {
    // The library's message quotes what it was given.
    return { ok: false, reason: "The passphrase is wrong, or the ncryptsec1… was not copied whole." };
  }
}

const SECRET_WANTED = "A secret key starts with nsec1, or has 64 hex digits.";
const PUBLIC_WANTED = "A public key starts with npub1, or has 64 hex digits.";

/** What people paste instead of a key, by its beginning. */
const LOOKALIKES: readonly (readonly [RegExp, string])[] = [
  [/^$/, "Nothing was given."],
  [/^nsec1/i, "This is the SECRET key (nsec1…), which nobody else may see."],
  [/^(npub|nprofile)1/i, "This is a public key, which can't sign."],
  [/^ncryptsec1/i, "This key is encrypted (ncryptsec1…) and needs its passphrase."],
  [/^(note|nevent|naddr)1/i, "This names an event, not a key."],
  [/^bunker:/i, "This is the address of a remote signer (bunker://…)."],
  [/^nostr\+walletconnect:/i, "This connects a wallet (nostr+walletconnect://…), and is no key."],
  [/^(\p{L}+\s+){11,23}\p{L}+$/u, "These look like seed words (NIP-06): convert them to an nsec first."],
  [/^[^\s@]+@[^\s@]+$/, "This is a name (NIP-05) or an address, not a key."],
];

function whatItIs(given: string): string {
  const known = LOOKALIKES.find(([form]) => form.test(given));
  if (known) return known[1];
  return /^[0-9a-f]+$/i.test(given) ? `This has ${given.length} hex digits.` : "This is no key.";
}

function misspelt(what: string): string {
  return `The ${what} has a typing error or is cut off: its checksum doesn't fit. Copy it again.`;
}

function bare(text: string): string {
  return text.trim().replace(/^nostr:/i, "");
}

function decodeBech32(text: string): ReturnType<typeof decode> | null {
  try {
    return decode(text);
  } catch {
    // The library's message quotes the text, and that may be a secret.
    return null;
  }
}

function checked(secretKey: Uint8Array): SecretKeyResult {
  if (isSecretKey(secretKey)) return { ok: true, secretKey };
  return { ok: false, reason: "This is no usable key: it is zero or too large for the curve." };
}

function checkedPoint(pubkey: string): PublicKeyResult {
  try {
    ECDH.convertKey(`02${pubkey}`, "secp256k1", "hex", "hex", "uncompressed");
    return { ok: true, pubkey };
  } catch {
    return {
      ok: false,
      reason: "No such public key can exist (it is no point of the curve). Copy it again.",
    };
  }
}

function fromFile(path: string, text: string): Uint8Array {
  const parsed = parseSecretKey(text);
  if (parsed.ok) return parsed.secretKey;
  throw new Error(
    `${path} holds no usable key. ${parsed.reason} Put the right file back, or move this one away.`,
  );
}
