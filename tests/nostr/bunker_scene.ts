import { assertEquals, assertRejects } from "@std/assert";
import { generateSecretKey, getPublicKey } from "nostr-tools/pure";
import * as nip44 from "nostr-tools/nip44";
import { systemClock } from "../../src/clock.ts";
import type { BunkerOptions } from "../../src/nostr/bunker/options.ts";
import { parseBunkerUrl } from "../../src/nostr/bunker/bunker_url.ts";
import { RemoteSigner } from "../../src/nostr/bunker/remote_signer.ts";
import { SignerUnavailableError } from "../../src/nostr/signer.ts";
import { loadVerifier } from "../../src/nostr/verify.ts";
import { installRelaySocket } from "../../src/nostr/websocket.ts";
import { systemRandom } from "../../src/random.ts";
import { Bunker, type Manners } from "../support/bunker.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { keyPair } from "../support/keys.ts";
import { recordingLog } from "../support/log.ts";
import { until } from "../support/wire.ts";

export const crypto = await loadVerifier();
export const merchant = keyPair("merchant");
export const customer = keyPair("customer");
export const template = {
  kind: 4,
  created_at: 1_700_000_000,
  tags: [["p", customer.pubkey]],
  content: "✓ x",
};

const quick: Partial<BunkerOptions> = {
  answerMs: 600,
  resendMs: [150, 150],
  queueMs: 200,
  probeFirstMs: 20,
  probeMostMs: 40,
  provenMs: 10_000,
};

/** A bunker, its relay, and a signer of ours that it knows. Whatever nobody handles fails the test. */
export class Scene implements AsyncDisposable {
  readonly log = recordingLog();
  readonly woken: boolean[] = [];
  readonly unhandled: unknown[] = [];
  signer!: RemoteSigner;
  readonly #clientKey = generateSecretKey();
  readonly #uninstall = installRelaySocket();
  readonly #onUnhandled = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    this.unhandled.push(event.reason);
  };

  private constructor(readonly relay: FakeRelay, readonly bunker: Bunker) {
    globalThis.addEventListener("unhandledrejection", this.#onUnhandled);
  }

  static async open(
    o: { is?: Partial<Manners>; options?: Partial<BunkerOptions>; connects?: boolean; waits?: boolean } = {},
  ): Promise<Scene> {
    const relay = await FakeRelay.start();
    const scene = new Scene(relay, await Bunker.start(relay.url));
    if (o.connects !== false) scene.bunker.clients.add(scene.client);
    Object.assign(scene.bunker.is, o.is);
    scene.signer = new RemoteSigner({
      ...scene.parts(o.options),
      pubkey: merchant.pubkey,
      onAwake: (missedAuth) => scene.woken.push(missedAuth),
    });
    if (o.waits === false) return scene;
    scene.signer.start();
    await until(() => scene.signer.status().state === "awake");
    return scene;
  }

  get client(): string {
    return getPublicKey(this.#clientKey);
  }

  parts(options: Partial<BunkerOptions> = {}) {
    const read = parseBunkerUrl(this.bunker.url);
    if (!read.ok) throw new Error(read.reason);
    return {
      bunker: read.bunker,
      clientKey: this.#clientKey,
      crypto,
      clock: systemClock,
      random: systemRandom,
      log: this.log.log,
      options: { ...quick, ...options },
    };
  }

  /** What a customer wrote to the shop. */
  sealed(text: string): string {
    return nip44.encrypt(text, nip44.getConversationKey(customer.secretKey, merchant.pubkey));
  }

  open(payload: string): Promise<string> {
    return this.signer.nip44.decrypt(customer.pubkey, payload);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.signer.close();
    await this.bunker[Symbol.asyncDispose]();
    await this.relay.stop();
    this.#uninstall();
    await new Promise((resolve) => setTimeout(resolve, 5));
    globalThis.removeEventListener("unhandledrejection", this.#onUnhandled);
    assertEquals(this.unhandled, [], "nobody handled a rejection");
  }
}

/** What somebody asks of a signer who can't or won't. */
export const unavailable = (work: () => Promise<unknown>, text = "") =>
  assertRejects(work, SignerUnavailableError, text);
