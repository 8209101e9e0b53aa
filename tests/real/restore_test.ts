import { assert, assertEquals, assertExists } from "@std/assert";
import { generateSecretKey } from "nostr-tools/pure";
import { App } from "../../src/app.ts";
import { systemClock } from "../../src/clock.ts";
import { demoJournalFile } from "../../src/payments/demo_journal_file.ts";
import { DemoLedger } from "../../src/payments/demo_ledger.ts";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { systemRandom } from "../../src/random.ts";
import { readSettings } from "../../src/settings_reader.ts";
import { ncc } from "../cli/cli.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { silentLog } from "../support/log.ts";
import { lightningLink, lnbitsOrder, type MerchantMessage, Shopper } from "../support/shopper.ts";

const PATIENCE_MS = 60_000;
const SHOPPERS = 16;
const CUPS = 1_000;

/** How an order goes on, before the shop is stopped. */
type Fate =
  | "shipped"
  | "paid"
  /** Paid by the customer while the shop stands still. */
  | "paid_meanwhile"
  /** Paid by the customer after everything is over, with the invoice of before. */
  | "paid_last"
  | "unpaid"
  | "refused";

interface Plan {
  id: string;
  shopper: Shopper;
  fate: Fate;
  quantity: number;
}

interface OrderJson {
  id: string;
  customer_order_id: string;
  payment: string;
  fulfilment: string;
  received_msat: string;
}

Deno.test("a backup 100 orders old is restored: nothing is sent twice, and the money adds up", async () => {
  await using relay = await FakeRelay.start({ limit: 200 });
  const dataDir = await Deno.makeTempDir({ prefix: "ncc-restore-" });
  const socket = globalThis.WebSocket;
  const environment = {
    NCC_DATA_DIR: dataDir,
    NCC_PORT: "0",
    NCC_RELAYS: relay.url,
    NCC_WALLET: "demo:",
    NCC_MAX_OPEN_ORDERS: "1000",
    NCC_DM_RATE: "6000/m",
  };
  const shoppers: Shopper[] = [];
  let shop = await Running.open(environment);
  try {
    await shop.call("POST", "/stalls", { id: "tea", name: "Tea", currency: "sat" });
    await shop.call("POST", "/products", product("cup", CUPS));
    await shop.call("POST", "/products", product("gone", 0));
    await until("the relay is read", async () => (await shop.relays()).every((one) => one.caught_up));
    for (let i = 0; i < SHOPPERS; i++) {
      const shopper = new Shopper({
        secretKey: generateSecretKey(),
        merchant: shop.merchant,
        envelope: i % 2 === 0 ? "nip04" : "nip17",
        relay: relay.url,
      });
      shoppers.push(shopper);
      await shopper.connect();
    }
    const plans = (name: string, fates: [Fate, number][]): Plan[] =>
      fates.flatMap(([fate, n]) => Array<Fate>(n).fill(fate)).map((fate, i) => ({
        id: `${name}-${i}`,
        shopper: shoppers[i % SHOPPERS]!,
        fate,
        quantity: 1 + i % 3,
      }));

    // Before the backup: those of "waiting" are paid after it.
    const early = plans("early", [["shipped", 15], ["paid", 15], ["refused", 5]]);
    const waiting = plans("waiting", [["shipped", 5], ["paid", 10], ["paid_meanwhile", 5], ["paid_last", 5]]);
    await shop.takes([...early, ...waiting]);
    await shop.goesOn(early);

    const made = await ncc(["backup", "--json"], { environment });
    assertEquals(made.code, 0, made.err);
    const { path } = made.json() as { path: string };
    // While it runs, another one: the same database.
    assertEquals((await shop.call<{ bytes: number }>("POST", "/backups", {})).bytes > 0, true);

    const late = plans("late", [
      ["shipped", 20],
      ["paid", 30],
      ["refused", 15],
      ["paid_meanwhile", 15],
      ["paid_last", 10],
      ["unpaid", 10],
    ]);
    await shop.takes(late);
    await shop.goesOn([...waiting, ...late]);
    await shop.quiet();
    const all = [...early, ...waiting, ...late];
    const refused = await ncc(["restore", path], { environment });
    assertEquals(refused.code, 69, refused.out);
    await shop.stop();

    const heard = new Map(all.map((one) => [one.id, told(one).length]));
    for (const one of all) if (one.fate === "paid_meanwhile") await paysOutside(dataDir, billOf(one));
    const restored = await ncc(["restore", path], { environment });
    assertEquals(restored.code, 0, restored.err);
    assert(restored.out.includes("before-restore"), restored.out);

    // Behind the fence nothing leaves, whatever is due.
    const before = outgoing(relay, shop.merchant).length;
    shop = await Running.open(environment);
    assertEquals((await shop.ready()).checks.restore?.ok, false);
    await until("the relays are read", async () => {
      const { relays } = await shop.call<RestoreJson>("GET", "/restore");
      return relays.length === 2 && relays.every((one) => one.state === "read");
    });
    await until(
      "what was missed is in the inbox",
      async () => (await shop.call<RestoreJson>("GET", "/restore")).figures!.messages_waiting >= late.length,
    );
    await until(
      "the money of meanwhile is found",
      async () => (await shop.call<RestoreJson>("GET", "/restore")).figures!.payments >= 15,
    );
    assertEquals(outgoing(relay, shop.merchant).length, before);
    const report = await shop.call<RestoreJson>("GET", "/restore");
    assertEquals(report.state, "fenced");
    assertEquals(report.unknown_orders.count, late.length);
    assert(report.published.some(({ d, known }) => d === "cup" && known), JSON.stringify(report.published));
    assert(report.words.some((line) => line.startsWith("Nothing is sent")), report.words.join("\n"));

    await shop.call("POST", "/restore/confirm", {});
    await until(
      "every order is in the books again",
      async () => (await shop.all<OrderJson>("/orders")).length === all.length,
    );
    await shop.quiet();
    // The merchant sees who was told "shipped", and marks it: the customers aren't told again.
    const ahead = (await shop.call<RestoreJson>("GET", "/restore")).orders_ahead;
    assertEquals(ahead.length, 25);
    for (const { id } of ahead) await shop.call("POST", `/orders/${id}/ship`, {});
    await shop.quiet();
    // Only who paid meanwhile is told something new.
    for (const one of all) {
      const news = one.fate === "paid_meanwhile" ? 1 : 0;
      assertEquals(
        told(one).length,
        heard.get(one.id)! + news,
        `${one.id} (${one.fate}): ${JSON.stringify(told(one))}`,
      );
    }

    // An invoice of before the restore brings the goods.
    for (const one of all) if (one.fate === "paid_last") await shop.pays(billOf(one));
    await shop.quiet();
    // Who asks again is answered again.
    const asks = late.find(({ fate }) => fate === "unpaid")!;
    const count = told(asks).length;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await asks.shopper.write(orderOf(asks));
    await until("the repeat is answered", () => Promise.resolve(told(asks).length === count + 1));
    assertEquals(new Set(told(asks).map(lightningLink)).size, 1);

    const orders = new Map((await shop.all<OrderJson>("/orders")).map((one) => [one.customer_order_id, one]));
    let sold = 0;
    for (const one of all) {
      const words = told(one);
      const where = `${one.id} (${one.fate}): ${JSON.stringify(words)}`;
      const bills = new Set(
        words.filter((word) => word.type === 1).map((word) => lightningLink(word) ?? "none"),
      );
      assertEquals(bills.size, 1, where);
      const paid = ["paid", "shipped", "paid_meanwhile", "paid_last"].includes(one.fate);
      if (paid) sold += one.quantity;
      assertEquals(words.filter((word) => word.paid && !word.shipped).length, paid ? 1 : 0, where);
      assertEquals(words.filter((word) => word.shipped).length, one.fate === "shipped" ? 1 : 0, where);
      const order = orders.get(one.id)!;
      assertEquals(order.payment, paid ? "paid" : one.fate === "refused" ? "rejected" : "awaiting", where);
      assertEquals(
        order.fulfilment,
        one.fate === "shipped" ? "shipped" : paid ? "unfulfilled" : "none",
        where,
      );
    }
    const cup = await shop.call<{ quantity: number; held: number }>("GET", "/products/cup");
    const open = all.filter(({ fate }) => fate === "unpaid").reduce((sum, one) => sum + one.quantity, 0);
    assertEquals(cup, { ...cup, quantity: CUPS - sold, held: open });
    const wallet = await new DemoLedger(demoJournalFile(`${dataDir}/demo-wallet.jsonl`)).all();
    const arrived = wallet.reduce((sum, one) => sum + (one.settled?.amountMsat ?? 0n), 0n);
    const booked = [...orders.values()].reduce((sum, one) => sum + BigInt(one.received_msat), 0n);
    assertEquals(booked, arrived);
    assertEquals(await shop.all("/payments/unmatched"), []);
    assertEquals(await shop.all("/conditions?raised=true"), []);
    assertEquals(await shop.all("/jobs?state=dead"), []);
    assertEquals((await shop.ready()).ready, true);
    await until("the relay shows what is left", () => {
      const newest = relay.events.filter((event) =>
        event.kind === 30018 && event.tags.some((tag) => tag[1] === "cup")
      )
        .sort((a, b) => b.created_at - a.created_at)[0]!;
      return Promise.resolve(JSON.parse(newest.content).quantity === CUPS - sold);
    });
  } finally {
    for (const shopper of shoppers) await shopper.close();
    await shop.stop();
    globalThis.WebSocket = socket;
    await Deno.remove(dataDir, { recursive: true });
  }
});

interface RestoreJson {
  state: string;
  relays: { state: string }[];
  unknown_orders: { count: number };
  orders_ahead: { id: string }[];
  published: { d: string; known: boolean }[];
  figures: { messages_waiting: number; payments: number } | null;
  words: string[];
}

/** The shop's program in this process, on real time. */
class Running {
  readonly #app: App;
  #stopped = false;

  private constructor(app: App) {
    this.#app = app;
  }

  static async open(environment: Record<string, string>): Promise<Running> {
    const read = readSettings(environment, () => "");
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    const app = await App.open({
      settings: read.settings,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    });
    await app.start();
    return new Running(app);
  }

  get merchant(): string {
    return this.#app.merchants.all()[0]!.pubkey;
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#app.stop();
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.#app.fetch(
      new Request(`http://127.0.0.1:8787/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${this.#app.adminToken}`, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    );
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  async all<T>(path: string): Promise<T[]> {
    const rows: T[] = [];
    for (let cursor = "";;) {
      const more = `${path.includes("?") ? "&" : "?"}limit=200${cursor}`;
      const page = await this.call<{ data: T[]; next_cursor: string | null }>("GET", path + more);
      rows.push(...page.data);
      if (page.next_cursor === null) return rows;
      cursor = `&cursor=${page.next_cursor}`;
    }
  }

  async relays(): Promise<{ caught_up: boolean }[]> {
    return (await this.call<{ data: { caught_up: boolean }[] }>("GET", "/relays")).data;
  }

  ready() {
    return this.#app.health();
  }

  /** Customers order, and have their answers. */
  async takes(plans: Plan[]): Promise<void> {
    for (const plan of plans) {
      assert(await plan.shopper.write(orderOf(plan)));
    }
    for (const { id, shopper } of plans) {
      assertExists(
        await shopper.hears((one) => one.id === id && one.type === 1, PATIENCE_MS),
        `no answer to ${id}`,
      );
    }
  }

  /** Orders go on as they are to, and their customers have heard of it. */
  async goesOn(plans: Plan[]): Promise<void> {
    const paying = plans.filter(({ fate }) => fate === "paid" || fate === "shipped");
    for (const plan of paying) await this.pays(billOf(plan));
    for (const { id, shopper } of paying) {
      assertExists(
        await shopper.hears((one) => one.id === id && one.paid === true, PATIENCE_MS),
        `${id} isn't paid`,
      );
    }
    const ids = new Map((await this.all<OrderJson>("/orders")).map((one) => [one.customer_order_id, one.id]));
    for (const { id, shopper, fate } of plans) {
      if (fate !== "shipped") continue;
      await this.call("POST", `/orders/${ids.get(id)}/ship`, { carrier: "Post", tracking: id });
      assertExists(await shopper.hears((one) => one.id === id && one.shipped === true, PATIENCE_MS));
    }
  }

  async pays(bolt11: string): Promise<void> {
    const wallet = this.#app.merchants.all()[0]!.wallet!.inner as DemoWallet;
    const settled = await wallet.settle(bolt11);
    assert(settled.ok, settled.ok ? "" : settled.reason);
  }

  /** Nothing that is due waits any more. */
  async quiet(): Promise<void> {
    let since = Date.now();
    await until("everything is done", async () => {
      if (await this.#busy()) since = Date.now();
      return Date.now() - since > 1_500;
    });
  }

  async #busy(): Promise<boolean> {
    const { kysely } = this.#app.database;
    const now = Date.now();
    const inbox = await kysely.selectFrom("inbox").select("seq").where("state", "=", "new").limit(1)
      .executeTakeFirst();
    const job = await kysely.selectFrom("jobs").select("id").where("state", "!=", "dead")
      .where("run_at", "<=", now + 5_000).where("kind", "not in", ["owners.tell", "payments.sweep"]).limit(1)
      .executeTakeFirst();
    const outbox = await kysely.selectFrom("outbox").select("relay").where("state", "=", "pending").limit(1)
      .executeTakeFirst();
    const due = await kysely.selectFrom("invoices").select("id").where("next_lookup_at", "<=", now).limit(1)
      .executeTakeFirst();
    return [inbox, job, outbox, due].some((row) => row !== undefined);
  }
}

/** The customer's wallet pays while the shop doesn't run. */
async function paysOutside(dataDir: string, bolt11: string): Promise<void> {
  const wallet = new DemoWallet({
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    journal: demoJournalFile(`${dataDir}/demo-wallet.jsonl`),
  });
  const settled = await wallet.settle(bolt11);
  assert(settled.ok, settled.ok ? "" : settled.reason);
  await wallet.close();
}

/** What the shop has put on the relay for others: not its probes, which it writes to itself. */
function outgoing(relay: FakeRelay, merchant: string) {
  return relay.events.filter((event) => {
    if (event.tags.some(([name]) => name === "probe")) return false;
    const to = event.tags.find(([name]) => name === "p")?.[1];
    return event.pubkey === merchant || (event.kind === 1059 && to !== merchant);
  });
}

function told({ id, shopper }: Plan): MerchantMessage[] {
  return [...shopper.messages.values()].filter((message) => message.id === id);
}

function billOf(plan: Plan): string {
  const link = told(plan).map(lightningLink).find((one) => one !== undefined);
  assertExists(link, `${plan.id} has no invoice`);
  return link;
}

function orderOf({ id, fate, quantity }: Plan) {
  return lnbitsOrder(id, fate === "refused" ? "gone" : "cup", quantity, "");
}

function product(id: string, quantity: number) {
  return { id, stall_id: "tea", name: id, price: 100, quantity };
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`);
}
