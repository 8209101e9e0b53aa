import type { NostrEvent } from "@nostrify/types";
import { type Clock, seconds } from "../../clock.ts";
import { errorText, type Log } from "../../log.ts";
import { unlessAborted } from "../../nostr/deadline.ts";
import type { RelayPool } from "../../nostr/relay_pool.ts";
import type { MerchantSigner } from "../../nostr/signer.ts";
import { WalletError, walletError } from "../wallet.ts";
import { type NwcResponse, readResponse, REQUEST } from "./messages.ts";
import { type NwcUri, withoutSecretOf } from "./uri.ts";

/** The same signed event goes out again after so long without an answer: a wallet knows it by its id. */
const RESEND_MS = 2_500;
/** How long after our own wait a wallet may still take the request (its `expiration`); room for clocks that differ. */
const EXPIRES_AFTER_SECONDS = 60;
/** Requests whose answer may still come. */
const MOST_REMEMBERED = 1_000;

type Result = Record<string, unknown>;

interface Asked {
  method: string;
  answer: PromiseWithResolvers<NwcResponse>;
  /** Nobody waits any more: a result goes here. */
  late: ((result: Result) => void) | null;
}

export interface RequestsOptions {
  uri: NwcUri;
  walletPubkey: string;
  relays: readonly string[];
  signer: MerchantSigner;
  pool: RelayPool;
  clock: Clock;
  log: Log;
}

/** Requests to a wallet service and the answers to them, matched by the request's id. */
export class NwcRequests {
  readonly #o: RequestsOptions;
  readonly #asked = new Map<string, Asked>();

  constructor(options: RequestsOptions) {
    this.#o = options;
  }

  /**
   * Sends a request and waits for its answer until `signal` ends the wait. Throws a WalletError: by the wallet's code,
   * `unreachable` when no relay took the request, `no_answer` when one may have. `onLate` gets a result that comes later.
   */
  async send(
    request: {
      method: string;
      params: Result;
      cipher: "nip04" | "nip44";
      onLate?: ((result: Result) => void) | undefined;
      /** It goes out a single time, and counts as sent unless every relay refused it: for what must not happen twice. */
      once?: boolean | undefined;
    },
    signal: AbortSignal,
  ): Promise<Result> {
    const event = await this.#signed(request.method, request.params, request.cipher);
    const asked: Asked = { method: request.method, answer: Promise.withResolvers(), late: null };
    // The answer may also be a refusal that nobody waits for.
    asked.answer.promise.catch(() => {});
    this.#remember(event.id, asked);
    const over = new AbortController();
    const sending = this.#sendUntil(event, AbortSignal.any([over.signal, signal]), asked, request.once);
    try {
      const response = await unlessAborted(asked.answer.promise, signal);
      if (!response.ok) throw response.error;
      return response.result;
    } catch (error) {
      if (!signal.aborted) throw walletError(error);
      asked.late = request.onLate ?? (() => {});
      over.abort();
      const sent = await sending;
      throw sent.maybe
        ? new WalletError("no_answer", `the wallet didn't answer ${request.method} in time`)
        : new WalletError("unreachable", `no relay of the wallet took the request: ${sent.reason}`);
    } finally {
      over.abort();
      await sending;
    }
  }

  /** What the channel heard. Answers to what we didn't ask, or to what was answered, mean nothing. */
  answered(id: string, text: string | null): void {
    const asked = this.#asked.get(id);
    if (!asked) return;
    this.#asked.delete(id);
    let response: NwcResponse;
    try {
      if (text === null) throw new WalletError("bad_answer", "the wallet's answer can't be decrypted");
      response = readResponse(withoutSecretOf(this.#o.uri, text), asked.method);
    } catch (error) {
      return asked.answer.reject(error);
    }
    if (asked.late && response.ok) asked.late(response.result);
    asked.answer.resolve(response);
  }

  async #signed(method: string, params: Result, cipher: "nip04" | "nip44"): Promise<NostrEvent> {
    const { signer, walletPubkey, clock } = this.#o;
    const now = seconds(clock.now());
    return await signer.signEvent({
      kind: REQUEST,
      created_at: now,
      content: await signer[cipher].encrypt(walletPubkey, JSON.stringify({ method, params })),
      tags: [
        ["p", walletPubkey],
        ["encryption", cipher === "nip44" ? "nip44_v2" : "nip04"],
        ["expiration", String(now + EXPIRES_AFTER_SECONDS)],
      ],
    });
  }

  /** Sends the event to every relay, again and again until `signal`. Says whether a relay may have taken it. */
  async #sendUntil(
    event: NostrEvent,
    signal: AbortSignal,
    asked: Asked,
    once = false,
  ): Promise<{ maybe: boolean; reason: string }> {
    const { relays, clock } = this.#o;
    let maybe = false;
    let reason = "none answered";
    while (!signal.aborted) {
      const answers = await Promise.all(relays.map((url) => this.#publish(url, event, signal)));
      // What was written to a connection that broke may have arrived all the same.
      maybe ||= answers.some((answer) => once ? !answer.refused : answer.taken !== false);
      reason = answers.find((answer) => answer.taken === false)?.reason ?? reason;
      if (!maybe && answers.every((answer) => answer.refused)) {
        asked.answer.reject(
          new WalletError("unreachable", `the wallet's relay refused the request: ${reason}`),
        );
        break;
      }
      if (once) break;
      await clock.sleep(RESEND_MS, signal);
    }
    return { maybe, reason };
  }

  /** `taken` null: it was sent, and no OK came. */
  async #publish(url: string, event: NostrEvent, signal: AbortSignal) {
    const { pool, log } = this.#o;
    try {
      const { ok, message } = await pool.publish(url, event, signal);
      // Some relays refuse what they have taken before, and say so.
      const taken = ok || message.startsWith("duplicate:");
      return { taken, refused: !taken, reason: message };
    } catch (error) {
      const reason = errorText(error);
      const connected = pool.status().some((relay) => relay.url === url && relay.state === "connected");
      log.debug("nwc.publish_failed", { relay: url, error: reason });
      return { taken: connected ? null : false, refused: false, reason };
    }
  }

  #remember(id: string, asked: Asked): void {
    this.#asked.set(id, asked);
    if (this.#asked.size > MOST_REMEMBERED) this.#asked.delete(this.#asked.keys().next().value!);
  }
}
