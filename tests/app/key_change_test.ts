import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { bytesToHex } from "@noble/hashes/utils.js";
import { nsecEncode } from "nostr-tools/nip19";
import { App } from "../../src/app.ts";
import { systemClock } from "../../src/clock.ts";
import { handOverMoved, retireMoved } from "../../src/app/key_change.ts";
import { EventStore } from "../../src/nostr/event_store.ts";
import { npub } from "../../src/nostr/keys.ts";
import { systemRandom } from "../../src/random.ts";
import { readSettings } from "../../src/settings_reader.ts";
import { freshUrl } from "../support/fresh_database.ts";
import { keyPair } from "../support/keys.ts";
import { silentLog } from "../support/log.ts";
import { type MerchantMessage, Shopper } from "../support/shopper.ts";
import { until } from "../support/wire.ts";

const old = keyPair("the old shop");
const next = keyPair("the new shop");

/** A shop on the machine's clock that can be started again, also with other settings. */
class MovingShop implements AsyncDisposable {
  readonly #socket = globalThis.WebSocket;
  app!: App;
  url = "";

  private constructor(readonly dir: string, readonly fresh: { url: string } & AsyncDisposable) {}

  static async open(): Promise<MovingShop> {
    const shop = new MovingShop(await Deno.makeTempDir({ prefix: "ncc-move-" }), await freshUrl(""));
    await shop.start(bytesToHex(old.secretKey));
    const { ask } = shop;
    const zone = { id: "free", name: "free", cost: 0, regions: ["World"] };
    await ask("POST", "/stalls", { id: "tea", name: "Tea", currency: "sat", shipping: [zone] });
    const cup = { stall_id: "tea", name: "Cup", currency: "sat", price: 100, quantity: 5 };
    await ask("POST", "/products", { id: "cup", ...cup });
    await ask("POST", "/products", { id: "song", ...cup, name: "Song", quantity: null });
    return shop;
  }

  async start(key: string): Promise<void> {
    const read = readSettings({
      NCC_DATA_DIR: this.dir,
      NCC_DATABASE_URL: this.fresh.url,
      NCC_PORT: "0",
      NCC_KEY: key,
      NCC_WALLET: "demo:",
    }, () => "");
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    this.app = await App.open({
      settings: read.settings,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    });
    this.url = (await this.app.start()).url;
  }

  async stop(): Promise<void> {
    await this.app.stop();
    globalThis.WebSocket = this.#socket;
  }

  // deno-lint-ignore no-explicit-any -- what the API says is looked at by the test
  readonly ask = async (method: string, path: string, body?: unknown, status?: number): Promise<any> => {
    const response = await this.app.fetch(
      new Request(`${this.url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${this.app.adminToken}`, "content-type": "application/json" },
        body: body === undefined ? null : JSON.stringify(body),
      }),
    );
    const answer = await response.json();
    if (status !== undefined) assertEquals(response.status, status, JSON.stringify(answer));
    else assert(response.ok, JSON.stringify(answer));
    return answer;
  };

  get relay(): string {
    return `${this.url.replace(/^http/, "ws")}/relay`;
  }

  shopper(name: string, merchant: string): Shopper {
    return new Shopper({
      secretKey: keyPair(name).secretKey,
      merchant,
      envelope: "nip04",
      relay: this.relay,
    });
  }

  /** Somebody orders a cup, and answers what the shop says to it. */
  async orders(name: string, merchant: string, quantity = 1): Promise<MerchantMessage> {
    await using shopper = this.shopper(name, merchant);
    await shopper.connect();
    const items = [{ product_id: "cup", quantity }];
    await shopper.write({
      type: 0,
      id: name,
      items,
      shipping_id: "free",
      address: "x",
      contact: { nostr: "" },
    });
    const heard = await shopper.hears((one) => one.type === 1 && one.id === name, 20_000);
    if (!heard) throw new Error(`${name} heard nothing`);
    return heard;
  }

  async pays({ payment_options }: MerchantMessage): Promise<void> {
    await this.ask("POST", "/demo/settle", { invoice: payment_options![0]!.link });
  }

  async stock(merchant: string): Promise<number> {
    const row = await this.app.database.kysely.selectFrom("stock").select("on_hand")
      .where("merchant", "=", merchant).where("product_id", "=", "cup").executeTakeFirstOrThrow();
    return Number(row.on_hand);
  }

  /** What the built-in relay has of a key's offers: kind and quantity. */
  async published(merchant: string): Promise<{ kind: number; quantity: number | null }[]> {
    const events = await new EventStore(this.app.database.kysely)
      .query([{ authors: [merchant], kinds: [30017, 30018] }]);
    return events.map(({ kind, content }) => ({ kind, quantity: JSON.parse(content).quantity ?? null }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.fresh[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }
}

Deno.test("a shop moves to another key: offers, stock and new orders go, open orders are ended by the old one", async () => {
  await using shop = await MovingShop.open();
  const open = await shop.orders("alice", old.pubkey, 2);
  const moved = await shop.ask("POST", `/merchants/${old.pubkey}/move`, {
    secret_key: nsecEncode(next.secretKey),
    emergency: false,
  }, 201);
  assertEquals(
    [moved.merchant.pubkey, moved.stalls, moved.products, moved.unpaid_orders, moved.unsent_orders],
    [next.pubkey, 1, 2, 1, 0],
  );
  // What Alice's order holds stays with it.
  assertEquals([await shop.stock(old.pubkey), await shop.stock(next.pubkey)], [2, 3]);
  await until(async () => (await shop.published(next.pubkey)).length === 3, 20_000);
  await until(async () => (await shop.published(old.pubkey)).length === 0, 30_000);

  const refused = await shop.orders("bob", old.pubkey);
  assertEquals(refused.payment_options, []);
  assertStringIncludes(refused.message!, npub(next.pubkey));
  const bob = await shop.orders("bob", next.pubkey);
  await shop.pays(bob);

  // Also when the settings know the new key only.
  await shop.stop();
  await shop.start(bytesToHex(next.secretKey));
  await using alice = shop.shopper("alice", old.pubkey);
  await alice.connect();
  await shop.pays(open);
  assert(await alice.hears((one) => one.type === 2 && one.paid === true, 20_000), "Alice wasn't told");
  await until(async () => await shop.stock(old.pubkey) === 0, 10_000);
  assertEquals(await shop.stock(next.pubkey), 2);

  const merchants = (await shop.ask("GET", "/merchants")).data as {
    pubkey: string;
    moved_to: string | null;
  }[];
  assertEquals(merchants.map((one) => [one.pubkey, one.moved_to]), [[old.pubkey, next.pubkey], [
    next.pubkey,
    null,
  ]]);
  // There is one shop, so nobody has to say which.
  await shop.ask("POST", "/stalls", { name: "Coffee", currency: "sat" });
  await shop.ask("POST", `/merchants/${old.pubkey}/resume`, {}, 409);
  await shop.ask("POST", `/merchants/${old.pubkey}/move`, { emergency: false }, 409);
  await shop.ask("POST", `/merchants/${next.pubkey}/move`, {
    secret_key: bytesToHex(old.secretKey),
    emergency: false,
  }, 409);
  await shop.ask(
    "POST",
    `/merchants/${next.pubkey}/move`,
    { secret_key: "nsec1canary", emergency: false },
    422,
  );
});

for (const emergency of [false, true]) {
  Deno.test(`both keys have all wallets after a move${emergency ? " in an emergency" : ""}`, async () => {
    await using shop = await MovingShop.open();
    const lnbits = "lnbits+http://127.0.0.1:9/?key=";
    await shop.ask("POST", "/wallets", { name: "late", url: `${lnbits}0123456789abcdef`, priority: 9 });
    await shop.ask("POST", "/wallets", { name: "early", url: `${lnbits}fedcba9876543210`, priority: 1 });
    await shop.ask("POST", `/merchants/${old.pubkey}/move`, {
      secret_key: bytesToHex(next.secretKey),
      emergency,
    }, 201);
    const wallets = async (merchant: string) =>
      (await shop.ask("GET", `/wallets?merchant=${merchant}`)).data.map((one: { name: string }) => one.name);
    assertEquals(await wallets(next.pubkey), ["main", "early", "late"]);
    assertEquals(await wallets(old.pubkey), ["main", "early", "late"]);
    await shop.stop();
    await shop.start(bytesToHex(old.secretKey));
    assertEquals(await wallets(next.pubkey), ["main", "early", "late"]);
    // The old key's invoices are still looked up at one that the new key does without.
    await shop.ask("DELETE", `/wallets/early?merchant=${next.pubkey}`);
    assertEquals(await wallets(next.pubkey), ["main", "late"]);
    assertEquals(await wallets(old.pubkey), ["main", "early", "late"]);
  });
}

Deno.test("in an emergency the old key says nothing more, and what is paid to it is still booked", async () => {
  await using shop = await MovingShop.open();
  const open = await shop.orders("alice", old.pubkey, 2);
  const signed = async () =>
    (await shop.app.database.kysely.selectFrom("nostr_events").select("id").where("pubkey", "=", old.pubkey)
      .execute()).map((row) => row.id).sort();
  const before = await signed();
  await shop.ask("POST", `/merchants/${old.pubkey}/move`, {
    secret_key: bytesToHex(next.secretKey),
    emergency: true,
  }, 201);
  assertEquals(shop.app.merchants.get(old.pubkey)!.signs, false);
  await assertRejects(() => shop.app.merchants.get(old.pubkey)!.signer.nip04.encrypt(next.pubkey, "x"));
  const keys = await shop.app.database.kysely.selectFrom("secrets").select(["merchant", "name"])
    .where("name", "=", "key").execute();
  assertEquals(keys.map((row) => row.merchant), [next.pubkey]);

  await using mallory = shop.shopper("mallory", old.pubkey);
  await mallory.connect();
  await mallory.write({
    type: 0,
    id: "m",
    items: [{ product_id: "cup", quantity: 1 }],
    contact: { nostr: "" },
  });
  await shop.pays(open);
  const state = async () =>
    (await shop.app.database.kysely.selectFrom("orders").select("payment").where("merchant", "=", old.pubkey)
      .executeTakeFirstOrThrow()).payment;
  await until(async () => await state() === "paid", 20_000);
  // Also after a start with settings that still name the old key.
  await shop.stop();
  await shop.start(bytesToHex(old.secretKey));
  const bob = await shop.orders("bob", next.pubkey);
  assertEquals(bob.payment_options?.length, 1);
  assertEquals(await signed(), before);
  assertEquals([...mallory.messages.values()], []);
  assertEquals((await shop.ask("GET", "/orders")).data.length, 2);
  await until(async () => (await shop.published(next.pubkey)).length === 3, 20_000);
});

Deno.test("what the old key's orders held and never bought goes to the new one", async () => {
  await using shop = await MovingShop.open();
  await shop.orders("alice", old.pubkey, 2);
  await shop.ask("POST", `/merchants/${old.pubkey}/move`, {
    secret_key: bytesToHex(next.secretKey),
    emergency: false,
  }, 201);
  const { data } = await shop.ask("GET", "/orders");
  await shop.ask("POST", `/orders/${data[0].id}/cancel`, { reason: "no" });
  // Housekeeping does this every minute.
  await handOverMoved(shop.app.database, Date.now());
  assertEquals([await shop.stock(old.pubkey), await shop.stock(next.pubkey)], [0, 5]);
  await handOverMoved(shop.app.database, Date.now());
  assertEquals([await shop.stock(old.pubkey), await shop.stock(next.pubkey)], [0, 5]);
});

Deno.test("30 days after the move the old key is retired, once nothing of it is open, and the owners are told once", async () => {
  await using shop = await MovingShop.open();
  const open = await shop.orders("alice", old.pubkey, 2);
  await shop.ask("POST", `/merchants/${old.pubkey}/move`, {
    secret_key: bytesToHex(next.secretKey),
    emergency: false,
  });
  const { database, merchants } = shop.app;
  const { kysely } = database;
  const source = async () =>
    (await kysely.selectFrom("merchants").select("key_source").where("pubkey", "=", old.pubkey)
      .executeTakeFirstOrThrow()).key_source;
  const keys = async () =>
    (await kysely.selectFrom("secrets").select("merchant").where("name", "=", "key").execute())
      .map((row) => row.merchant).sort();
  const month = Date.now() + 30 * 86_400_000;
  await retireMoved(database, month + 1_000);
  assertEquals([await source(), await keys()], ["secrets", [old.pubkey, next.pubkey].sort()]);
  await shop.pays(open);
  const order = () =>
    kysely.selectFrom("orders").select(["id", "payment"]).where("merchant", "=", old.pubkey)
      .executeTakeFirstOrThrow();
  await until(async () => (await order()).payment === "paid", 20_000);
  await retireMoved(database, month + 1_000);
  assertEquals(await source(), "secrets");
  await shop.ask("POST", `/orders/${(await order()).id}/ship`, {});
  await retireMoved(database, month - 60_000);
  assertEquals(await source(), "secrets");

  await retireMoved(database, month + 1_000);
  await retireMoved(database, month + 2_000);
  assertEquals([await source(), await keys()], ["none", [next.pubkey]]);
  // What waits to be told; by the test's time that is in a month.
  const told = (await kysely.selectFrom("jobs").select("payload").where("kind", "=", "owners.tell").execute())
    .map((job) => JSON.parse(job.payload)).filter(({ kind }) => kind === "key_retired");
  assertEquals(told.map((one) => one.merchant), [next.pubkey]);
  assertStringIncludes(told[0].detail, npub(old.pubkey));
  await until(() => merchants.get(old.pubkey)?.signs === false, 20_000);
  const bob = await shop.orders("bob", next.pubkey);
  assertEquals(bob.payment_options?.length, 1);
});
