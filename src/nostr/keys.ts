import { ECDH } from "node:crypto";
import { hexToBytes } from "@noble/hashes/utils.js";
import { bech32 } from "@scure/base";
import { decode, npubEncode, nsecEncode } from "nostr-tools/nip19";
import { decrypt, encrypt } from "nostr-tools/nip49";
import type { Random } from "../random.ts";
import { type BunkerUrl, isBunkerUrl, parseBunkerUrl } from "./bunker/bunker_url.ts";
import { isSecretKey, newSecretKey } from "./secret_bytes.ts";
import { createSecretFile, readSecretFile } from "./secret_file.ts";

export type SecretKeyResult = { ok: true; secretKey: Uint8Array } | { ok: false; reason: string };
export type GivenKeyResult = { ok: true; key: GivenKey } | { ok: false; reason: string };
/** A merchant's key as somebody gave it: the key itself, or where the one who holds it is. */
export type GivenKey = { type: "secret"; secretKey: Uint8Array } | { type: "bunker"; bunker: BunkerUrl };
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

/**
 * Reads what may stand for a merchant's key: nsec1…, 64 hex digits, ncryptsec1… (NIP-49, with its passphrase) or bunker://…
 * (NIP-46). An ncryptsec takes a fifth of a second of computing.
 */
export function parseKey(text: string, passphrase: string | null): GivenKeyResult {
  if (isBunkerUrl(text)) {
    const read = parseBunkerUrl(text);
    return read.ok ? { ok: true, key: { type: "bunker", bunker: read.bunker } } : read;
  }
  const read = isEncrypted(text) ? opened(text, passphrase) : parseSecretKey(text);
  return read.ok ? { ok: true, key: { type: "secret", secretKey: read.secretKey } } : read;
}

/** Whether a text is a key under a passphrase (NIP-49). */
export function isEncrypted(text: string): boolean {
  return /^ncryptsec1/i.test(bare(text));
}

/** Why an ncryptsec1… can't be opened by anybody here, whatever the passphrase; null when it may. */
export function encryptedKeyProblem(text: string): string | null {
  const bytes = decodeEncrypted(bare(text));
  if (bytes === null) return misspelt("ncryptsec1…");
  if (bytes[0] !== 2) return `This ncryptsec1… is of version ${bytes[0]}; only version 2 is known (NIP-49).`;
  return bytes[1]! <= MOST_LOG_N
    ? null
    : `Opening this ncryptsec1… would take ${
      2 ** (bytes[1]! - 20)
    } GB of memory. Make one with less work (log2 n of ${MOST_LOG_N} at most).`;
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
 * The secret key in the file at `path`, made and stored there when there is none: mode 0600, an nsec, or an ncryptsec where
 * a passphrase is given. When several processes start at once, all get the same. Throws when the file is open to others or
 * holds no key; a file is never overwritten.
 */
export async function loadOrCreateKeyFile(
  path: string,
  random: Random,
  passphrase: string | null = null,
): Promise<{ secretKey: Uint8Array; created: boolean }> {
  const present = await readSecretFile(path);
  if (present !== null) return { secretKey: fromFile(path, present, passphrase), created: false };
  const secretKey = newSecretKey(random);
  const text = passphrase === null ? nsec(secretKey) : exportEncrypted(secretKey, passphrase);
  if (await createSecretFile(path, text, random)) return { secretKey, created: true };
  return { secretKey: fromFile(path, await readSecretFile(path) ?? "", passphrase), created: false };
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
  // The text says how much memory it takes to open it, and that may be somebody else's text.
  const problem = encryptedKeyProblem(given);
  if (problem !== null) return { ok: false, reason: problem };
  try {
    return checked(decrypt(given, passphrase));
  } catch {
    // The library's message quotes what it was given.
    return { ok: false, reason: "The passphrase is wrong." };
  }
}

/** NIP-49 asks for 16 to 22; each step doubles what it takes: 20 is 1 GB. */
const MOST_LOG_N = 20;

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

/** Its bytes: version, log2 n, salt and the rest (NIP-49); null when its checksum is wrong. */
function decodeEncrypted(text: string): Uint8Array | null {
  try {
    const { prefix, bytes } = bech32.decodeToBytes(text.toLowerCase(), 200);
    return prefix === "ncryptsec" && bytes.length === 91 ? bytes : null;
  } catch {
    // The library's message quotes the text.
    return null;
  }
}

function opened(text: string, passphrase: string | null): SecretKeyResult {
  if (passphrase !== null) return importEncrypted(text, passphrase);
  return {
    ok: false,
    reason: "This key is encrypted (ncryptsec1…): set NCC_KEY_PASSPHRASE_FILE to a file with its passphrase.",
  };
}

function fromFile(path: string, text: string, passphrase: string | null): Uint8Array {
  const parsed = isEncrypted(text) ? opened(text, passphrase) : parseSecretKey(text);
  if (parsed.ok) return parsed.secretKey;
  throw new Error(
    `${path} holds no usable key. ${parsed.reason} Put the right file back, or move this one away.`,
  );
}
