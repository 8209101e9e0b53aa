import { assert, assertEquals, assertExists } from "@std/assert";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { generateSecretKey } from "nostr-tools/pure";
import * as nip49 from "nostr-tools/nip49";
import * as nip19 from "nostr-tools/nip19";
import { encodeBolt11 } from "../../src/payments/bolt11.ts";
import { freePort, NccProcess } from "../support/ncc_process.ts";
import { serveNpmRelay } from "../support/npm_relay.ts";
import { NwcService } from "../support/nwc_service.ts";
import { lightningLink, Shopper } from "../support/shopper.ts";

const PATIENCE_MS = 20_000;
/** Says whose something is, or what kind of secret; found again wherever it leaks to. */
const canary = (what: string) => `canary${what}x7q`;
const TOKEN = `${canary("token")}${"t".repeat(32)}`;
const PASSPHRASE = canary("passphrase");
/** Tables that may hold what customers write; everything else may not. */
const MEANT = ["inbox", "messages", "orders", "outbox_events", "nostr_events"];

interface OrderJson {
  id: string;
  customer: string;
  payment: string;
}

function order(who: string, id: string) {
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

const said = (who: string) =>
  ["name", "address", "message", "phone", "email", "chat"].map((what) => canary(who + what));

Deno.test("what customers write and what is secret stands only where it must, and one who is forgotten nowhere", async () => {
  await using relay = await serveNpmRelay();
  await using wallet = await NwcService.start(relay.url);
  const dataDir = await Deno.makeTempDir({ prefix: "ncc-test-" });
  const key = generateSecretKey();
  const otherKey = nip19.nsecEncode(generateSecretKey());
  const setup = {
    dataDir,
    port: freePort(),
    settings: {
      NCC_RELAYS: relay.url,
      NCC_WALLET: wallet.url,
      NCC_ADMIN_TOKEN: TOKEN,
      NCC_KEY: nip49.encrypt(key, PASSPHRASE, 10),
      NCC_KEY_PASSPHRASE: PASSPHRASE,
      NCC_LOG: "debug",
    },
  };
  const secrets = [
    TOKEN,
    PASSPHRASE,
    otherKey,
    nip19.nsecEncode(key),
    hex(key),
    new URL(wallet.url).searchParams.get("secret")!,
  ];
  const goods = canary("goods");
  const base = `http://127.0.0.1:${setup.port}`;
  const ask = async (method: string, path: string, body?: string, token = TOKEN) => {
    const response = await fetch(base + path, {
      method,
      headers: {
        "content-type": "application/json",
        ...(token !== "" && { authorization: `Bearer ${token}` }),
        ...(method === "POST" && { "idempotency-key": crypto.randomUUID() }),
      },
      ...(body !== undefined && { body }),
    });
    return { status: response.status, text: await response.text() };
  };
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const { status, text } = await ask(
      method,
      `/api/v1${path}`,
      body === undefined ? undefined : JSON.stringify(body),
    );
    assert(status < 300, `${method} ${path}: ${status} ${text}`);
    return JSON.parse(text);
  };
  const ncc = new NccProcess(setup);
  try {
    assertExists(await ncc.ready(PATIENCE_MS), await logOf(dataDir));
    const merchant = (await call<{ data: { pubkey: string }[] }>("GET", "/merchants")).data[0]!.pubkey;
    await call("POST", "/stalls", {
      id: "music",
      name: "Music",
      currency: "sat",
      shipping: [{ id: "x", cost: 0 }],
    });
    await call("POST", "/products", {
      id: "song",
      stall_id: "music",
      name: "Song",
      price: 100,
      quantity: 10,
    });
    await call("POST", "/products", {
      id: "file",
      stall_id: "music",
      name: "File",
      price: 100,
      digital: true,
      digital_content: goods,
    });
    await call("POST", "/merchants", { name: "Other", secret_key: otherKey });

    const shopper = (envelope: "nip04" | "nip17") =>
      new Shopper({ secretKey: generateSecretKey(), merchant, envelope, relay: relay.url });
    await using alice = shopper("nip04");
    await using bob = shopper("nip17");
    for (const [who, name] of [[alice, "alice"], [bob, "bob"]] as const) {
      await who.connect();
      await who.write(`Hello, ${canary(`${name}chat`)}`);
      await who.write(order(name, `${name}-1`));
      const request = await who.hears((message) => message.type === 1, PATIENCE_MS);
      const link = request && lightningLink(request);
      assertExists(link, await logOf(dataDir));
      assertEquals(await wallet.settle(link), null);
      assertExists(await who.hears((message) => message.paid === true, PATIENCE_MS), await logOf(dataDir));
      // Orders that can't be read, or are wrong.
      await who.write(`{"type":0,"id":"${name}-2","address":"${canary(`${name}address`)}",`);
      await who.write({ ...order(name, `${name}-3`), items: canary(`${name}message`) });
      await who.write({ ...order(name, `${name}-4`), items: [{ product_id: "nothing", quantity: -1 }] });
      await who.write({
        ...order(name, `${name}-5`),
        message: canary(`${name}message`) + "x".repeat(40_000),
      });
    }
    const orders = async () => (await call<{ data: OrderJson[] }>("GET", "/orders?limit=200")).data;
    await until("everything was read", async () => (await orders()).length >= 6);
    const find = async (who: Shopper, n: string) =>
      (await call<{ data: (OrderJson & { customer_order_id: string })[] }>("GET", "/orders?limit=200")).data
        .find((one) => one.customer === who.pubkey && one.customer_order_id.endsWith(n))!;
    await call("POST", "/messages", {
      merchant,
      customer: alice.pubkey,
      body: `Dear ${canary("alicechat")}`,
    });
    for (const who of [alice, bob]) {
      await call("POST", `/orders/${(await find(who, "-1")).id}/ship`, { tracking: "0034" });
    }

    // What is delivered for money reaches its buyer, and where a refund shall go the refund alone.
    await bob.write({ ...order("bob", "bob-6"), items: [{ product_id: "file", quantity: 1 }] });
    const asked = await bob.hears((message) => message.type === 1 && message.id === "bob-6", PATIENCE_MS);
    assertEquals(await wallet.settle(lightningLink(asked!)!), null);
    await until(
      "the goods were sent",
      async () =>
        (await call<{ data: { body: string }[] }>("GET", "/messages?limit=200")).data
          .some(({ body }) => body.includes(goods)),
    );
    const paid = await find(alice, "-1");
    await call("POST", `/orders/${paid.id}/refund`, { reason: "Broken" });
    const destination = encodeBolt11({
      network: "bcrt",
      amountMsat: 100_000n,
      timestamp: Math.floor(Date.now() / 1000),
      paymentHash: "ab".repeat(32),
      paymentSecret: "cd".repeat(32),
      description: "refund",
      expirySeconds: 3_600,
      minFinalCltv: 18,
    }, generateSecretKey());
    const address = `${canary("address")}@wallet.example`;
    await alice.write(`Please send it to ${address}, or lightning:${destination}`);
    await until(
      "the refund has its destination",
      async () =>
        (await call<{ data: { destination: string | null }[] }>("GET", "/refunds")).data
          .some((refund) => refund.destination === destination),
    );

    // Bodies that aren't as they must be: no answer says them again, nor does the log.
    for (
      const [path, body] of [
        ["/messages", `{"customer": "${canary("body")}", "body": ["${canary("body")}"]}`],
        ["/messages", `{"customer": ${canary("body")}`],
        ["/merchants", JSON.stringify({ name: canary("body"), secret_key: `${otherKey}x` })],
        ["/merchants", JSON.stringify({ secret_key: { nsec: otherKey } })],
        ["/stalls", JSON.stringify({ name: 1, currency: canary("body") })],
        [`/orders/${(await find(alice, "-1")).id}/ship`, JSON.stringify({ tracking: [canary("body")] })],
      ] as const
    ) {
      const { status, text } = await ask("POST", `/api/v1${path}`, body);
      assert(status >= 400 && status < 500, `${path} ${body}: ${status}`);
      for (const one of [canary("body"), otherKey]) {
        assert(!text.includes(one), `${path} says it again: ${text}`);
      }
    }
    const customers = [...said("alice"), ...said("bob"), address];
    for (
      const path of ["/readyz", "/healthz", "/openapi.json", "/metrics", "/api/v1/orders", "/api/v1/messages"]
    ) {
      for (const token of ["", "wrong" + TOKEN]) {
        absent([...secrets, ...customers, goods], (await ask("GET", path, undefined, token)).text, path);
      }
    }
    for (
      const path of [
        "/metrics",
        "/readyz",
        "/api/v1/jobs",
        "/api/v1/notices",
        "/api/v1/merchants",
        "/api/v1/customers",
      ]
    ) {
      absent([...secrets, ...customers, goods, destination], (await ask("GET", path)).text, path);
    }
    absent([...secrets, ...customers], await argumentsOf(ncc.pid), "the process's arguments");

    const backup = await call<{ path: string }>("POST", "/backups", {});
    const files = [join(dataDir, "ncc.db"), join(dataDir, "ncc.db-wal"), backup.path];
    for (const path of files) absent(secrets, await bytesOf(path), path);
    assert((await Promise.all(files.map(bytesOf))).some((text) => text.includes(canary("bobaddress"))));
    const master = (await Deno.readTextFile(join(dataDir, "master.key"))).trim();
    absent([master], await bytesOf(backup.path), "the backup");
    for (const [table, text] of tables(backup.path)) {
      if (!MEANT.includes(table)) absent(customers, text, `table ${table}`);
      if (!["products", "messages"].includes(table)) absent([goods], text, `table ${table}`);
      if (!["refunds", "messages"].includes(table)) absent([destination], text, `table ${table}`);
    }

    for (const one of await orders()) {
      if (one.customer !== alice.pubkey || one.payment !== "awaiting") continue;
      await call("POST", `/orders/${one.id}/cancel`, { reason: canary("alicemessage") });
    }
    const [refund] = (await call<{ data: { id: string }[] }>("GET", "/refunds")).data;
    await call("POST", `/refunds/${refund!.id}/by_hand`, { note: "Handed over" });
    const npub = nip19.npubEncode(alice.pubkey);
    const forgotten = await call<{ orders: number; wiped: boolean; removed_backups: string[] }>(
      "POST",
      `/customers/${npub}/forget?merchant=${merchant}`,
      { backups: true },
    );
    assertEquals([forgotten.wiped, forgotten.removed_backups], [true, [backup.path]]);
    assert(forgotten.orders >= 3);
    const left = (await Promise.all(files.slice(0, 2).map(bytesOf))).join("");
    absent([...said("alice"), address, destination], left, "the database after alice was forgotten");
    for (const one of said("bob").filter((one) => !one.includes("email"))) assert(left.includes(one), one);

    assertEquals(await ncc.end("SIGTERM"), 0);
    absent(
      [...secrets, ...customers, goods, destination, canary("body"), master],
      await logOf(dataDir),
      "the log",
    );
    assert((await logOf(dataDir)).includes('"level":"debug"'));
  } finally {
    await ncc.end("SIGKILL");
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("a start that fails shows no secret", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "ncc-test-" });
  const nsec = nip19.nsecEncode(generateSecretKey());
  const wrong: Record<string, string>[] = [
    { NCC_KEY: `${nsec}q` },
    { NCC_KEY: nip49.encrypt(generateSecretKey(), "right", 10), NCC_KEY_PASSPHRASE: PASSPHRASE },
    { NCC_WALLET: `nostr+walletconnect://nobody?secret=${canary("wallet")}` },
    { NCC_WALLET: `bitcoin:${canary("wallet")}` },
    { NCC_DATABASE_URL: `postgres://ncc:${canary("password")}@127.0.0.1:1/ncc` },
    { NCC_ADMIN_TOKEN: "canarytoken" },
  ];
  try {
    for (const settings of wrong) {
      const ncc = new NccProcess({ dataDir, port: freePort(), settings });
      assert(await ncc.ended() !== 0);
    }
    const text = await logOf(dataDir);
    assert(text.includes("✗"), text);
    absent([nsec, PASSPHRASE, canary("wallet"), canary("password"), "canarytoken"], text, "the output");
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

function absent(what: string[], text: string, where: string): void {
  for (const one of what) {
    const at = text.indexOf(one);
    assert(at === -1, `${where} has ${one}: …${text.slice(Math.max(0, at - 150), at + 60)}…`);
  }
}

/** Every table with all its rows as text. */
function tables(path: string): [string, string][] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const names = database.prepare(
      "select name from sqlite_master where type = 'table' and name not like 'nostr_search%'",
    ).all();
    return names.map(({ name }) => [
      String(name),
      JSON.stringify(database.prepare(`select * from "${String(name)}"`).all()),
    ]);
  } finally {
    database.close();
  }
}

async function bytesOf(path: string): Promise<string> {
  return new TextDecoder("latin1").decode(await Deno.readFile(path));
}

async function argumentsOf(pid: number): Promise<string> {
  return Deno.build.os === "linux" ? await Deno.readTextFile(`/proc/${pid}/cmdline`) : "";
}

async function logOf(dataDir: string): Promise<string> {
  return await Deno.readTextFile(`${dataDir}/test.log`);
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`);
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
