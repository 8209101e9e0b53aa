import type { NostrEvent } from "@nostrify/types";
import type { KeyCrypto, Verifier } from "../event_crypto.ts";
import type { EventTemplate } from "../event_id.ts";
import { LruMap } from "../lru_map.ts";
import { cipherOf } from "../payload.ts";
import { type Cipher, type MerchantSigner, SignerUnavailableError } from "../signer.ts";
import { BunkerConnection, type BunkerParts } from "./connection.ts";
import { Gate } from "./gate.ts";
import type { BunkerMethod } from "./messages.ts";
import type { BunkerStatus } from "./options.ts";
import { isRefusalText, Proof } from "./proof.ts";
import { BunkerRefusal } from "./requests.ts";
import { readSigned } from "./signed.ts";
import { Wakefulness } from "./wakefulness.ts";

const AUTH_KIND = 22242;
const MOST_OPENED = 500;
const WORDS_MOST = 160;
/** Who was refused comes again after this long: a person has to change something first. */
const REFUSED_MS = 60_000;
const BUSY_MS = 3_000;

export interface RemoteSignerParts extends BunkerParts {
  /** The merchant's key, as it was when the signer was first connected. */
  pubkey: string;
  /** It answers, for the first time or again after it slept; `missedAuth`: a relay asked who we are meanwhile and wasn't told. */
  onAwake?: (missedAuth: boolean) => void;
}

/**
 * A merchant's key that lies in a remote signer (NIP-46). Whatever goes wrong there is a `SignerUnavailableError`: what needed
 * the key waits and is tried again. While the signer sleeps callers hear so at once, so that they hold up nobody else.
 */
export class RemoteSigner implements MerchantSigner {
  readonly pubkey: string;
  readonly crypto: KeyCrypto;
  readonly #verifier: Verifier;
  readonly #connection: BunkerConnection;
  readonly #awake: Wakefulness;
  readonly #gate: Gate;
  readonly #proof: Proof;
  /** Messages that are being opened: who asks for the same meanwhile joins. */
  readonly #opening = new Map<string, Promise<string>>();
  /** Those that were opened when nobody waited any more: a slow signer gets there by the next try. */
  readonly #openedLate = new LruMap<string, string>(MOST_OPENED);
  #refusal: { method: BunkerMethod; text: string } | null = null;
  #missedAuth = false;

  constructor(parts: RemoteSignerParts) {
    const { pubkey, crypto, clock, random, log, onAwake = () => {} } = parts;
    this.pubkey = pubkey;
    this.crypto = crypto;
    this.#verifier = crypto;
    this.#connection = new BunkerConnection(parts);
    const { atOnce, queue, provenMs } = this.#connection.options;
    this.#gate = new Gate(clock, atOnce, queue);
    this.#proof = new Proof({ pubkey, crypto, random, clock, provenMs });
    this.#awake = new Wakefulness(this.#connection, {
      pubkey,
      clock,
      random,
      log,
      onAwake: () => {
        onAwake(this.#missedAuth);
        this.#missedAuth = false;
      },
    });
  }

  /** Looks whether it is there; nobody has to wait for that. */
  start(): void {
    this.#awake.start();
  }

  status(): BunkerStatus {
    const { lastAnswerAt, authUrl } = this.#connection;
    const { state } = this.#awake;
    return {
      state: state === "awake" && this.#refusal !== null ? "refuses" : state,
      lastAnswerAt,
      waiting: this.#gate.size,
      authUrl,
      error: state === "awake"
        ? this.#refusal?.text ?? null
        : this.#connection.relayError() ?? this.#awake.error,
    };
  }

  getPublicKey(): Promise<string> {
    return Promise.resolve(this.pubkey);
  }

  async signEvent(template: EventTemplate): Promise<NostrEvent> {
    const { kind, created_at, tags, content } = template;
    try {
      const text = await this.#ask("sign_event", [JSON.stringify({ kind, created_at, tags, content })]);
      const read = readSigned(text, template, this.pubkey, this.#verifier);
      if (!read.ok) throw this.#refused("sign_event", read.reason);
      return read.event;
    } catch (error) {
      if (kind === AUTH_KIND) this.#missedAuth = true;
      throw this.#refusalOf("sign_event", error);
    }
  }

  readonly nip04: Cipher = {
    encrypt: (peer, text) => this.#encrypt("nip04", peer, text),
    decrypt: (peer, payload) => this.#decrypt("nip04", peer, payload),
  };

  readonly nip44: Cipher = {
    encrypt: (peer, text) => this.#encrypt("nip44", peer, text),
    decrypt: (peer, payload) => this.#decrypt("nip44", peer, payload),
  };

  async close(): Promise<void> {
    await this.#connection.close();
    await this.#awake.close();
  }

  async #encrypt(cipher: "nip04" | "nip44", peer: string, text: string): Promise<string> {
    const method = `${cipher}_encrypt` as const;
    try {
      const payload = await this.#ask(method, [peer, text]);
      if (cipherOf(payload) !== cipher) throw this.#refused(method, "it returned no such payload");
      return payload;
    } catch (error) {
      throw this.#refusalOf(method, error);
    }
  }

  /** Throws a plain error when the payload can't be opened by anybody who holds the key, and only then. */
  async #decrypt(cipher: "nip04" | "nip44", peer: string, payload: string): Promise<string> {
    const method = `${cipher}_decrypt` as const;
    try {
      const text = await this.#open(method, [peer, payload]);
      this.#proof.hold(cipher);
      return text;
    } catch (error) {
      if (!(error instanceof BunkerRefusal)) throw error;
      if (isRefusalText(error.message)) throw this.#refusalOf(method, error);
      // "Bad MAC" is the payload's fault and "what?" isn't: a message that certainly opens tells them apart.
      const opens = await this.#proof.of(cipher, (sender, text) => this.#ask(method, [sender, text]));
      if (!opens) throw this.#refusalOf(method, error);
      throw new Error("the remote signer can't open this payload");
    }
  }

  async #open(method: BunkerMethod, params: string[]): Promise<string> {
    const key = `${method} ${params.join(" ")}`;
    const known = this.#openedLate.get(key);
    if (known !== undefined) return known;
    const opening = this.#opening.get(key) ??
      this.#ask(method, params, (late) => this.#openedLate.set(key, late)).finally(() =>
        this.#opening.delete(key)
      );
    this.#opening.set(key, opening);
    return await opening;
  }

  /** `onLate` gets an answer that comes when the caller has been sent away. */
  async #ask(method: BunkerMethod, params: string[], onLate?: (text: string) => void): Promise<string> {
    await this.#awake.ready();
    const { queueMs, answerMs } = this.#connection.options;
    using place = await this.#gate.enter(queueMs, this.#connection.closed);
    if (place === null) {
      throw new SignerUnavailableError("the remote signer is slower than it is asked", BUSY_MS);
    }
    // It may have fallen asleep meanwhile.
    await this.#awake.ready();
    const request = this.#connection.begin(method, params);
    const { heard } = this.#connection;
    try {
      const text = await this.#connection.answer(request, { ms: answerMs });
      this.#connection.authUrl = null;
      if (this.#refusal?.method === method) this.#refusal = null;
      return text;
    } catch (error) {
      if (!(error instanceof SignerUnavailableError)) throw error;
      if (this.#connection.heard === heard) this.#awake.fallAsleep(error);
      if (onLate) void request.answer.then(onLate, () => {});
      throw error;
    }
  }

  #refusalOf(method: BunkerMethod, error: unknown): unknown {
    return error instanceof BunkerRefusal ? this.#refused(method, error.message) : error;
  }

  /** The signer's words are for who may see the status; what is thrown ends up in the log. */
  #refused(method: BunkerMethod, words: string): SignerUnavailableError {
    const shown = words.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, " ").slice(0, WORDS_MOST);
    this.#refusal = { method, text: `it refuses ${method}: ${shown}` };
    return new SignerUnavailableError(`the remote signer refuses ${method}`, REFUSED_MS);
  }
}
