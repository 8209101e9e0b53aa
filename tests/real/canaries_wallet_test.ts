import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { hexToBytes } from "@noble/hashes/utils.js";
import * as nip19 from "nostr-tools/nip19";
import { generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { encodeBolt11 } from "../../src/payments/bolt11.ts";
import { onPostgres } from "../support/databases.ts";
import { serveNpmRelay } from "../support/npm_relay.ts";
import { NwcService } from "../support/nwc_service.ts";
import { lightningLink, type Shopper } from "../support/shopper.ts";
import { absent, canary, CanaryScene, order, until } from "./canary_scene.ts";
import { tablesOf } from "./canary_storage.ts";

/** Stands in all that the wallets say: where this is read, their words are. */
const WORDS = canary("words");

const NAME = "a wallet that fails and says its connection's secret for it is quoted without it";
Deno.test(`${NAME} (sqlite)`, () => failing(null));
onPostgres(NAME, (shared) => failing(shared.url));

async function failing(database: string | null): Promise<void> {
  await using relay = await serveNpmRelay();
  await using spend = await NwcService.start(relay.url);
  const owner = getPublicKey(generateSecretKey());
  await using scene = await CanaryScene.start({
    database,
    settings: { NCC_WALLET_SPEND: spend.url, NCC_OWNERS: owner },
  });
  await scene.offer("x");
  const secrets = [...spellings(scene.wallet.url), ...spellings(spend.url)];

  await using bob = scene.shopper("nip04");
  await bob.connect();
  await bob.write(order("bob", "bob-1"));
  const asked = await scene.hears(bob, (message) => message.type === 1);
  assertEquals(await scene.wallet.settle(lightningLink(asked)!), null);
  await scene.hears(bob, (message) => message.paid === true);
  const paid = await scene.orderOf(bob, "bob-1");
  await refuseRefunds(scene, spend, paid.id, bob);

  // Away for now: the customer waits. Then for good: the order ends.
  const { url } = scene.wallet;
  const said = [
    ["INTERNAL", `no connection ${url}`],
    ["RATE_LIMITED", `too much from ${secretOf(url)}`],
    ["RESTRICTED", `${secretOf(url).toUpperCase()} mustn't make invoices`],
    ["UNAUTHORIZED", `who is "${nip19.nsecEncode(hexToBytes(secretOf(url)))}"?`],
  ] as const;
  for (const [i, [code, text]] of said.entries()) {
    scene.wallet.refusal = { code, message: `${WORDS} ${text}` };
    await using one = scene.shopper(i % 2 === 0 ? "nip04" : "nip17");
    await one.connect();
    await one.write(order("carol", `carol-${i}`));
    await scene.hears(one, (message) => message.id === `carol-${i}`);
    await until(
      `the log says ${code}`,
      async () =>
        (await scene.log()).split("\n").some((line) =>
          line.includes("attempt_failed") && line.includes(code)
        ),
    );
    for (const message of one.messages.values()) absent([WORDS, ...secrets], JSON.stringify(message), code);
  }

  const told = await everythingOf(scene);
  for (const [path, text] of told) absent(secrets, text, path);
  for (const [table, text] of await tablesOf({ database, dataDir: scene.dataDir })) {
    absent(secrets, text, `table ${table}`);
  }
  // It was all about their words.
  for (const path of ["/readyz", "/api/v1/jobs", "/api/v1/refunds", "/api/v1/notices"]) {
    assertStringIncludes(told.get(path)!, WORDS, path);
  }
  assertStringIncludes(told.get(`/api/v1/orders/${paid.id}/timeline`)!, WORDS);
  assertEquals(await scene.process.end("SIGTERM"), 0);
  absent(secrets, await scene.log(), "the log");
  for (const [code] of said) assert((await scene.log()).includes(`${code}: ${WORDS}`), code);
}

/** Whoever pays refunds says no, and the owners are told why. */
async function refuseRefunds(
  scene: CanaryScene,
  spend: NwcService,
  orderId: string,
  bob: Shopper,
): Promise<void> {
  spend.refusal = {
    code: "INSUFFICIENT_BALANCE",
    message: `${WORDS} nothing left for ${secretOf(spend.url)}`,
  };
  await scene.call("POST", `/orders/${orderId}/refund`, { reason: "Broken" });
  const bolt11 = encodeBolt11({
    network: "bcrt",
    amountMsat: 100_000n,
    timestamp: Math.floor(Date.now() / 1000),
    paymentHash: "ab".repeat(32),
    paymentSecret: "cd".repeat(32),
    description: "refund",
    expirySeconds: 3_600,
  }, generateSecretKey());
  await bob.write(`lightning:${bolt11}`);
  const refund = async () =>
    (await scene.call<{ data: { id: string; destination: string | null; note: string | null }[] }>(
      "GET",
      "/refunds",
    )).data[0]!;
  await until("the refund has its destination", async () => (await refund()).destination !== null);
  await scene.call("POST", `/refunds/${(await refund()).id}/approve`, {});
  const notices = async () => (await scene.ask("GET", "/api/v1/notices")).text;
  await until("the owners were told", async () => (await notices()).includes(WORDS));
}

/** All that the API tells its operator, by path. */
async function everythingOf(scene: CanaryScene): Promise<Map<string, string>> {
  const paths = ["/readyz", "/metrics"].concat(
    ["orders", "messages", "refunds", "notices", "conditions", "jobs", "merchants", "customers", "relays"]
      .map((list) => `/api/v1/${list}`),
    (await scene.orders()).flatMap(({ id }) => [`/api/v1/orders/${id}`, `/api/v1/orders/${id}/timeline`]),
  );
  const told = new Map<string, string>();
  for (const path of paths) told.set(path, (await scene.ask("GET", path)).text);
  return told;
}

function secretOf(url: string): string {
  return new URL(url).searchParams.get("secret")!;
}

/** As somebody may write it. */
function spellings(url: string): string[] {
  const secret = secretOf(url);
  return [secret, secret.toUpperCase(), nip19.nsecEncode(hexToBytes(secret))];
}
