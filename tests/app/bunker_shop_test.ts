import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { App } from "../../src/app.ts";
import { systemClock } from "../../src/clock.ts";
import { systemRandom } from "../../src/random.ts";
import type { BunkerOptions } from "../../src/nostr/bunker/options.ts";
import { readSettings } from "../../src/settings_reader.ts";
import { Bunker } from "../support/bunker.ts";
import { orderJson, requestIn, toldIn } from "../support/customer.ts";
import { signerThatFails } from "../support/failing_signer.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { freshUrl } from "../support/fresh_database.ts";
import { keyPair } from "../support/keys.ts";
import { recordingLog } from "../support/log.ts";
import { Shop } from "../support/shop.ts";
import { type MerchantMessage, Shopper } from "../support/shopper.ts";
import { until } from "../support/wire.ts";

const CUSTOMERS = 20;

/** A shop whose key lies in a remote signer, on the machine's clock, in a directory that outlives its processes. */
class RemoteShop implements AsyncDisposable {
  readonly log = recordingLog();
  readonly dir: string;
  readonly relay: FakeRelay;
  readonly bunker: Bunker;
  readonly #socket = globalThis.WebSocket;
  app: App | undefined;
  url = "";
  options: Partial<BunkerOptions> = {};

  private constructor(
    dir: string,
    relay: FakeRelay,
    bunker: Bunker,
    private readonly fresh: { url: string } & AsyncDisposable,
  ) {
    this.dir = dir;
    this.relay = relay;
    this.bunker = bunker;
  }

  static async set(): Promise<RemoteShop> {
    const relay = await FakeRelay.start();
    return new RemoteShop(
      await Deno.makeTempDir({ prefix: "ncc-bunker-" }),
      relay,
      await Bunker.start(relay.url),
      await freshUrl(""),
    );
  }

  async start(more: Record<string, string> = {}): Promise<void> {
    const environment = {
      NCC_DATA_DIR: this.dir,
      NCC_DATABASE_URL: this.fresh.url,
      NCC_PORT: "0",
      NCC_KEY: this.bunker.url,
      NCC_WALLET: "demo:",
      ...more,
    };
    const read = readSettings(environment, () => "");
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    this.app = await App.open({
      settings: read.settings,
      clock: systemClock,
      random: systemRandom,
      log: this.log.log,
      bunkerOptions: {
        answerMs: 1_000,
        resendMs: [300],
        queueMs: 500,
        probeFirstMs: 50,
        probeMostMs: 200,
        ...this.options,
      },
    });
    this.url = (await this.app.start()).url;
  }

  async stop(): Promise<void> {
    const app = this.app;
    this.app = undefined;
    await app?.stop();
    globalThis.WebSocket = this.#socket;
  }

  async ask(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const response = await this.app!.fetch(
      new Request(`${this.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${this.app!.adminToken}`, "content-type": "application/json" },
        body: body === undefined ? null : JSON.stringify(body),
      }),
    );
    const answer = await response.json();
    if (response.status >= 400 && path.startsWith("/api")) throw new Error(JSON.stringify(answer));
    return answer;
  }

  async sellTea(): Promise<void> {
    await this.ask("POST", "/api/v1/stalls", {
      id: "tea",
      name: "Tea",
      currency: "sat",
      shipping: [{ id: "free", name: "free", cost: 0, regions: ["World"] }],
    });
    await this.ask("POST", "/api/v1/products", {
      id: "cup",
      stall_id: "tea",
      name: "Cup",
      currency: "sat",
      price: 100,
      quantity: 1_000,
    });
  }

  shopper(name: string, envelope: "nip04" | "nip17"): Shopper {
    return new Shopper({
      secretKey: keyPair(name).secretKey,
      merchant: this.bunker.merchant.pubkey,
      envelope,
      relay: `${this.url.replace(/^http/, "ws")}/relay`,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.bunker[Symbol.asyncDispose]();
    await this.relay.stop();
    await this.fresh[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }
}

function order(id: string) {
  return {
    type: 0,
    id,
    items: [{ product_id: "cup", quantity: 1 }],
    shipping_id: "free",
    address: "1 Example Street",
    contact: { nostr: "" },
  };
}

const requests = (shopper: Shopper, id: string): MerchantMessage[] =>
  [...shopper.messages.values()].filter((one) => one.type === 1 && one.id === id);

Deno.test("a sleeping signer delays orders and loses none: 20 customers, a restart in between, one answer each", async () => {
  const unhandled: unknown[] = [];
  const onUnhandled = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", onUnhandled);
  await using shop = await RemoteShop.set();
  await shop.start();
  await shop.sellTea();
  const customers = Array.from(
    { length: CUSTOMERS },
    (_, i) => ({
      name: `customer ${i}`,
      envelope: i % 2 === 0 ? "nip04" as const : "nip17" as const,
      twice: i % 4 === 1,
    }),
  );
  // One sale while all is well.
  await using first = shop.shopper("first", "nip04");
  await first.connect();
  await first.write(order("first"));
  assert(await first.hears((one) => one.type === 1, 20_000), "no sale at all");

  shop.bunker.is.asleep = true;
  const write = async (some: typeof customers) => {
    for (const { name, envelope, twice } of some) {
      await using shopper = shop.shopper(name, envelope);
      await shopper.connect();
      for (let i = 0; i < (twice ? 2 : 1); i++) assert(await shopper.write(order(name)), "refused");
    }
  };
  await write(customers.slice(0, 10));
  await until(() => shop.app!.merchants.all()[0]!.remote!.status().state === "asleep", 60_000);
  const health = await shop.app!.health();
  assertEquals([health.ready, health.degraded, health.checks.signer!.ok], [true, true, false]);
  assertStringIncludes(health.checks.signer!.detail, "asleep");

  await shop.stop();
  await shop.start();
  await write(customers.slice(10));
  shop.bunker.is.asleep = false;
  for (const { name, envelope } of customers) {
    await using shopper = shop.shopper(name, envelope);
    await shopper.connect();
    const heard = await shopper.hears((one) => one.type === 1, 60_000);
    assert(heard?.payment_options?.length === 1, `${name} got ${JSON.stringify(heard)}`);
  }
  // Whatever else is said comes within the time that a repeat takes.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  for (const { name, envelope, twice } of customers) {
    await using shopper = shop.shopper(name, envelope);
    await shopper.connect();
    const links = new Set(requests(shopper, name).map((one) => one.payment_options![0]!.link));
    assertEquals(links.size, 1, `${name} may pay twice`);
    if (!twice) assertEquals(requests(shopper, name).length, 1, name);
    assertEquals(shopper.unreadable, []);
  }
  const orders = await shop.app!.database.kysely.selectFrom("orders").select("customer_order_id").execute();
  assertEquals(orders.length, CUSTOMERS + 1);
  assertEquals(shop.bunker.count("connect"), 1);
  assert((await shop.app!.health()).checks.signer!.ok);
  await shop.stop();
  globalThis.removeEventListener("unhandledrejection", onUnhandled);
  assertEquals(unhandled, []);
});

Deno.test("while the signer refuses answers wait without end, and leave once when it doesn't any more", async () => {
  let down = false;
  await using scene = await Shop.open({ signer: (own) => signerThatFails(own, () => down) });
  const alice = scene.customer("alice");
  down = true;
  await alice.writes(orderJson());
  for (let day = 0; day < 3; day++) {
    for (let i = 0; i < 20; i++) await scene.pass(60_000);
    await scene.pass(86_400_000);
  }
  assertEquals(await alice.hears(), []);
  down = false;
  await scene.pass(300_000);
  requestIn(await alice.hears());
});

Deno.test("an answer whose signer went away under it loses no try", async () => {
  let down = false;
  await using scene = await Shop.open({ signer: (own) => signerThatFails(own, () => down) });
  const alice = scene.customer("alice");
  const request = requestIn(await alice.orders());
  down = true;
  await alice.pays(request);
  const job = () =>
    scene.database.kysely.selectFrom("jobs").select(["state", "attempts", "last_error"])
      .where("kind", "=", "reply.send").executeTakeFirstOrThrow();
  for (let i = 0; i < 50; i++) await scene.pass(15_000);
  assertEquals({ ...await job() }, { state: "ready", attempts: 0, last_error: "the signer is down" });
  down = false;
  await scene.pass(15_000);
  assertEquals(toldIn(await alice.hears()).length, 1);
});
