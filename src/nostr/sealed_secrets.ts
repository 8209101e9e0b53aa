import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { base64urlnopad } from "@scure/base";
import type { Random } from "../random.ts";
import { createSecretFile, readSecretFile } from "./secret_file.ts";

const NONCE_BYTES = 24;
const DERIVED_BYTES = 24;

/**
 * Keeps secrets (keys, wallets' credentials) in the database without showing them to whoever reads it: each is sealed by
 * XChaCha20-Poly1305 under a master key that lies in a file of its own. A sealed text is `v1.<which master key>.<nonce and
 * ciphertext>` and opens only for the context (which merchant's, which purpose) that it was sealed for.
 */
export class SecretBox {
  readonly #key: Uint8Array;
  readonly #random: Random;
  readonly #keyName: string;

  /** `key` has 32 bytes. */
  constructor(key: Uint8Array, random: Random) {
    if (key.length !== 32) throw new Error("A master key has 32 bytes.");
    this.#key = Uint8Array.from(key);
    this.#random = random;
    this.#keyName = bytesToHex(sha256(concatBytes(utf8ToBytes("ncc master key name"), key)).subarray(0, 4));
  }

  /**
   * The box whose master key is in the file at `path` (64 hex digits, mode 0600); the key is made when there is no such
   * file. Throws when the file is open to others or holds something else.
   */
  static async loadOrCreate(path: string, random: Random): Promise<SecretBox> {
    const present = await readSecretFile(path);
    if (present !== null) return new SecretBox(masterKey(path, present), random);
    const key = random.bytes(32);
    if (await createSecretFile(path, bytesToHex(key), random)) return new SecretBox(key, random);
    return new SecretBox(masterKey(path, await readSecretFile(path) ?? ""), random);
  }

  /** A secret that follows from the master key and what it is for: the same after every restart, and nobody else's to find out. */
  derive(purpose: string): string {
    const mac = hmac(sha256, this.#key, utf8ToBytes(`ncc derived secret: ${purpose}`));
    return base64urlnopad.encode(mac.subarray(0, DERIVED_BYTES));
  }

  /** Seals a text for one context, for example `<merchant>:wallet`. */
  seal(plain: string, context: string): string {
    const nonce = this.#random.bytes(NONCE_BYTES);
    const sealed = xchacha20poly1305(this.#key, nonce, utf8ToBytes(context)).encrypt(utf8ToBytes(plain));
    return `v1.${this.#keyName}.${base64urlnopad.encode(concatBytes(nonce, sealed))}`;
  }

  /** Opens what `seal` made for the same context. Throws when the master key is another, or the text was altered or moved. */
  open(sealed: string, context: string): string {
    const [version, keyName, body] = sealed.split(".");
    if (version !== "v1" || !keyName || !body) {
      throw new Error(`The sealed secret for ${context} is damaged.`);
    }
    if (keyName !== this.#keyName) {
      throw new Error(
        `The secret for ${context} was sealed with another master key (${keyName}, this one is ${this.#keyName}). ` +
          "Put the master key file that belongs to this database back.",
      );
    }
    try {
      const bytes = base64urlnopad.decode(body);
      const cipher = xchacha20poly1305(this.#key, bytes.subarray(0, NONCE_BYTES), utf8ToBytes(context));
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(
        cipher.decrypt(bytes.subarray(NONCE_BYTES)),
      );
    } catch {
      // The libraries' messages may quote what they were given.
      throw new Error(`The sealed secret for ${context} was altered, or was sealed for something else.`);
    }
  }
}

function masterKey(path: string, text: string): Uint8Array {
  if (/^[0-9a-f]{64}$/.test(text)) return hexToBytes(text);
  throw new Error(`${path} holds no master key: 64 hex digits are expected. Put the right file back.`);
}
