import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../log.ts";
import type { BunkerUrl } from "../nostr/bunker/bunker_url.ts";
import { BunkerConnection } from "../nostr/bunker/connection.ts";
import { BunkerRefusal } from "../nostr/bunker/requests.ts";
import type { SecretBox } from "../nostr/sealed_secrets.ts";
import { newSecretKey } from "../nostr/secret_bytes.ts";
import { SignerUnavailableError } from "../nostr/signer.ts";
import type { EventCrypto } from "../nostr/verify.ts";
import { installRelaySocket } from "../nostr/websocket.ts";
import type { Random } from "../random.ts";
import { getFact, putFact } from "./facts_store.ts";
import { KeyError } from "./merchant_key.ts";
import { getSecret, keepSecret } from "./secrets_store.ts";

/** How long a signer that is connected for the first time has: somebody may have to approve us there. */
const FIRST_CONTACT_MS = 120_000;
/** A signer that was heard once is asked for its key in this time. */
const KEY_MS = 20_000;
const CLIENT = "bunker_client";
const WORDS_MOST = 160;

/** A remote signer that has to answer and didn't. Later it may. */
export class BunkerSilentError extends Error {
  override readonly name = "BunkerSilentError";
}

export interface BunkerKeysParts {
  database: Database;
  secrets: SecretBox;
  crypto: EventCrypto;
  clock: Clock;
  random: Random;
  log: Log;
  /** A page that has to be opened so that the signer lets us in. */
  onAuthUrl?: ((url: string) => void) | undefined;
  firstContactMs?: number | undefined;
}

/**
 * What we are to remote signers (NIP-46): a key of our own for each, sealed, by which it knows us again, and the merchant's
 * public key that it told at first. So a shop starts while its signer sleeps, and several processes are one client.
 */
export class BunkerKeys {
  readonly #o: BunkerKeysParts;

  constructor(parts: BunkerKeysParts) {
    this.#o = parts;
  }

  /** What was agreed with a signer; null before the first contact. It asks nobody. */
  async known(bunker: BunkerUrl): Promise<{ pubkey: string; clientKey: Uint8Array } | null> {
    const { database, secrets } = this.#o;
    const pubkey = await getFact(database.kysely, factOf(bunker));
    const sealed = await getSecret(database.kysely, bunker.pubkey, CLIENT);
    if (pubkey === undefined || sealed === undefined) return null;
    return { pubkey, clientKey: hexToBytes(secrets.open(sealed, contextOf(bunker))) };
  }

  /** The same; at the first contact the signer is connected and asked. Throws `KeyError` or `BunkerSilentError`. */
  async session(
    bunker: BunkerUrl,
    stopped?: AbortSignal,
  ): Promise<{ pubkey: string; clientKey: Uint8Array }> {
    const known = await this.known(bunker);
    if (known) return known;
    const clientKey = await this.#clientKey(bunker);
    installRelaySocket();
    const connection = new BunkerConnection({ ...this.#o, bunker, clientKey });
    connection.onAuthUrl = this.#o.onAuthUrl ?? (() => {});
    try {
      const pubkey = await this.#firstContact(connection, stopped);
      const { database, clock } = this.#o;
      await database.transaction((tx) =>
        putFact(tx, { name: factOf(bunker), value: pubkey, now: clock.now() })
      );
      return { pubkey, clientKey };
    } finally {
      await connection.close();
    }
  }

  /** Kept before it is shown to the signer: the address' secret lets one client in, once. */
  async #clientKey(bunker: BunkerUrl): Promise<Uint8Array> {
    const { database, secrets, random, clock } = this.#o;
    const sealed = secrets.seal(bytesToHex(newSecretKey(random)), contextOf(bunker));
    const kept = await database.transaction((tx) =>
      keepSecret(tx, { merchant: bunker.pubkey, name: CLIENT, sealed, now: clock.now() })
    );
    return hexToBytes(secrets.open(kept, contextOf(bunker)));
  }

  async #firstContact(connection: BunkerConnection, stopped?: AbortSignal): Promise<string> {
    const { log, firstContactMs = FIRST_CONTACT_MS } = this.#o;
    const signal = stopped ? { signal: stopped } : {};
    log.info("bunker.connecting", { relays: connection.bunker.relays, patience_ms: firstContactMs });
    try {
      try {
        await connection.connect({ ms: firstContactMs, approval: true, ...signal });
      } catch (error) {
        // A secret that was used may be ours of an earlier try: then it knows us.
        if (!(error instanceof BunkerRefusal)) throw error;
        return await connection.publicKey({ ms: KEY_MS, ...signal }).catch(() => Promise.reject(error));
      }
      return await connection.publicKey({ ms: KEY_MS, approval: true, ...signal });
    } catch (error) {
      if (error instanceof BunkerRefusal) throw refused(error);
      if (!(error instanceof SignerUnavailableError)) throw error;
      throw new BunkerSilentError(
        `The remote signer must answer once, when it is connected for the first time, and didn't (${
          connection.relayError() ?? error.message
        }). Open it, look whether it asks for your approval, and start again.`,
      );
    }
  }
}

function refused(error: BunkerRefusal): KeyError {
  const words = error.message.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, " ").slice(0, WORDS_MOST);
  return new KeyError(
    `The remote signer won't let us in: "${words}". Its address works once: make a new bunker:// address there and set NCC_KEY to it.`,
  );
}

function factOf(bunker: BunkerUrl): string {
  return `bunker:${bunker.pubkey}:merchant`;
}

function contextOf(bunker: BunkerUrl): string {
  return `${bunker.pubkey}:${CLIENT}`;
}
