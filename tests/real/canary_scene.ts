import { assert, assertExists } from "@std/assert";
import { bytesToHex } from "@noble/hashes/utils.js";
import { join } from "node:path";
import { generateSecretKey } from "nostr-tools/pure";
import * as nip19 from "nostr-tools/nip19";
import * as nip49 from "nostr-tools/nip49";
import { freePort, NccProcess } from "../support/ncc_process.ts";
import { serveNpmRelay } from "../support/npm_relay.ts";
import { NwcService } from "../support/nwc_service.ts";
import { type MerchantMessage, Shopper } from "../support/shopper.ts";

export const PATIENCE_MS = 20_000;
/** Says whose something is, or what kind of secret; found again wherever it leaks to. */
export const canary = (what: string) => `canary${what}x7q`;
const TOKEN = `${canary("token")}${"t".repeat(32)}`;
export const PASSPHRASE = canary("passphrase");

/** What the API lists of an order. */
export interface OrderJson {
  id: string;
  customer: string;
  customer_order_id: string;
  payment: string;
}

/** A shop as a process of its own, at a relay and a wallet that aren't ours, with secrets that are known by their look. */
export class CanaryScene implements AsyncDisposable {
  readonly dataDir: string;
  readonly relay: { url: string };
  readonly wallet: NwcService;
  /** Of a merchant that isn't the first. */
  readonly otherKey = nip19.nsecEncode(generateSecretKey());
  /** What may be read nowhere. */
  readonly secrets: string[];
  readonly process: NccProcess;
  merchant = "";
  readonly #base: string;
  readonly #ends = new AsyncDisposableStack();

  private constructor(
    o: { dataDir: string; relay: { url: string }; wallet: NwcService; settings: Record<string, string> },
  ) {
    const key = generateSecretKey();
    this.dataDir = o.dataDir;
    this.relay = o.relay;
    this.wallet = o.wallet;
    this.secrets = [
      TOKEN,
      PASSPHRASE,
      this.otherKey,
      nip19.nsecEncode(key),
      bytesToHex(key),
      new URL(o.wallet.url).searchParams.get("secret")!,
    ];
    const port = freePort();
    this.#base = `http://127.0.0.1:${port}`;
    this.process = new NccProcess({
      dataDir: o.dataDir,
      port,
      settings: {
        NCC_RELAYS: o.relay.url,
        NCC_WALLET: o.wallet.url,
        NCC_ADMIN_TOKEN: TOKEN,
        NCC_KEY: nip49.encrypt(key, PASSPHRASE, 10),
        NCC_KEY_PASSPHRASE: PASSPHRASE,
        NCC_LOG: "debug",
        ...o.settings,
      },
    });
  }

  /** Starts everything. `database`: of PostgreSQL; null: SQLite in the data directory. */
  static async start(
    o: { database: string | null; settings?: Record<string, string> },
  ): Promise<CanaryScene> {
    await using ends = new AsyncDisposableStack();
    const relay = ends.use(await serveNpmRelay());
    const wallet = ends.use(await NwcService.start(relay.url));
    const dataDir = await Deno.makeTempDir({ prefix: "ncc-test-" });
    ends.defer(() => Deno.remove(dataDir, { recursive: true }));
    const scene = new CanaryScene({
      dataDir,
      relay,
      wallet,
      settings: { ...(o.database !== null && { NCC_DATABASE_URL: o.database }), ...o.settings },
    });
    if (o.database !== null) scene.secrets.push(new URL(o.database).password);
    ends.defer(() => scene.process.end("SIGKILL").then(() => {}));
    assertExists(await scene.process.ready(PATIENCE_MS), await scene.log());
    scene.merchant = (await scene.call<{ data: { pubkey: string }[] }>("GET", "/merchants")).data[0]!.pubkey;
    scene.#ends.use(ends.move());
    return scene;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#ends.disposeAsync();
  }

  /** What the HTTP port answers, whatever it is. */
  async ask(method: string, path: string, body?: string, token = TOKEN) {
    const response = await fetch(this.#base + path, {
      method,
      headers: {
        "content-type": "application/json",
        ...(token !== "" && { authorization: `Bearer ${token}` }),
        ...(method === "POST" && { "idempotency-key": crypto.randomUUID() }),
      },
      ...(body !== undefined && { body }),
    });
    return { status: response.status, text: await response.text() };
  }

  /** A call to the REST API that has to succeed. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { status, text } = await this.ask(
      method,
      `/api/v1${path}`,
      body === undefined ? undefined : JSON.stringify(body),
    );
    assert(status < 300, `${method} ${path}: ${status} ${text}`);
    return JSON.parse(text);
  }

  async orders(): Promise<OrderJson[]> {
    return (await this.call<{ data: OrderJson[] }>("GET", "/orders?limit=200")).data;
  }

  /** What this shopper ordered under an id of theirs. */
  async orderOf(who: Shopper, id: string): Promise<OrderJson> {
    return (await this.orders()).find((one) =>
      one.customer === who.pubkey && one.customer_order_id.endsWith(id)
    )!;
  }

  /** A stall with something to send and something to download. */
  async offer(goods: string): Promise<void> {
    const shipping = [{ id: "x", cost: 0 }];
    await this.call("POST", "/stalls", { id: "music", name: "Music", currency: "sat", shipping });
    const song = { id: "song", stall_id: "music", name: "Song", price: 100, quantity: 10 };
    await this.call("POST", "/products", song);
    const file = { id: "file", stall_id: "music", name: "File", price: 100 };
    await this.call("POST", "/products", { ...file, digital: true, digital_content: goods });
  }

  shopper(envelope: "nip04" | "nip17", secretKey: Uint8Array = generateSecretKey()): Shopper {
    return new Shopper({ secretKey, merchant: this.merchant, envelope, relay: this.relay.url });
  }

  async hears(who: Shopper, fits: (message: MerchantMessage) => boolean): Promise<MerchantMessage> {
    const message = await who.hears(fits, PATIENCE_MS);
    assertExists(message, await this.log());
    return message;
  }

  /** What the process has said so far, on both of its outputs. */
  log(): Promise<string> {
    return Deno.readTextFile(join(this.dataDir, "test.log"));
  }
}

/** An order of one song, every field with a canary of its own. */
export function order(who: string, id: string) {
  return {
    id,
    type: 0,
    name: canary(`${who}name`),
    address: `1 ${canary(`${who}address`)} Street`,
    message: canary(`${who}message`),
    contact: { nostr: null, phone: canary(`${who}phone`), email: `${canary(`${who}email`)}@example.com` },
    items: [{ product_id: "song", quantity: 1 }],
    shipping_id: null,
  };
}

/** All that somebody says in orders and chat. */
export function said(who: string): string[] {
  return ["name", "address", "message", "phone", "email", "chat"].map((what) => canary(who + what));
}

/** Fails when one of these stands in the text. */
export function absent(what: string[], text: string, where: string): void {
  for (const one of what) {
    const at = text.indexOf(one);
    assert(at === -1, `${where} has ${one}: …${text.slice(Math.max(0, at - 150), at + 60)}…`);
  }
}

export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`);
}
