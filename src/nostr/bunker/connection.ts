import type { Clock } from "../../clock.ts";
import type { Log } from "../../log.ts";
import type { Random } from "../../random.ts";
import { Deadline, unlessAborted } from "../deadline.ts";
import type { KeyCrypto, Verifier } from "../event_crypto.ts";
import { parsePublicKey } from "../keys.ts";
import { RelayPool } from "../relay_pool.ts";
import { localSigner, SignerUnavailableError } from "../signer.ts";
import type { BunkerUrl } from "./bunker_url.ts";
import type { BunkerMethod } from "./messages.ts";
import { bunkerDefaults, type BunkerOptions } from "./options.ts";
import { type BunkerRequest, BunkerRequests } from "./requests.ts";

/** What a connection to a remote signer is made of. */
export interface BunkerParts {
  bunker: BunkerUrl;
  /** The key that we show to the signer, ours alone: it is no merchant's. */
  clientKey: Uint8Array;
  crypto: KeyCrypto & Verifier;
  clock: Clock;
  random: Random;
  log: Log;
  options?: Partial<BunkerOptions>;
}

/** What the key is needed for, as NIP-46 asks for permission. */
const PERMISSIONS = [
  ...[0, 1, 4, 5, 13, 10002, 10050, 22242, 30017, 30018].map((kind) => `sign_event:${kind}`),
  "nip04_encrypt",
  "nip04_decrypt",
  "nip44_encrypt",
  "nip44_decrypt",
].join(",");

/** How long an answer is waited for. */
export interface Patience {
  ms: number;
  signal?: AbortSignal;
  /** Also while somebody has to approve it. */
  approval?: boolean;
}

/** A remote signer as one client sees it: requests with a deadline, whatever becomes of relays and connections. */
export class BunkerConnection {
  readonly bunker: BunkerUrl;
  readonly options: BunkerOptions;
  readonly #clock: Clock;
  readonly #pool: RelayPool;
  readonly #requests: BunkerRequests;
  readonly #closed = new AbortController();
  /** Told whenever anything authentic came. */
  onHeard: () => void = () => {};
  /** Told of each page that somebody has to open. */
  onAuthUrl: (url: string) => void = () => {};
  lastAnswerAt: number | null = null;
  /** How much that was authentic came. */
  heard = 0;
  /** Where somebody has to approve us; the caller clears it when it was done. */
  authUrl: string | null = null;

  constructor(parts: BunkerParts) {
    const { bunker, clientKey, crypto, clock, random } = parts;
    const log = parts.log.child({ bunker: bunker.pubkey.slice(0, 8) });
    const client = localSigner(clientKey, crypto, { random });
    this.bunker = bunker;
    this.options = { ...bunkerDefaults, ...parts.options };
    this.#clock = clock;
    this.#pool = new RelayPool({ signer: client, clock, random, log, verifier: crypto });
    this.#requests = new BunkerRequests({
      bunkerPubkey: bunker.pubkey,
      relays: bunker.relays,
      client,
      pool: this.#pool,
      verifier: crypto,
      clock,
      random,
      log,
      resendMs: this.options.resendMs,
      onHeard: () => {
        this.lastAnswerAt = clock.now();
        this.heard++;
        this.onHeard();
      },
      onAuthUrl: (url) => {
        if (this.authUrl !== url) log.warn("bunker.wants_approval", { open: url });
        this.authUrl = url;
        this.onAuthUrl(url);
      },
    });
  }

  /** Aborted by `close()`. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Begins a request; throws nothing. */
  begin(method: BunkerMethod, params: string[]): BunkerRequest {
    return this.#requests.begin(method, params);
  }

  /** A request's answer. Throws a `BunkerRefusal`, or `SignerUnavailableError` when none came or it wants approval first. */
  async answer(request: BunkerRequest, { ms, signal, approval = false }: Patience): Promise<string> {
    const stops = [this.closed, ...(signal ? [signal] : []), ...(approval ? [] : [request.held])];
    using deadline = new Deadline(this.#clock, ms, AbortSignal.any(stops));
    try {
      return await unlessAborted(request.answer, deadline.signal);
    } catch (error) {
      if (!deadline.signal.aborted) throw error;
      if (deadline.expired) {
        throw new SignerUnavailableError(`the remote signer didn't answer within ${ms} ms`);
      }
      throw new SignerUnavailableError(
        request.held.aborted
          ? "the remote signer wants somebody's approval first"
          : "the remote signer isn't asked any more",
      );
    } finally {
      request.rest();
    }
  }

  /** Makes us known to it with the address' secret and asks for what we need. Throws as `answer` does. */
  async connect(patience: Patience): Promise<void> {
    const { pubkey, secret } = this.bunker;
    await this.answer(this.begin("connect", [pubkey, secret ?? "", PERMISSIONS]), patience);
  }

  /** The key that it signs with. Throws as `answer` does. */
  async publicKey(patience: Patience): Promise<string> {
    const key = parsePublicKey(await this.answer(this.begin("get_public_key", []), patience));
    if (key.ok) return key.pubkey;
    throw new SignerUnavailableError("the remote signer was asked for its key and gave none");
  }

  /** What is wrong with its relays; null when one is connected or none was needed yet. */
  relayError(): string | null {
    const relays = this.#pool.status();
    if (relays.length === 0 || relays.some(({ state }) => state === "connected")) return null;
    return relays.map(({ url, error, state }) => `${url}: ${error ?? state}`).join(", ");
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#requests.close();
    await this.#pool.close();
  }
}
