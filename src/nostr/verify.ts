import type { NostrEvent } from "@nostrify/types";
import { initNostrWasm, type Nostr } from "nostr-wasm";
import { errorText } from "../log.ts";
import type { EventCrypto } from "./event_crypto.ts";
import { eventId, type EventTemplate, isSignedEvent, serialise } from "./event_id.ts";
import { agrees, type KeyAgreement, nativeAgreement, pureAgreement } from "./key_agreement.ts";
import { checkedKey, checkedTemplate, pureCrypto } from "./pure_crypto.ts";
import { schnorrVectors } from "./schnorr_vectors.ts";

export type { EventCrypto, KeyCrypto, Verifier } from "./event_crypto.ts";
export { pureCrypto } from "./pure_crypto.ts";

/** The module's memory is small (it refused 2 MB): what is longer is signed in JavaScript. */
const LONGEST_IN_WASM = 262_144;

/** How the implementations are come by; a test passes broken ones. */
export interface CryptoSources {
  wasm?: () => Promise<Nostr>;
  native?: KeyAgreement;
}

/**
 * Loads what verifies, signs and agrees on keys: libsecp256k1 as WebAssembly and the platform's OpenSSL. Each proves
 * itself on published vectors first, failing ones included (BIP-340, NIP-44); one that doesn't is replaced by the slower
 * implementation in JavaScript, and `problems` says so. It never rejects.
 */
export async function loadVerifier(sources: CryptoSources = {}): Promise<EventCrypto> {
  const problems: string[] = [];
  let agreement = sources.native ?? nativeAgreement;
  if (!passes("Key agreement by the platform", () => agrees(agreement), problems)) agreement = pureAgreement;
  try {
    const wasm = new WasmCrypto(await (sources.wasm ?? initNostrWasm)(), agreement, problems);
    if (passes("Signatures by WebAssembly", () => wasm.works(), problems)) return wasm;
  } catch (error) {
    problems.push(`Signatures by WebAssembly can't be used: ${errorText(error)}`);
  }
  return { ...pureCrypto, agreement: (secretKey) => agreement(checkedKey(secretKey)), problems };
}

function passes(what: string, test: () => boolean, problems: string[]): boolean {
  try {
    if (test()) return true;
    problems.push(`${what} gives wrong results.`);
  } catch (error) {
    problems.push(`${what} can't be used: ${errorText(error)}`);
  }
  return false;
}

class WasmCrypto implements EventCrypto {
  readonly #wasm: Nostr;
  readonly #agreement: KeyAgreement;
  readonly #problems: string[];
  #broken = false;

  constructor(wasm: Nostr, agreement: KeyAgreement, problems: string[]) {
    this.#wasm = wasm;
    this.#agreement = agreement;
    this.#problems = problems;
  }

  get implementation(): "wasm" | "pure" {
    return this.#broken ? "pure" : "wasm";
  }

  get problems(): readonly string[] {
    return this.#problems;
  }

  readonly agreement: KeyAgreement = (secretKey) => this.#agreement(checkedKey(secretKey));

  verify(event: NostrEvent): boolean {
    if (!isSignedEvent(event) || eventId(event) !== event.id) return false;
    if (this.#broken) return pureCrypto.verify(event);
    try {
      return this.#holds(event.pubkey, event.id, event.sig);
    } catch (error) {
      this.#giveUp(error);
      return pureCrypto.verify(event);
    }
  }

  publicKey(secretKey: Uint8Array): string {
    return pureCrypto.publicKey(secretKey);
  }

  sign(template: EventTemplate, secretKey: Uint8Array): NostrEvent {
    const event = { ...checkedTemplate(template), id: "", pubkey: "", sig: "" };
    if (this.#broken || serialise(event).length > LONGEST_IN_WASM) {
      return pureCrypto.sign(template, secretKey);
    }
    checkedKey(secretKey); // The module ends in a trap on a key that is none.
    try {
      this.#wasm.finalizeEvent(event, secretKey);
      const { id, pubkey, created_at, kind, tags, content, sig } = event;
      if (id !== eventId(event)) throw new Error("another id than the event's");
      return { id, pubkey, created_at, kind, tags, content, sig };
    } catch (error) {
      this.#giveUp(error);
      return pureCrypto.sign(template, secretKey);
    }
  }

  /** The self-test. Throws where the module does something unheard of. */
  works(): boolean {
    const key = new Uint8Array(32).fill(3);
    const signed = [1, 2].map((kind) => {
      const event = { kind, created_at: 1, tags: [], content: "\ud800 ✓", id: "", pubkey: "", sig: "" };
      this.#wasm.finalizeEvent(event, key);
      return event;
    });
    return schnorrVectors.every((v) => this.#holds(v.pubkey, v.hash, v.sig) === v.valid) &&
      signed.every((event) =>
        event.id === eventId(event) && this.#holds(event.pubkey, event.id, event.sig)
      ) &&
      // Two messages with one nonce would give the key away.
      signed[0]?.sig.slice(0, 64) !== signed[1]?.sig.slice(0, 64);
  }

  /**
   * Whether a signature over 32 bytes holds. The three must be lower-case hex of the right length: the module checks
   * neither. It offers events only, and would hash them again in its small memory; an id that reads as empty skips that,
   * and the second reading gives the bytes to check.
   */
  #holds(pubkey: string, hash: string, sig: string): boolean {
    let read = 0;
    const event = {
      pubkey,
      sig,
      kind: 0,
      created_at: 0,
      tags: [],
      content: "",
      get id() {
        return read++ === 0 ? "" : hash;
      },
    };
    try {
      this.#wasm.verifyEvent(event);
      return true;
    } catch (error) {
      const reason = errorText(error);
      if (reason === "signature is invalid" || reason === "pubkey is invalid") return false;
      throw error;
    }
  }

  /** After a trap the module's state isn't known: everything goes on in JavaScript. */
  #giveUp(error: unknown): void {
    this.#broken = true;
    this.#problems.push(`Signatures by WebAssembly broke down: ${errorText(error)}`);
  }
}
