import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import * as nip19 from "nostr-tools/nip19";
import { finalizeEvent, generateSecretKey } from "nostr-tools/pure";
import { encodeBolt11 } from "../../src/payments/bolt11.ts";
import { onPostgres } from "../support/databases.ts";
import { NostrClient } from "../support/nostr_client.ts";
import { lightningLink, type Shopper } from "../support/shopper.ts";
import { absent, canary, CanaryScene, order, said, until } from "./canary_scene.ts";
import { bytesOf, sqliteTables, tablesOf } from "./canary_storage.ts";

/** Tables that may hold what customers write; everything else may not. */
const MEANT = ["inbox", "messages", "orders", "outbox_events", "nostr_events"];
const goods = canary("goods");
const address = `${canary("address")}@wallet.example`;
/** What stands in lists of relays besides the addresses that we use: it isn't ours to keep. */
const listed = (who: string) => ["list", "alt", "host", "path"].map((what) => canary(who + what));
const customers = ["alice", "bob"].flatMap((who) => [...said(who), ...listed(who)]).concat(address);

const NAME =
  "what customers write and what is secret stands only where it must, and one who is forgotten nowhere";
Deno.test(`${NAME} (sqlite)`, () => wholeRun(null));
onPostgres(NAME, (shared) => wholeRun(shared.url));

async function wholeRun(database: string | null): Promise<void> {
  await using scene = await CanaryScene.start({ database });
  const where = { database, dataDir: scene.dataDir };
  await scene.offer(goods);
  await scene.call("POST", "/merchants", { name: "Other", secret_key: scene.otherKey });
  const keys = { alice: generateSecretKey(), bob: generateSecretKey() };
  await listRelays(scene, keys);
  await using alice = scene.shopper("nip04", keys.alice);
  await using bob = scene.shopper("nip17", keys.bob);
  await buy(scene, alice, "alice");
  await buy(scene, bob, "bob");
  await until("everything was read", async () => (await scene.orders()).length >= 6);
  await until(
    "both lists were looked up",
    async () => (await scene.log()).split("recipient.looked_up").length > 2,
  );
  const dear = `Dear ${canary("alicechat")}`;
  await scene.call("POST", "/messages", { merchant: scene.merchant, customer: alice.pubkey, body: dear });
  for (const who of [alice, bob]) {
    const { id } = await scene.orderOf(who, "-1");
    await scene.call("POST", `/orders/${id}/ship`, { tracking: "0034" });
  }
  await download(scene, bob);
  const destination = await wantRefund(scene, alice);

  await askWrongly(scene, `/orders/${(await scene.orderOf(alice, "-1")).id}/ship`);
  await askForEverything(scene, destination);
  if (Deno.build.os === "linux") {
    const given = await Deno.readTextFile(`/proc/${scene.process.pid}/cmdline`);
    absent([...scene.secrets, ...customers], given, "the process's arguments");
  }

  searchTables(await tablesOf(where), destination, scene.secrets);
  // What she wrote can be opened again as long as its event is there.
  const herEvents = `\\"pubkey\\":\\"${alice.pubkey}`;
  assert(textOf(await tablesOf(where)).includes(herEvents));
  const backup = database === null ? await backUp(scene, destination) : null;

  await end(scene, alice);
  const forgotten = await scene.call<{ orders: number; wiped: boolean; removed_backups: string[] }>(
    "POST",
    `/customers/${nip19.npubEncode(alice.pubkey)}/forget?merchant=${scene.merchant}`,
    { backups: true },
  );
  assertEquals([forgotten.wiped, forgotten.removed_backups], [true, backup === null ? [] : [backup]]);
  assert(forgotten.orders >= 3);
  const files = database === null ? await Promise.all(filesOf(scene).map(bytesOf)) : [];
  const left = [textOf(await tablesOf(where)), ...files].join("");
  absent([...said("alice"), address, destination, herEvents], left, "the database after alice was forgotten");
  for (const one of said("bob").filter((one) => !one.includes("email"))) assert(left.includes(one), one);

  assertEquals(await scene.process.end("SIGTERM"), 0);
  const log = await scene.log();
  const master = (await Deno.readTextFile(join(scene.dataDir, "master.key"))).trim();
  absent(
    [...scene.secrets, ...customers, goods, destination, canary("body"), master],
    log,
    "the log",
  );
  assert(log.includes('"level":"debug"'));
}

/** NIP-17 and NIP-65: where they read. Of all that such a list says only the relay that we use may be kept. */
async function listRelays(scene: CanaryScene, keys: Record<string, Uint8Array>): Promise<void> {
  const { url } = scene.relay;
  await using client = await NostrClient.connect(url);
  for (const [who, key] of Object.entries(keys)) {
    const [list, alt, host, path] = listed(who) as [string, string, string, string];
    const elsewhere = `wss://${host}.example/${path}`;
    for (const [kind, name] of [[10_050, "relay"], [10_002, "r"]] as const) {
      const tags = [[name, url, ""], [name, elsewhere], [name, `ws://127.0.0.1/${path}`], ["alt", alt]];
      const created_at = Math.floor(Date.now() / 1000);
      const [taken, reason] = await client.publish(
        finalizeEvent({ kind, created_at, tags, content: list }, key),
      );
      assert(taken, reason);
    }
  }
}

/** Says hello, buys a song, and sends orders that can't be read, or are wrong. */
async function buy(scene: CanaryScene, who: Shopper, name: string): Promise<void> {
  await who.connect();
  await who.write(`Hello, ${canary(`${name}chat`)}`);
  await who.write(order(name, `${name}-1`));
  const request = await scene.hears(who, (message) => message.type === 1);
  assertEquals(await scene.wallet.settle(lightningLink(request)!), null);
  await scene.hears(who, (message) => message.paid === true);
  const message = canary(`${name}message`);
  await who.write(`{"type":0,"id":"${name}-2","address":"${canary(`${name}address`)}",`);
  await who.write({ ...order(name, `${name}-3`), items: message });
  await who.write({ ...order(name, `${name}-4`), items: [{ product_id: "nothing", quantity: -1 }] });
  await who.write({ ...order(name, `${name}-5`), message: message + "x".repeat(40_000) });
}

/** What is delivered for money reaches its buyer. */
async function download(scene: CanaryScene, bob: Shopper): Promise<void> {
  await bob.write({ ...order("bob", "bob-6"), items: [{ product_id: "file", quantity: 1 }] });
  const asked = await scene.hears(bob, (message) => message.type === 1 && message.id === "bob-6");
  assertEquals(await scene.wallet.settle(lightningLink(asked)!), null);
  const messages = async () =>
    (await scene.call<{ data: { body: string }[] }>("GET", "/messages?limit=200")).data;
  await until(
    "the goods were sent",
    async () => (await messages()).some(({ body }) => body.includes(goods)),
  );
}

/** Where a refund shall go reaches the refund alone. Answers where that is. */
async function wantRefund(scene: CanaryScene, alice: Shopper): Promise<string> {
  const paid = await scene.orderOf(alice, "-1");
  await scene.call("POST", `/orders/${paid.id}/refund`, { reason: "Broken" });
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
  await alice.write(`Please send it to ${address}, or lightning:${destination}`);
  const refunds = async () =>
    (await scene.call<{ data: { destination: string | null }[] }>("GET", "/refunds")).data;
  await until(
    "the refund has its destination",
    async () => (await refunds()).some((refund) => refund.destination === destination),
  );
  return destination;
}

/** Bodies that aren't as they must be: no answer says them again, nor does the log. */
async function askWrongly(scene: CanaryScene, shipping: string): Promise<void> {
  const body = canary("body");
  for (
    const [path, text] of [
      ["/messages", `{"customer": "${body}", "body": ["${body}"]}`],
      ["/messages", `{"customer": ${body}`],
      ["/merchants", JSON.stringify({ name: body, secret_key: `${scene.otherKey}x` })],
      ["/merchants", JSON.stringify({ secret_key: { nsec: scene.otherKey } })],
      ["/stalls", JSON.stringify({ name: 1, currency: body })],
      [shipping, JSON.stringify({ tracking: [body] })],
    ] as const
  ) {
    const answer = await scene.ask("POST", `/api/v1${path}`, text);
    assert(answer.status >= 400 && answer.status < 500, `${path} ${text}: ${answer.status}`);
    absent([body, scene.otherKey], answer.text, `the answer of ${path}`);
  }
}

/** Who has no token, or not the right one, and who has it and asks for what isn't about customers' words. */
async function askForEverything(scene: CanaryScene, destination: string): Promise<void> {
  const never = [...scene.secrets, ...customers, goods];
  for (
    const path of ["/readyz", "/healthz", "/openapi.json", "/metrics", "/api/v1/orders", "/api/v1/messages"]
  ) {
    for (const token of ["", "wrong" + scene.secrets[0]]) {
      absent(never, (await scene.ask("GET", path, undefined, token)).text, path);
    }
  }
  for (
    const path of [
      ...["/metrics", "/readyz", "/api/v1/jobs", "/api/v1/notices", "/api/v1/conditions", "/api/v1/relays"],
      ...["/api/v1/merchants", "/api/v1/customers"],
    ]
  ) absent([...never, destination], (await scene.ask("GET", path)).text, path);
}

function searchTables(tables: [string, string][], destination: string, secrets: string[]): void {
  assert(tables.length > 20, `${tables.length} tables`);
  const lists = ["alice", "bob"].flatMap(listed);
  for (const [table, text] of tables) {
    absent([...secrets, ...lists], text, `table ${table}`);
    if (!MEANT.includes(table)) absent(customers, text, `table ${table}`);
    if (!["products", "messages"].includes(table)) absent([goods], text, `table ${table}`);
    if (!["refunds", "messages"].includes(table)) absent([destination], text, `table ${table}`);
  }
  assert(tables.some(([table, text]) => table === "orders" && text.includes(canary("bobaddress"))));
  assert(tables.some(([table, text]) => table === "recipient_relays" && text.includes("ws://127.0.0.1")));
}

function textOf(tables: [string, string][]): string {
  return tables.map(([, text]) => text).join("");
}

function filesOf(scene: CanaryScene): string[] {
  return [join(scene.dataDir, "ncc.db"), join(scene.dataDir, "ncc.db-wal")];
}

/** SQLite's files, byte by byte: the database, its log of commits, and a backup. Answers where that is. */
async function backUp(scene: CanaryScene, destination: string): Promise<string> {
  const { path } = await scene.call<{ path: string }>("POST", "/backups", {});
  const texts = await Promise.all([...filesOf(scene), path].map(bytesOf));
  for (const text of texts) absent(scene.secrets, text, "a file of the database");
  const master = (await Deno.readTextFile(join(scene.dataDir, "master.key"))).trim();
  absent([master], await bytesOf(path), "the backup");
  searchTables(sqliteTables(path), destination, scene.secrets);
  return path;
}

/** Nothing of alice's stands open any more. */
async function end(scene: CanaryScene, alice: Shopper): Promise<void> {
  for (const one of await scene.orders()) {
    if (one.customer !== alice.pubkey || one.payment !== "awaiting") continue;
    await scene.call("POST", `/orders/${one.id}/cancel`, { reason: canary("alicemessage") });
  }
  const [refund] = (await scene.call<{ data: { id: string }[] }>("GET", "/refunds")).data;
  await scene.call("POST", `/refunds/${refund!.id}/by_hand`, { note: "Handed over" });
}
